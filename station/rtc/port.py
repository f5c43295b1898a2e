"""The one UDP socket of the media role: everything of everybody, told apart by first byte, ufrag and address."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import Callable

import ifaddr

from station.rtc.adapter import Scratch
from station.rtc.rtp import MAX_DATAGRAM
from station.rtc.session import Address, Session
from station.rtc.stun import parse_binding_request

TICK_S = 0.05
_BATCH = 256
_SOCKET_BUFFER = 4 * 2**20

SendTo = Callable[[bytes | memoryview, Address], int]
_log = logging.getLogger(__name__)


class MediaPort:
    """Owns the socket and knows the sessions. An async context manager; `close()` may be called twice."""

    def __init__(self, port: int, host: str = "0.0.0.0") -> None:  # noqa: S104  it is the public port
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            self.socket.setsockopt(socket.SOL_SOCKET, option, _SOCKET_BUFFER)
        self.socket.bind((host, port))
        self.number: int = self.socket.getsockname()[1]
        self.incoming = Scratch()
        self.outgoing = Scratch()
        self.sessions: set[Session] = set()
        self.packets_in = 0
        self.sendto: SendTo = self.socket.sendto
        self._is_lost: Callable[[], bool] | None = None
        self._by_ufrag: dict[str, Session] = {}
        self._by_address: dict[Address, Session] = {}
        self._ticker: asyncio.Task[None] | None = None

    async def __aenter__(self) -> MediaPort:
        asyncio.get_running_loop().add_reader(self.socket.fileno(), self._read)
        self._ticker = asyncio.create_task(self._tick())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends all sessions, then the socket."""
        if self._ticker is None:
            return
        self._ticker.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._ticker
        self._ticker = None
        for session in list(self.sessions):
            session.close("ended")
        asyncio.get_running_loop().remove_reader(self.socket.fileno())
        self.socket.close()

    def register(self, session: Session) -> None:
        """Makes a session findable by its ufrags."""
        self.sessions.add(session)
        self._by_ufrag = {ufrag: other for ufrag, other in self._by_ufrag.items() if other is not session}
        self._by_ufrag.update(dict.fromkeys(session.ufrags, session))

    def learn(self, session: Session, address: Address) -> None:
        """An address has proved to belong to a session."""
        self._by_address[address] = session

    def unlearn(self, session: Session, address: Address) -> None:
        """An address does not belong to a session any more."""
        if self._by_address.get(address) is session:
            del self._by_address[address]

    def forget(self, session: Session) -> None:
        self.sessions.discard(session)
        for ufrag in session.ufrags:
            self._by_ufrag.pop(ufrag, None)
        for address in session.addresses:
            self.unlearn(session, address)

    def send(self, datagram: bytes | memoryview, address: Address) -> None:
        """Sends a datagram; one that the socket does not take now is lost, as on any network."""
        with contextlib.suppress(OSError):
            self.sendto(datagram, address)

    def lose(self, is_lost: Callable[[], bool]) -> None:
        """Loses datagrams by rule in both directions, as a bad network does; call it before tracks exist (tests)."""
        self._is_lost = is_lost
        send = self.socket.sendto
        self.sendto = lambda datagram, address: 0 if is_lost() else send(datagram, address)

    def _read(self) -> None:
        """Reads the socket until it is empty, or long enough for others to have a turn."""
        scratch, receive = self.incoming, self.socket.recvfrom_into
        buffer, sessions = scratch.bytes_, self._by_address
        for _ in range(_BATCH):
            try:
                size, address = receive(buffer, MAX_DATAGRAM)
            except (BlockingIOError, ConnectionError):  # the latter: an ICMP error of an earlier send
                return
            self.packets_in += 1
            first = buffer[0]
            try:
                if 127 < first < 192:
                    session = sessions.get(address)
                    if session is not None and not (self._is_lost is not None and self._is_lost()):
                        session.receive_media(scratch, size)
                else:
                    self._receive_other(first, bytes(scratch.view[:size]), address)
            except Exception:  # one peer's rubbish must not end the reading for all
                _log.exception("a datagram could not be handled")

    def _receive_other(self, first: int, datagram: bytes, address: Address) -> None:
        if first < 4:
            request = parse_binding_request(datagram)
            session = self._by_ufrag.get(request.local_ufrag) if request else None
            if request is not None and session is not None:
                session.check(request, address)
        elif 19 < first < 64:
            session = self._by_address.get(address)
            if session is not None:
                session.receive_dtls(datagram)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            now_s = time.monotonic()
            for session in list(self.sessions):
                try:
                    session.tick(now_s)
                except Exception:
                    _log.exception("session %s could not be served", session.id)


def host_addresses(public_host: str) -> tuple[str, ...]:
    """The IPv4 addresses for ICE candidates: the setting's, or this machine's own, loopback last.

    Loopback alone is never enough: browsers send to it from the machine's own address, and our answer to that
    leaves from there too, which they take for a stranger's.
    """
    public = socket.gethostbyname(public_host) if public_host else ""
    if public and not public.startswith("127."):
        return (public,)
    found = [str(ip.ip) for adapter in ifaddr.get_adapters() for ip in adapter.ips if ip.is_IPv4]
    outside = sorted({ip for ip in found if not ip.startswith(("127.", "169.254."))})
    return (*outside[:8], "127.0.0.1")
