"""Raw bytes on a connection that has the fast path: whoever answers, each request has one answer, in order."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from aiohttp import web

from station.base import fast_path
from station.base.fast_path import FastPathConnection, head_of, listen, with_date

LARGE = 8_000_000
FAST = b"GET /fast HTTP/1.1\r\nHost: x\r\n\r\n"
LATER = b"GET /later HTTP/1.1\r\nHost: x\r\n\r\n"
SLOW = b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"


class Both:
    """A fast path that answers /fast at once and /later when it is told to."""

    def __init__(self) -> None:
        self.waiting: list[FastPathConnection] = []
        self.left = 0

    def answer(self, connection: FastPathConnection, head: bytes) -> bool:
        if head.startswith(b"GET /fast "):
            connection.send(answer(b"fast"))
            return True
        if head.startswith(b"GET /large "):
            connection.send(answer(bytes(LARGE)))
            return True
        if head.startswith(b"GET /later "):
            self.waiting.append(connection)
            connection.wait(head)
            return True
        return False

    def forget(self, connection: FastPathConnection) -> None:
        self.waiting.remove(connection)
        self.left += 1


def answer(body: bytes) -> bytes:
    return with_date(head_of("200 OK", {"Content-Type": "text/plain"}, len(body)), body, 0)


class Client:
    """Bytes in, answers' bodies out."""

    def __init__(self, both: Both, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.both, self.reader, self.writer = both, reader, writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def body(self) -> bytes:
        """The next answer's body."""
        async with asyncio.timeout(10):
            head = await self.reader.readuntil(b"\r\n\r\n")
            size = re.search(rb"content-length: (\d+)", head, re.I)
            assert size, head
            return await self.reader.readexactly(int(size[1]))

    async def when_waiting(self, count: int = 1) -> None:
        async with asyncio.timeout(10):
            while len(self.both.waiting) < count:
                await asyncio.sleep(0.005)


@asynccontextmanager
async def running(keepalive_s: float = 60) -> AsyncIterator[Client]:
    async def other(request: web.Request) -> web.Response:
        if request.path == "/early":
            asyncio.get_running_loop().call_soon(request.protocol.data_received, FAST)
        return web.Response(text=f"slow {len(await request.read())}")

    app = web.Application()
    app.router.add_route("*", "/{any}", other)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    both = Both()
    listening = await listen(runner, both, host="127.0.0.1", port=0, keepalive_s=keepalive_s)
    reader, writer = await asyncio.open_connection(*listening.sockets[0].getsockname())
    try:
        yield Client(both, reader, writer)
    finally:
        writer.close()
        listening.close()
        await runner.cleanup()


@pytest_asyncio.fixture
async def client() -> AsyncIterator[Client]:
    async with running() as one:
        yield one


async def test_both_answer_on_one_connection(client: Client) -> None:
    """Fast, slow and fast again: a connection that aiohttp has answered on is not lost to the fast path."""
    for sent, expected in ((FAST, b"fast"), (SLOW, b"slow 0"), (FAST, b"fast"), (SLOW, b"slow 0")):
        client.send(sent)
        assert await client.body() == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Connection: keep-alive", b"fast"),
        ("connection:Keep-Alive", b"fast"),
        ("Upgrade-Insecure-Requests: 1", b"fast"),
        ("If: x", b"fast"),
        ("Connection: close", b"slow 0"),
        ("Connection: keep-alive, close", b"slow 0"),
        ("Connection: Upgrade\r\nUpgrade: nothing", b"slow 0"),
        ("authorization: Bearer x", b"slow 0"),
        ("Range: bytes=0-1", b"slow 0"),
        ("If-None-Match: x", b"slow 0"),
    ],
)
async def test_a_header_that_means_more_is_aiohttps(client: Client, header: str, expected: bytes) -> None:
    """What browsers send with each request is no hindrance; conditions, rights and other protocols are."""
    client.send(f"GET /fast HTTP/1.1\r\nHost: x\r\n{header}\r\n\r\n".encode())
    assert await client.body() == expected


async def test_requests_at_once_are_answered_in_order(client: Client) -> None:
    """Several requests in one packet, and one that comes while the one before still waits."""
    client.send(SLOW + FAST + SLOW)
    assert [await client.body() for _ in range(3)] == [b"slow 0", b"slow 0", b"slow 0"]


async def test_what_comes_before_the_answer_waits_for_it(client: Client) -> None:
    """A client that does not wait for its answer gets all of them, one after the other."""
    client.send(LATER)
    await client.when_waiting()
    client.send(SLOW)
    await client.writer.drain()
    waiting = client.both.waiting.pop()
    async with asyncio.timeout(10):
        while not waiting._later:
            await asyncio.sleep(0.005)
    waiting.send(answer(b"later"))
    assert [await client.body(), await client.body()] == [b"later", b"slow 0"]
    client.send(FAST)
    assert await client.body() == b"fast"


async def test_who_is_faster_than_aiohttp_is_not_its_for_ever(client: Client) -> None:
    """A request that comes with the answer before, when aiohttp does not wait for one yet, waits a turn for it."""
    client.send(b"GET /early HTTP/1.1\r\nHost: x\r\n\r\n")
    assert [await client.body(), await client.body()] == [b"slow 0", b"fast"]


