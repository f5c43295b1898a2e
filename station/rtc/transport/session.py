"""One transport session: ICE-lite, DTLS and SRTP of one peer connection over the shared port.

DTLS and media are taken only from an address that has proved, by a signed connectivity check, that it knows our
password; the port sees to that.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from station.rtc.formats import rtcp
from station.rtc.formats.address import Address
from station.rtc.formats.stun import BindingRequest, binding_success
from station.rtc.transport.dtls_srtp import (
    Certificate,
    DtlsPeer,
    Scratch,
    srtp_protect_rtcp,
    srtp_unprotect,
    srtp_unprotect_rtcp,
)
from station.rtc.transport.token_bucket import TokenBucket
from station.rtc.transport.wire import Datagram, Wire

if TYPE_CHECKING:
    from station.rtc.transport.port import MediaPort

# Half of what RFC 7675 allows: a closed lid is noticed soon. A peer is there as long as it checks, or sends anything
# that only it can send: checks for consent are the duty of who sends (section 5.1), and libnice never makes any.
CONSENT_S = 15.0
FIRST_CONTACT_S = 30.0
MAX_ADDRESSES = 8
OWNS_ADDRESS_S = 6.0  # peers check every 2.5 to 5 s
SETTLED_S = 1.0  # after a nomination, what was still on its way over the old path does not move us back
# What one peer may make us do. Each datagram counts as some bytes more than it has, each handshake message a lot more.
INBOUND_BYTES_PER_S = 2_000_000
INBOUND_BURST_BYTES = 1_000_000
_TRANSACTIONS = 128
_DATAGRAM_COST, _CHECK_COST, _DTLS_COST = 100, 500, 2000

_log = logging.getLogger(__name__)


class MediaEnd(Protocol):
    """What stands behind a session: a publisher's or a subscriber's side."""

    def connected(self) -> None:
        """DTLS is done: media may be sent."""

    def moved(self) -> None:
        """The peer now sends from another address."""

    def receive_rtp(self, scratch: Scratch, size: int) -> None:
        """One RTP packet, decrypted in place."""

    def receive_rtcp(self, items: list[rtcp.Feedback]) -> None:
        """What one compound RTCP packet said."""

    def may_skip_feedback(self, buffer: bytearray, size: int) -> bool:
        """Whether an RTCP packet, encrypted still, can only say once more that all is well."""

    def tick(self, now_s: float) -> float:
        """What is due at a monotonic time; returns in how many seconds to be called again."""


class Session:
    """Owned by a member; `close()` may be called twice. `on_closed` is called once, with why."""

    def __init__(
        self,
        port: MediaPort,
        certificate: Certificate,
        fingerprints: tuple[tuple[str, str], ...],
        *,
        is_dtls_server: bool = True,
    ) -> None:
        self.id = secrets.token_urlsafe(12)
        self.port = port
        self.fingerprints = fingerprints
        self.ufrags: dict[str, str] = {}  # ours → its password; two of them while ICE restarts
        self.remote_ufrag = ""
        self.wire: Wire | None = None  # where the peer is: how to send, and to which address
        self.address: Address | None = None
        self.paths: dict[Address, Wire] = {}  # all that a check has proved
        self.dtls = DtlsPeer(certificate, fingerprints, is_server=is_dtls_server)
        self.is_dtls_server = is_dtls_server
        self.end: MediaEnd | None = None
        self.on_closed: Callable[[str], None] = lambda _reason: None
        self.closed = False
        self.next_tick_s = 0.0
        self.round_trip_s: float | None = None
        self.dropped_in = 0  # datagrams past the allowance
        self._has_begun = False
        self._was_heard = False  # authentic media or feedback since the last tick
        self._transactions: dict[bytes, Address] = {}  # of the latest checks
        self._born_s = self._heard_s = self._settled_s = time.monotonic()
        self._inbound = TokenBucket(INBOUND_BYTES_PER_S, INBOUND_BURST_BYTES, self._born_s)

    @property
    def is_connected(self) -> bool:
        """Whether media can be sent and received."""
        return self.dtls.state == "connected" and not self.closed

    def local_credentials(self, remote_ufrag: str) -> tuple[str, str]:
        """Our ufrag and password for an offer; fresh ones when the peer restarts ICE (RFC 8445 section 9)."""
        if remote_ufrag != self.remote_ufrag:
            self.remote_ufrag = remote_ufrag
            ufrag, password = secrets.token_hex(4), secrets.token_hex(16)
            self.ufrags = {**dict(list(self.ufrags.items())[-1:]), ufrag: password}
            self.port.register(self)
        return list(self.ufrags.items())[-1]

    def is_heard(self, now_s: float) -> bool:
        """Whether a peer is there: then nobody else can claim its address, not even with a check of his own."""
        return self.is_connected and now_s - self._heard_s < OWNS_ADDRESS_S

    def check(self, request: BindingRequest, wire: Wire, address: Address) -> None:
        """Answers a connectivity check that was found good, and learns from it where the peer is."""
        if not self._inbound.take(_CHECK_COST) or self._is_replayed(request.transaction, address):
            self.dropped_in += 1
            return
        now_s = time.monotonic()
        if not self._learn(wire, address, now_s):
            return
        self._heard_s = now_s
        if request.use_candidate:
            self._settled_s = now_s
            self._drop_ufrags_before(request.local_ufrag)
        if self.address not in self.paths or (request.use_candidate and address != self.address):
            self._move(address)
        with contextlib.suppress(OSError):
            wire.send(binding_success(request.transaction, address, self.ufrags[request.local_ufrag]), address)
        if not self.is_dtls_server and not self._has_begun:
            self._has_begun = True
            self._flush(self.dtls.start())

    def _is_replayed(self, transaction: bytes, address: Address) -> bool:
        """Whether the same check came from elsewhere before: somebody overheard it."""
        seen = self._transactions.setdefault(transaction, address)
        if len(self._transactions) > _TRANSACTIONS:
            del self._transactions[next(iter(self._transactions))]
        return seen != address

    def _drop_ufrags_before(self, ufrag: str) -> None:
        """A nomination with the newer of two ufrags completes an ICE restart."""
        if ufrag != next(iter(self.ufrags)):
            self.ufrags = {ufrag: self.ufrags[ufrag]}
            self.port.register(self)

    def _move(self, address: Address) -> None:
        self.wire, self.address = self.paths[address], address
        if self.end is not None and self.is_connected:
            self.end.moved()

    def _learn(self, wire: Wire, address: Address, now_s: float) -> bool:
        if not self.port.learn(self, address, now_s):
            return False
        self.paths[address] = wire
        if len(self.paths) > MAX_ADDRESSES:
            oldest = next(old for old in self.paths if old not in (self.address, address))
            self.port.unlearn(self, oldest)
            self.paths.pop(oldest).forget(oldest)
        return True

    def lost(self, address: Address) -> None:
        """A path has ended by itself (a TCP connection): another proved one takes its place."""
        self.paths.pop(address, None)
        if address == self.address and self.paths:
            self._move(next(reversed(self.paths)))

    def send(self, datagram: Datagram) -> None:
        """Sends a datagram to where the peer is; one that is not taken now is lost, as on any network."""
        if self.wire is not None and self.address is not None:
            with contextlib.suppress(OSError):
                self.wire.send(datagram, self.address)

    def receive_dtls(self, datagram: bytes, address: Address) -> None:
        """Takes DTLS from a validated address, and answers there."""
        if not self._inbound.take(len(datagram) + _DTLS_COST):
            self.dropped_in += 1
            return
        was = self.dtls.state
        for answer in self.dtls.receive(datagram):
            with contextlib.suppress(OSError):
                self.paths[address].send(answer, address)
        if self.dtls.state == was:
            return
        if self.dtls.state == "connected" and self.end is not None:
            self.end.connected()
        elif self.dtls.state in ("closed", "failed"):
            self.close("left" if self.dtls.state == "closed" else "failed")

    def receive_media(self, scratch: Scratch, size: int, address: Address) -> None:
        """Decrypts an RTP or RTCP datagram where it lies and hands it on."""
        incoming, end = self.dtls.incoming, self.end
        if incoming is None or end is None or size < 12:
            return
        if not self._inbound.take(size + _DATAGRAM_COST):
            self.dropped_in += 1
            return
        is_rtcp = 192 <= scratch.bytes_[1] <= 223  # RFC 5761 section 4
        if is_rtcp and end.may_skip_feedback(scratch.bytes_, size):
            return
        scratch.size[0] = size
        if (srtp_unprotect_rtcp if is_rtcp else srtp_unprotect)(incoming.handle, scratch.pointer, scratch.size):
            return
        self._was_heard = True
        if address != self.address:
            self._came_from(address)
        if is_rtcp:
            end.receive_rtcp(rtcp.parse(bytes(scratch.view[: scratch.size[0]])))
        else:
            end.receive_rtp(scratch, scratch.size[0])

    def _came_from(self, address: Address) -> None:
        """Authentic media over another proved path: the peer has gone over to it, its nomination may be lost."""
        if time.monotonic() - self._settled_s > SETTLED_S:
            self._move(address)

    def send_rtcp(self, packet: bytes) -> None:
        """Encrypts and sends a compound RTCP packet; silently nothing before the handshake is done."""
        outgoing = self.dtls.outgoing
        if outgoing is None or self.closed:
            return
        scratch = self.port.outgoing
        scratch.view[: len(packet)] = packet
        scratch.size[0] = len(packet)
        if srtp_protect_rtcp(outgoing.handle, scratch.pointer, scratch.size) == 0:
            self.send(scratch.view[: scratch.size[0]])

    def tick(self, now_s: float) -> None:
        """Handshake time-outs, consent, and what the end has to do; sets `next_tick_s`, when to call it again."""
        self.next_tick_s = now_s
        if self._was_heard:  # noted here: the clock is not asked for each packet
            self._was_heard, self._heard_s = False, now_s
        silent_s = now_s - self._heard_s
        if silent_s > CONSENT_S or (not self.is_connected and now_s - self._born_s > FIRST_CONTACT_S):
            self.close("silent")
            return
        self._inbound.earn(now_s)
        if not self.is_connected:
            self._flush(self.dtls.due(now_s))
        if self.end is not None and self.is_connected:
            self.next_tick_s = now_s + self.end.tick(now_s)

    def close(self, reason: str = "left") -> None:
        """Says goodbye and forgets the peer."""
        if self.closed:
            return
        self._flush(self.dtls.close())
        self.closed = True
        self.port.forget(self)
        _log.debug("session %s closed: %s", self.id, reason)
        self.on_closed(reason)

    def _flush(self, datagrams: list[bytes]) -> None:
        for datagram in datagrams:
            self.send(datagram)
