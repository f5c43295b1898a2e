"""The relay carries real datagrams as its links say."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest_asyncio

from bench.network.link import DARK, GOOD, Rules
from bench.network.relay import Relay, detour

Address = tuple[str, int]


class Echo(asyncio.DatagramProtocol):
    """Sends back what it gets, and notes who sent."""

    def __init__(self) -> None:
        self.seen: list[Address] = []

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport

    def datagram_received(self, data: bytes, address: Address) -> None:
        self.seen.append(address)
        self.transport.sendto(data, address)


@pytest_asyncio.fixture
async def echo() -> AsyncIterator[Echo]:
    transport, made = await asyncio.get_running_loop().create_datagram_endpoint(Echo, ("127.0.0.1", 0))
    yield made
    transport.close()


@pytest_asyncio.fixture
async def relay(echo: Echo) -> AsyncIterator[Relay]:
    async with Relay(echo.transport.get_extra_info("sockname")) as made:
        yield made


class Client:
    """Asks and waits for what comes back."""

    def __init__(self, relay: Relay) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.connect(relay.address)

    async def ask(self, *words: bytes) -> list[bytes]:
        loop = asyncio.get_running_loop()
        for word in words:
            await loop.sock_sendall(self.socket, word)
        async with asyncio.timeout(10):
            return [await loop.sock_recv(self.socket, 100) for _ in words]

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


async def test_everybody_gets_their_own_answers(relay: Relay, echo: Echo) -> None:
    """Two clients are two addresses to the target, and each is answered from where it asked."""
    with Client(relay) as one, Client(relay) as other:
        assert await one.ask(b"a", b"b") == [b"a", b"b"]
        assert await other.ask(b"c") == [b"c"]
    assert len(set(echo.seen)) == 2


async def test_delayed_datagrams_keep_their_order(relay: Relay) -> None:
    """Fifty that are under way at once come out as they went in."""
    relay.set_rules(up=Rules(delay_s=0.02, jitter_s=0.02), down=Rules(delay_s=0.02))
    words = [b"%d" % n for n in range(50)]
    with Client(relay) as client:
        assert await client.ask(*words) == words


async def test_one_direction_alone_can_be_dark(relay: Relay, echo: Echo) -> None:
    """With the way back dark the target still hears; once it is light again, both do."""
    relay.set_rules(down=DARK)
    with Client(relay) as client:
        await asyncio.get_running_loop().sock_sendall(client.socket, b"lost")
        async with asyncio.timeout(10):
            while not echo.seen or not relay.down.lost:
                await asyncio.sleep(0)
        relay.set_rules(down=GOOD)
        assert await client.ask(b"heard") == [b"heard"]


async def test_a_changed_address_is_seen_by_the_target(relay: Relay, echo: Echo) -> None:
    """After the change the target hears the same client from another port, and its answers arrive."""
    with Client(relay) as client:
        await client.ask(b"before")
        relay.change_address()
        assert await client.ask(b"after") == [b"after"]
    assert len(set(echo.seen)) == 2


def test_a_page_is_sent_through_it() -> None:
    """The init script names the relay where an answer named the media port."""
    assert '"$1 192.0.2.1 4711"' in detour(("192.0.2.1", 4711))
