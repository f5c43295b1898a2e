"""The one media port: everything of everybody, told apart by first byte, ufrag and address."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import Callable, Iterable
from functools import partial

from station.rtc.formats.address import Address
from station.rtc.formats.rtp import MAX_DATAGRAM
from station.rtc.formats.stun import binding_error, parse_binding_request
from station.rtc.transport.dtls_srtp import Scratch
from station.rtc.transport.ice import ROLE_CONFLICT, UNKNOWN_ATTRIBUTE, fault_of
from station.rtc.transport.session import Session
from station.rtc.transport.sockets import open_sockets
from station.rtc.transport.tcp import TcpListener, TcpWire
from station.rtc.transport.token_bucket import TokenBucket
from station.rtc.transport.totals import TotalsByKind
from station.rtc.transport.wire import MAX_SEGMENTED_BYTES, Flushable, UdpWire, Wire

TICK_S = 0.05
REFUSALS_PER_S = 200
PATIENCE_S = 0.001  # for the rest of a frame
_BATCH = 64  # datagrams in a turn: what they cause leaves before more is read

_log = logging.getLogger(__name__)


class MediaPort:
    """Owns the sockets and knows the sessions. An async context manager; `close()` may be called twice.

    Who wants `flush()` called after the datagrams at hand have been read adds itself to `dirty`.
    """

    def __init__(self, port: int, host: str = "") -> None:
        self.sockets = open_sockets(port, host)
        self.number = self.sockets.number
        self.wires = [UdpWire(udp) for udp in self.sockets.udp]
        self.tcp = TcpListener(list(self.sockets.tcp), self)
        self.incoming = Scratch()
        self.outgoing = Scratch(MAX_SEGMENTED_BYTES + MAX_DATAGRAM)
        self.sessions: set[Session] = set()
        self.packets_in = 0
        self.totals = TotalsByKind()
        self.dirty: list[Flushable] = []
        self._is_lost: Callable[[], bool] | None = None
        self._by_ufrag: dict[str, Session] = {}
        # An IPv4 address is a pair, an IPv6 address has four parts: they never meet in one dict.
        self._by_address: dict[Address, Session] = {}
        # One for all: strangers' ufrags are not remembered, and what they can make us send is bounded.
        self._refusals = TokenBucket(REFUSALS_PER_S, REFUSALS_PER_S, time.monotonic())
        self._patience: asyncio.TimerHandle | None = None
        self._ticker: asyncio.Task[None] | None = None

    @property
    def is_open(self) -> bool:
        """Whether all UDP sockets are open."""
        return all(udp.fileno() >= 0 for udp in self.sockets.udp)

    def reachable(self, hosts: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the hosts that the sockets can be reached at: IPv6 may be switched off though it has addresses."""
        return tuple(host for host in hosts if ":" not in host or len(self.sockets.udp) > 1)

    async def __aenter__(self) -> MediaPort:
        loop = asyncio.get_running_loop()
        for udp, wire in zip(self.sockets.udp, self.wires, strict=True):
            loop.add_reader(udp.fileno(), partial(self._read, udp, wire))
        await self.tcp.open()
        self._ticker = asyncio.create_task(self._tick())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends all sessions, then the sockets."""
        if self._ticker is None:
            return
        self._ticker.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._ticker
        self._ticker = None
        if self._patience is not None:
            self._patience.cancel()
        for session in list(self.sessions):
            session.close("ended")
        await self.tcp.close()
        for udp in self.sockets.udp:
            asyncio.get_running_loop().remove_reader(udp.fileno())
        self.sockets.close()

    def register(self, session: Session) -> None:
        """Makes a session findable by its ufrags."""
        self.sessions.add(session)
        self._by_ufrag = {ufrag: other for ufrag, other in self._by_ufrag.items() if other is not session}
        self._by_ufrag.update(dict.fromkeys(session.ufrags, session))

    def learn(self, session: Session, address: Address, now_s: float) -> bool:
        """An address has proved to belong to a session; False if another one is being heard from there."""
        owner = self._by_address.get(address)
        if owner is not None and owner is not session and owner.is_heard(now_s):
            return False
        self._by_address[address] = session
        return True

    def unlearn(self, session: Session, address: Address) -> None:
        """An address does not belong to a session any more."""
        if self._by_address.get(address) is session:
            del self._by_address[address]

    def forget(self, session: Session) -> None:
        """Take a session's addresses and names out of the tables; its counts stay in the totals."""
        if session in self.sessions:
            self.totals.refused += session.dropped_in
        self.sessions.discard(session)
        for ufrag in session.ufrags:
            self._by_ufrag.pop(ufrag, None)
        for address, wire in session.paths.items():
            self.unlearn(session, address)
            wire.forget(address)

    def lose(self, is_lost: Callable[[], bool]) -> None:
        """Loses datagrams by rule in both directions, as a bad network does; call it before tracks exist (tests)."""
        self._is_lost = is_lost
        for wire in self.wires:
            wire.lose(is_lost)
        self.tcp.is_lost = is_lost

    def flush(self) -> None:
        """Sends what was gathered."""
        self._patience = None
        self._flush(self.dirty)
        self.dirty.clear()

    def _flush_whole(self) -> None:
        """Sends what was gathered, but frames whose rest is about to come only with that, or a little later."""
        coming = [item for item in self.dirty if item.is_coming]
        if not coming:
            self._flush(self.dirty)
        elif len(coming) < len(self.dirty):
            self._flush([item for item in self.dirty if not item.is_coming])
        self.dirty[:] = coming
        if coming and self._patience is None:
            self._patience = asyncio.get_running_loop().call_later(PATIENCE_S, self.flush)
        elif not coming and self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _flush(self, items: Iterable[Flushable]) -> None:
        for item in items:
            try:
                item.flush()
            except Exception:  # one track's trouble is not the others'
                _log.exception("what was gathered could not be sent")

    def _read(self, udp: socket.socket, wire: Wire) -> None:
        """Reads a socket until it is empty, or long enough for others to have a turn."""
        scratch, receive = self.incoming, udp.recvfrom_into
        buffer, sessions = scratch.bytes_, self._by_address
        for _ in range(_BATCH):
            try:
                size, address = receive(buffer, MAX_DATAGRAM)
            except (BlockingIOError, ConnectionError):  # the latter: an ICMP error of an earlier send
                break
            self.packets_in += 1
            first = buffer[0]
            try:
                if 127 < first < 192:
                    session = sessions.get(address)
                    if session is not None and not (self._is_lost is not None and self._is_lost()):
                        session.receive_media(scratch, size, address)
                else:
                    self._receive_other(first, bytes(scratch.view[:size]), wire, address)
            except Exception:  # one peer's rubbish must not end the reading for all
                _log.exception("a datagram could not be handled")
        if self.dirty:
            self._flush_whole()

    def receive(self, datagrams: list[bytes], wire: TcpWire, address: Address) -> None:
        """Takes what came over a TCP connection."""
        scratch = self.incoming
        for datagram in datagrams:
            size = len(datagram)
            try:
                if 127 < datagram[0] < 192:
                    session = self._by_address.get(address)
                    if session is not None:
                        scratch.view[:size] = datagram
                        session.receive_media(scratch, size, address)
                else:
                    self._receive_other(datagram[0], datagram, wire, address)
            except Exception:  # as above
                _log.exception("a datagram could not be handled")
        self.packets_in += len(datagrams)
        self.flush()

    def knows(self, address: Address) -> bool:
        """Whether an address has proved to belong to a session."""
        return address in self._by_address

    def lost(self, address: Address) -> None:
        """A TCP connection has ended."""
        session = self._by_address.pop(address, None)
        if session is not None:
            session.lost(address)

    def _receive_other(self, first: int, datagram: bytes, wire: Wire, address: Address) -> None:
        if first < 4:
            self._receive_check(datagram, wire, address)
        elif 19 < first < 64:
            session = self._by_address.get(address)
            if session is not None:
                session.receive_dtls(datagram, address)

    def _receive_check(self, datagram: bytes, wire: Wire, address: Address) -> None:
        request = parse_binding_request(datagram)
        if request is None:
            return
        session = self._by_ufrag.get(request.local_ufrag)
        password = session.ufrags[request.local_ufrag] if session is not None else None
        fault = fault_of(request, password)
        if session is not None and fault is None:
            session.check(request, wire, address)
        elif fault is not None and self._refusals.take():
            authentic = password if fault in (UNKNOWN_ATTRIBUTE, ROLE_CONFLICT) else None
            with contextlib.suppress(OSError):
                wire.send(binding_error(request, fault, authentic), address)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            now_s = time.monotonic()
            self._refusals.earn(now_s)
            for session in [session for session in self.sessions if session.next_tick_s <= now_s]:
                try:
                    session.tick(now_s)
                except Exception:
                    _log.exception("session %s could not be served", session.id)
            self.flush()
