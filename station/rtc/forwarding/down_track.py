"""One subscriber's copy of a track: how its headers differ from the publisher's, and where it goes.

A subscriber sees one stream whose numbers have no break, whichever encoding it is given: each time it is given another
one, or the publisher's numbers begin anew, a new `Span` begins.
"""

from __future__ import annotations

import ctypes
import secrets
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from station.rtc.formats.address import Address
from station.rtc.formats.rtp import sequence_step
from station.rtc.formats.sdp import Codec
from station.rtc.formats.vp8 import PictureNumbers, PictureShift, read_numbers
from station.rtc.forwarding.compiled import Route
from station.rtc.forwarding.downlink import Downlink
from station.rtc.transport.wire import Wire

if TYPE_CHECKING:
    from station.rtc.forwarding.forwarder import Forwarder
    from station.rtc.forwarding.gso import Packet

_SPANS_KEPT = 6  # a NACK may still ask for what went before a switch
_LEAST_STEP_S = 0.001


@dataclass(frozen=True, slots=True)
class Span:
    """From a forwarder's numbers to the subscriber's. `begins` is its first packet, in the forwarder's numbers."""

    forwarder: Forwarder
    begins: int
    sequence_offset: int
    timestamp_offset: int
    picture_shift: PictureShift | None

    @property
    def first(self) -> int:
        """The first sequence number as this subscriber sees it."""
        return self.begins + self.sequence_offset


class LastSent(NamedTuple):
    """Where the subscriber's numbers stood when the last span ended; `exact_s` by the sender's clock, if known."""

    sequence: int
    timestamp: int
    at_s: float
    exact_s: float | None
    numbers: PictureNumbers | None


@dataclass(slots=True)
class Repair:
    """The subscriber's stream of retransmissions (RTX, RFC 4588)."""

    ssrc: int
    payload_type: int
    sequence: int = 1


