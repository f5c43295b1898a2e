"""ICE over TCP for networks that block UDP: we only wait for connections (RFC 6544, passive), never make them."""

from __future__ import annotations

import asyncio
import itertools
import logging
import socket
from collections.abc import Callable
from typing import Protocol, cast

from station.rtc.formats.address import Address
from station.rtc.formats.framing import BadFraming, Deframer, frame
from station.rtc.transport.wire import Datagram

MAX_CONNECTIONS = 2000
MAX_STRANGERS = 200  # connections that no check has proved yet
PROVE_WITHIN_S = 5.0
MAX_TRIES = 4  # datagrams of a stranger
MEDIA_QUEUE_BYTES = 128 * 1024  # half a second of good video; what is older than that is better lost
QUEUE_BYTES = MEDIA_QUEUE_BYTES + 64 * 1024  # handshakes and answers to checks still find room
SAY_GOODBYE_S = 1.0
_KERNEL_QUEUE_BYTES = 256 * 1024

_log = logging.getLogger(__name__)


class Receiver(Protocol):
    """Takes what arrives, and knows whom an address belongs to (the media port)."""

    def receive(self, datagrams: list[bytes], wire: TcpWire, address: Address) -> None:
        """Datagrams that came over a connection (RFC 4571 framing taken off)."""

    def knows(self, address: Address) -> bool:
        """Whether a session has proven this address."""

    def lost(self, address: Address) -> None:
        """The connection has ended."""


class TcpListener:
    """All TCP connections of the media port. `close()` may be called twice."""

    def __init__(self, sockets: list[socket.socket], receiver: Receiver) -> None:
        self.wires: dict[Address, TcpWire] = {}
        self.strangers: dict[Address, TcpWire] = {}  # oldest first
        self.is_lost: Callable[[], bool] | None = None
        self._sockets = sockets
        self._receiver = receiver
        self._numbers = itertools.count(1)
        self._servers: list[asyncio.Server] = []

    async def open(self) -> None:
        """Starts to take connections."""
        loop = asyncio.get_running_loop()
        for listening in self._sockets:
            server = await loop.create_server(lambda: TcpWire(self, self._receiver), sock=listening, backlog=256)
            self._servers.append(server)

    async def close(self) -> None:
        """Ends all connections."""
        for server in self._servers:
            server.close()
        for wire in list(self.wires.values()):
            wire.abort()
        self._servers = []
        for listening in self._sockets:
            listening.close()

    def add(self, wire: TcpWire, host: str, port: int) -> Address | None:
        """An address for a new connection, unlike any other's; None when there are too many."""
        if len(self.wires) >= MAX_CONNECTIONS:
            return None
        if len(self.strangers) >= MAX_STRANGERS:  # whoever means it has proved itself long before the oldest
            next(iter(self.strangers.values())).abort()
        address = (host, port, -1, next(self._numbers))
        self.wires[address] = self.strangers[address] = wire
        return address

    def remove(self, address: Address) -> None:
        """Forget a connection that has ended."""
        self.wires.pop(address, None)
        self.strangers.pop(address, None)


class TcpWire(asyncio.Protocol):
    """One connection. What does not fit its queue is dropped: a peer that never reads costs bounded memory."""

    def __init__(self, listener: TcpListener, receiver: Receiver) -> None:
        self._listener = listener
        self._receiver = receiver
        self._transport: asyncio.Transport | None = None
        self._address: Address | None = None
        self._deframer = Deframer()
        self._tries = MAX_TRIES
        self._deadline: asyncio.TimerHandle | None = None
        self.dropped = 0
        self.send: Callable[[Datagram, Address], int] = self._send
        self.descriptor = -1
        self.send_segments: Callable[[Datagram, int, Address], int] = self._send_segments

    @property
    def queued_bytes(self) -> int:
        """Bytes that wait to be sent."""
        return self._transport.get_write_buffer_size() if self._transport is not None else 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Gives a stranger a few seconds to prove itself."""
        self._transport = cast(asyncio.Transport, transport)
        host, port = transport.get_extra_info("peername")[:2]
        self._address = self._listener.add(self, host, port)
        if self._address is None:
            self._transport.abort()
            return
        plain = transport.get_extra_info("socket")
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_QUEUE_BYTES)
        self._deadline = asyncio.get_running_loop().call_later(PROVE_WITHIN_S, self._expire)
        if self._listener.is_lost is not None:
            self.lose(self._listener.is_lost)

    def data_received(self, data: bytes) -> None:
        """Hands on what is complete; a stream that is not ours is cut."""
        address = self._address
        if address is None:
            return
        try:
            datagrams = self._deframer.feed(data)
        except BadFraming:
            self.abort()
            return
        if address in self._listener.strangers:
            datagrams = self._get_to_know(datagrams, address)
        self._receiver.receive(datagrams, self, address)

    def _get_to_know(self, datagrams: list[bytes], address: Address) -> list[bytes]:
        """A stranger's datagrams, one at a time until a check has proved it; returns what is left."""
        while datagrams:
            first, *datagrams = datagrams
            self._tries -= 1
            if first[0] < 4:
                self._receiver.receive([first], self, address)
            if self._receiver.knows(address):
                self._listener.strangers.pop(address, None)
                return datagrams
            if first[0] >= 4 or self._tries <= 0:
                self.abort()
                return []
        return []

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended, whoever ended it."""
        if self._deadline is not None:
            self._deadline.cancel()
        if self._address is not None:
            self._listener.remove(self._address)
            self._receiver.lost(self._address)
        self._address = None

    def forget(self, _address: Address) -> None:
        """Its session is over: what is queued may still leave, for a moment."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.close()
            asyncio.get_running_loop().call_later(SAY_GOODBYE_S, self._transport.abort)

    def abort(self) -> None:
        """Cuts the connection at once."""
        if self._address is not None:
            self._listener.remove(self._address)
        if self._transport is not None:
            self._transport.abort()

    def lose(self, is_lost: Callable[[], bool]) -> None:
        """Loses what is sent by rule (tests)."""
        self.send = lambda datagram, address: 0 if is_lost() else self._send(datagram, address)

    def _expire(self) -> None:
        if self._address in self._listener.strangers:
            self.abort()

    def _send(self, datagram: Datagram, _address: Address) -> int:
        transport = self._transport
        if transport is None or transport.is_closing():
            raise BrokenPipeError
        if transport.get_write_buffer_size() > (MEDIA_QUEUE_BYTES if datagram[0] > 127 else QUEUE_BYTES):
            self.dropped += 1
            raise BlockingIOError
        transport.write(frame(datagram))
        return len(datagram)

    def _send_segments(self, datagrams: Datagram, segment_bytes: int, address: Address) -> int:
        view = memoryview(datagrams)
        return sum(self.send(view[at : at + segment_bytes], address) for at in range(0, len(view), segment_bytes))