async def test_a_body_is_not_taken_for_a_request(client: Client) -> None:
    """The body of a request may look like a request, and a header's end like a beginning."""
    client.send(b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(FAST))
    await client.writer.drain()
    client.send(FAST)
    assert await client.body() == b"slow %d" % len(FAST)
    client.send(FAST)
    assert await client.body() == b"fast"


async def test_after_a_body_in_chunks_all_is_left_to_aiohttp(client: Client) -> None:
    """Where only a parser knows the end of a request nothing is guessed."""
    client.send(b"POST /slow HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n")
    assert await client.body() == b"slow 1"
    client.send(FAST)
    assert await client.body() == b"slow 0"


async def test_the_rest_of_a_head_is_not_taken_for_a_request(client: Client) -> None:
    """A head in two packets is aiohttp's, whatever its second half looks like."""
    client.send(b"GET /slow HTTP/1.1\r\nHost: x\r\nX-Odd: ")
    await client.writer.drain()
    await asyncio.sleep(0.05)  # nothing tells that a first half has arrived
    client.send(b"GET /fast HTTP/1.1\r\n\r\n")
    assert await client.body() == b"slow 0"


async def test_what_the_fast_path_gives_up_is_answered_all_the_same(client: Client) -> None:
    """A request that waited is left to aiohttp, and the connection goes on."""
    client.send(LATER)
    await client.when_waiting()
    client.both.waiting.pop().decline()
    assert await client.body() == b"slow 0"
    client.send(FAST)
    assert await client.body() == b"fast"


async def test_who_leaves_is_forgotten(client: Client) -> None:
    """A client that closes while it waits is told to the fast path once."""
    client.send(LATER)
    await client.when_waiting()
    client.writer.close()
    async with asyncio.timeout(10):
        while client.both.left == 0:
            await asyncio.sleep(0.005)
    assert client.both.waiting == []


async def test_who_sends_without_end_while_it_waits_is_closed(client: Client) -> None:
    """What comes before an answer is kept, but not without end."""
    client.send(LATER)
    await client.when_waiting()
    client.send(b"x" * 100_000)
    async with asyncio.timeout(10):
        assert await client.reader.read() == b""


async def test_who_never_reads_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that nobody takes is not kept for ever, once its connection has been silent for long."""
    monkeypatch.setattr(fast_path, "_LAST_WORDS_S", 0.1)
    async with running(keepalive_s=0.1) as client:
        client.send(LATER)
        await client.when_waiting()
        connection = client.both.waiting.pop()
        server = connection._manager
        assert server is not None
        connection.send(answer(b"later"))
        assert await client.body() == b"later"
        transport = client.writer.transport
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()
        client.send(FAST.replace(b"/fast", b"/large"))
        async with asyncio.timeout(10):
            while server.connections:
                await asyncio.sleep(0.005)


async def test_who_is_closed_and_answered_at_once_is_let_go(client: Client) -> None:
    """An answer to somebody who has just been closed is not sent, and the server forgets the connection."""
    client.send(LATER)
    await client.when_waiting()
    waiting = client.both.waiting.pop()
    server = waiting._manager
    assert server is not None and server.connections == [waiting]
    waiting.force_close()
    waiting.send(answer(b"later"))
    async with asyncio.timeout(10):
        while server.connections:
            await asyncio.sleep(0.005)
    assert client.both.left == 0


async def test_what_comes_with_the_answer_waits_its_turn(client: Client) -> None:
    """What was sent before the answer is looked at before what arrives in the same moment as the answer leaves."""
    client.send(LATER)
    await client.when_waiting()
    waiting = client.both.waiting.pop()
    waiting.data_received(SLOW)
    waiting.send(answer(b"later"))
    waiting.data_received(FAST)
    assert [await client.body() for _ in range(3)] == [b"later", b"slow 0", b"slow 0"]


@pytest.mark.parametrize("line", [b"X Odd: 1", b"X-Odd: 1\nX-More: 1", b"X-Odd: \x01", b" folded", b"nothing"])
async def test_a_head_that_is_none_is_aiohttps(client: Client, line: bytes) -> None:
    """Names, signs and line ends that no head may have: never an answer of the fast path."""
    client.send(b"GET /fast HTTP/1.1\r\nHost: x\r\n%b\r\n\r\n" % line)
    assert await client.body() != b"fast"


async def test_aiohttps_answer_keeps_a_connection_open(client: Client) -> None:
    """Who got the last answer of aiohttp is not silent because the fast path's own is long ago."""
    client.send(LATER)
    await client.when_waiting()
    connection = client.both.waiting.pop()
    connection.send(answer(b"later"))
    client.send(SLOW)
    assert [await client.body(), await client.body()] == [b"later", b"slow 0"]
    connection.last_s -= 1000
    connection._close_if_silent()
    client.send(SLOW)
    assert await client.body() == b"slow 0"


async def test_a_silent_connection_is_closed() -> None:
    """Also one that only the fast path has answered on; one that waits is not silent."""
    async with running(keepalive_s=0.2) as client:
        client.send(LATER)
        await client.when_waiting()
        await asyncio.sleep(0.5)  # longer than a silent one lives
        client.both.waiting.pop().send(answer(b"later"))
        assert await client.body() == b"later"
        async with asyncio.timeout(10):
            assert await client.reader.read() == b""