class DownTrack:
    """Attached to at most one forwarder at a time. The fields without underscore are what the forwarding loop reads."""

    __slots__ = (
        "_left",
        "_spans",
        "address",
        "clock_rate",
        "downlink",
        "handle",
        "is_vp8",
        "octets",
        "packets",
        "picture_shift",
        "repair",
        "route",
        "send",
        "send_segments",
        "sequence_offset",
        "ssrc",
        "takes_redundancy",
        "timestamp_offset",
    )

    def __init__(self, ssrc: int, payload_type: int, clock_rate: int, downlink: Downlink, is_vp8: bool = False) -> None:
        self.ssrc = ssrc
        self.clock_rate = clock_rate
        self.is_vp8 = is_vp8
        self.downlink = downlink
        self.takes_redundancy = True  # what the publisher sends is sent on as it is
        self.repair: Repair | None = None
        self.handle: Any = None
        self.sequence_offset = 0
        self.timestamp_offset = 0
        self.picture_shift: PictureShift | None = None
        self.route = Route(number=ctypes.pointer(downlink.counter), socket=-1, ssrc=ssrc, payload_type=payload_type)
        self.packets = 0
        self.octets = 0
        self._spans: deque[Span] = deque(maxlen=_SPANS_KEPT)
        self._left: LastSent | None = None

    # Both are kept where the compiled loop reads them, and nowhere else: what is changed is changed for both loops.

    @property
    def payload_type(self) -> int:
        """As the subscriber's answer names what it is sent."""
        return int(self.route.payload_type)

    @payload_type.setter
    def payload_type(self, payload_type: int) -> None:
        """From the next packet on."""
        self.route.payload_type = payload_type

    @property
    def extension(self) -> int:
        """Head of the header extension with the downlink's number; 0: not negotiated."""
        return int(self.route.extension)

    @extension.setter
    def extension(self, head: int) -> None:
        """From the next packet on."""
        self.route.extension = head

    def number_packets(self, extension_id: int) -> None:
        """Packets carry the downlink's number from now on, under this id (one-byte form, RFC 8285 section 4.2)."""
        self.extension = extension_id << 4 | 1 if 1 <= extension_id <= 14 else 0

    def set_route(self, wire: Wire, address: Address, handle: Any) -> None:
        """Sends to this address from now on, encrypted with that key."""
        self.send, self.send_segments, self.address = wire.send, wire.send_segments, address
        self.handle = handle
        self.route.lead_to(wire.descriptor, address, handle)

    @property
    def span(self) -> Span | None:
        """The present span, or the last one."""
        return self._spans[-1] if self._spans else None

    def turn_to(self, codec: Codec, *, same_clock: bool) -> None:
        """Carries another track's packets from the next one on. `same_clock`: its times compare with the last one's."""
        self.payload_type = codec.redundant_type or codec.payload_type
        self.is_vp8 = codec.name == "vp8"
        if self.repair is not None and codec.repair_type:
            self.repair.payload_type = codec.repair_type
        else:
            # Without RTX the very same bytes are sent again, which a running number would change.
            self.repair, self.extension = None, 0
        if self._left is not None and not same_clock:
            self._left = self._left._replace(exact_s=None)

    def begin(self, forwarder: Forwarder, sequence: int, timestamp: int, now_s: float) -> None:
        """A forwarder is given from this packet on, in place of what was given before."""
        left = self._left
        if left is None:
            # Far from both ends of the circle, so that a late packet cannot confuse the rollover counter.
            self._open(Span(forwarder, sequence, 1024 + secrets.randbelow(0x6000) - sequence, 0, None))
            return
        exact_s = forwarder.clock.exact_s(timestamp)
        passed_s = now_s - left.at_s if exact_s is None or left.exact_s is None else exact_s - left.exact_s
        out_timestamp = left.timestamp + int(max(passed_s, _LEAST_STEP_S) * self.clock_rate)
        shift = self._shift(forwarder, sequence, left)
        self._open(Span(forwarder, sequence, left.sequence + 1 - sequence, out_timestamp - timestamp, shift))

    def leave(self, forwarder: Forwarder, now_s: float) -> None:
        """A forwarder is not given any more; its newest packet was the last."""
        if forwarder.newest is None:
            return
        sequence, timestamp = forwarder.newest
        numbers = None
        if self.is_vp8:
            item = forwarder.packet_at(sequence)
            found = read_numbers(item.payload) if item is not None else None
            numbers = found.shifted(self.picture_shift) if found is not None else None
        exact_s = forwarder.clock.exact_s(timestamp)
        self._left = LastSent(
            sequence + self.sequence_offset, timestamp + self.timestamp_offset, now_s, exact_s, numbers
        )

    def resume(self, forwarder: Forwarder, sequence: int) -> None:
        """The same forwarder again from this packet on: its time has gone on, its numbers had a break."""
        if self._left is not None:
            offset = self._left.sequence + 1 - sequence
            self._open(Span(forwarder, sequence, offset, self.timestamp_offset, self.picture_shift))

    def restart(self, forwarder: Forwarder, sequence: int, timestamp: int, gap: int) -> None:
        """The publisher began other numbers with this packet, `gap` timestamp units after the last one."""
        left = self._left
        if left is not None:
            shift = self._shift(forwarder, sequence, left)
            offsets = left.sequence + 1 - sequence, left.timestamp + gap - timestamp
            self._open(Span(forwarder, sequence, *offsets, shift))

    def reaches_back_to(self, sequence: int) -> bool:
        """Whether a late packet of the present forwarder belongs to what the subscriber was given of it."""
        return self._spans[-1].begins <= sequence

    def find(self, sequence: int) -> tuple[Span, Packet] | None:
        """The packet that the subscriber knows by this 16-bit number; None when it is not kept any more."""
        span = self.span
        if span is None or span.forwarder.newest is None:
            return None
        newest = span.forwarder.newest[0] + span.sequence_offset
        number = newest + sequence_step(sequence, newest & 0xFFFF)
        for span in reversed(self._spans):
            if span.first <= number:
                item = span.forwarder.packet_at(number - span.sequence_offset)
                return (span, item) if item is not None else None
        return None

    def _open(self, span: Span) -> None:
        self._spans.append(span)
        self.sequence_offset, self.timestamp_offset = span.sequence_offset, span.timestamp_offset
        self.picture_shift = span.picture_shift
        self.route.follow(span.sequence_offset, span.timestamp_offset, span.picture_shift)

    def _shift(self, forwarder: Forwarder, sequence: int, left: LastSent) -> PictureShift | None:
        item = forwarder.packet_at(sequence) if left.numbers is not None else None
        found = read_numbers(item.payload) if item is not None else None
        return found.shift_to_follow(left.numbers) if found is not None and left.numbers is not None else None
