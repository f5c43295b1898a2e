"""Transport-wide feedback: when each packet arrived (draft-holmer-rmcat-transport-wide-cc-extensions-01).

`ArrivalLog` writes what a publisher is told, `parse_feedback` reads what a subscriber tells. Pure: time is an argument.
Arrival times are whole ticks of 250 µs, so that rounding never adds up.
"""

from __future__ import annotations

import struct
from collections import deque
from itertools import accumulate, islice
from typing import NamedTuple

from station.rtc.formats.rtp import sequence_step

TICK_S = 0.00025
TICKS_PER_S = 4000
CLOCK_PERIOD_S = (1 << 24) * 0.064  # the reference time begins anew after twelve days

_RTPFB, _FORMAT = 205, 15
_HEAD = struct.Struct("!BBHIIHHI")  # V P FMT, PT, length, sender, media, first number, count, reference and number
_HEAD_AND_CHUNK = struct.Struct("!BBHIIHHIH")
_TICKS_PER_REFERENCE = 256
_MAX_RUN = 0x1FFF
_LOST, _SMALL, _LARGE = 0, 1, 2

_MAX_NOTED = 8192
_MOST_TOLD = 4096  # packets that one feedback may speak of: a liar's 65,535 would cost us a walk through all of them
_MAX_STATUSES = 4000  # what one feedback tells of at most, so that it fits a datagram
_MAX_RECEIVED = 500
_REMEMBERED = 512  # a late packet makes us tell again of those after it
_MAX_LATE = 1000  # later than that, the sender has begun to count anew


class ArrivalLog:
    """Belongs to one publishing connection. `note` runs once per packet, `feedback` some ten times a second."""

    __slots__ = ("_next", "_noted", "_number", "_told", "_waiting")

    def __init__(self) -> None:
        self._noted: deque[tuple[int, float]] = deque(maxlen=_MAX_NOTED)
        self._waiting: dict[int, int] = {}  # extended sequence number → tick; not told yet
        self._told: dict[int, int] = {}
        self._next = -1  # the extended number after the last one told
        self._number = 0

    def note(self, sequence: int, now_s: float) -> None:
        """A packet with this transport-wide sequence number has just arrived."""
        self._noted.append((sequence, now_s))

    def feedback(self, sender: int, media: int, now_s: float) -> bytes | None:
        """One RTCP packet on what has arrived since the last; None when nothing has.

        Call it until it returns None: what does not fit one packet comes with the next. `now_s` is not used yet.
        """
        self._unwrap()
        if not self._waiting:
            return None
        first = min(self._waiting)
        if first < self._next:  # a late one: those after it are told again, as numbers must be in order
            known = {**{number: tick for number, tick in self._told.items() if number > first}, **self._waiting}
        else:
            known, first = self._waiting, self._next
        numbers, ticks = self._fitting(first, known)
        self._remember(numbers, ticks)
        packet = _write(sender, media, first, numbers, ticks, self._number)
        self._number = (self._number + 1) & 0xFF
        return packet

    def _unwrap(self) -> None:
        noted, self._noted = self._noted, deque(maxlen=_MAX_NOTED)
        for sequence, now_s in noted:
            if self._next < 0:
                self._next = sequence + 0x10000
            number = self._next + sequence_step(sequence, self._next & 0xFFFF)
            if number < self._next - _MAX_LATE:
                self._waiting, self._told, self._next = {}, {}, sequence + 0x10000
                number = self._next
            if number not in self._told:
                self._waiting.setdefault(number, int(now_s * TICKS_PER_S))

    def _fitting(self, first: int, known: dict[int, int]) -> tuple[list[int], list[int]]:
        numbers = sorted(known)
        if numbers[-1] - first >= _MAX_STATUSES:
            numbers = [number for number in numbers if number - first < _MAX_STATUSES] or numbers[:1]
        numbers = numbers[:_MAX_RECEIVED]
        ticks = [known[number] for number in numbers]
        for at in range(1, len(ticks)):
            if not -0x8000 <= ticks[at] - ticks[at - 1] <= 0x7FFF:  # more than eight seconds cannot be written
                return numbers[:at], ticks[:at]
        return numbers, ticks

    def _remember(self, numbers: list[int], ticks: list[int]) -> None:
        for number in numbers:
            self._waiting.pop(number, None)
        self._next = max(self._next, numbers[-1] + 1)
        self._told.update(zip(numbers, ticks, strict=True))
        if len(self._told) > 2 * _REMEMBERED:
            kept = sorted(self._told)[-_REMEMBERED:]
            self._told = {number: self._told[number] for number in kept}


def _write(sender: int, media: int, first: int, numbers: list[int], ticks: list[int], count: int) -> bytes:
    reference = ticks[0] // _TICKS_PER_REFERENCE
    before = [reference * _TICKS_PER_REFERENCE, *ticks[:-1]]
    steps = [tick - earlier for tick, earlier in zip(ticks, before, strict=True)]
    statuses = bytearray(numbers[-1] - first + 1)
    deltas = bytearray()
    for number, step in zip(numbers, steps, strict=True):
        if 0 <= step <= 0xFF:
            statuses[number - first] = _SMALL
            deltas.append(step)
        else:
            statuses[number - first] = _LARGE
            deltas += struct.pack("!h", step)
    body = _chunks(bytes(statuses)) + deltas
    padding = -len(body) % 4
    if padding:
        body += bytes(padding - 1) + bytes([padding])
    head = _HEAD.pack(
        0x80 | (0x20 if padding else 0) | _FORMAT,
        _RTPFB,
        (_HEAD.size + len(body)) // 4 - 1,
        sender,
        media,
        first & 0xFFFF,
        len(statuses),
        (reference & 0xFFFFFF) << 8 | count,
    )
    return head + body


def _chunks(statuses: bytes) -> bytes:
    chunks = bytearray()
    at = 0
    while at < len(statuses):
        symbol = statuses[at]
        run = len(statuses) - at - len(statuses[at:].lstrip(statuses[at : at + 1]))
        one_bit = statuses[at : at + 14]
        two_bit = statuses[at : at + 7]
        if run >= 14 or run == len(statuses) - at or (run >= 7 and _LARGE in one_bit):
            run = min(run, _MAX_RUN)
            chunks += struct.pack("!H", symbol << 13 | run)
            at += run
        elif _LARGE not in one_bit:
            chunks += struct.pack("!H", 0x8000 | _bits(one_bit, 1, 14))
            at += 14
        else:
            chunks += struct.pack("!H", 0xC000 | _bits(two_bit, 2, 7))
            at += 7
    return bytes(chunks)


def _bits(symbols: bytes, width: int, places: int) -> int:
    value = 0
    for symbol in symbols:
        value = value << width | symbol
    return value << width * (places - len(symbols))


class Feedback(NamedTuple):
    """What one feedback packet says. Times are on the receiver's clock, which begins anew after `CLOCK_PERIOD_S`."""

    media: int
    first_sequence: int
    packets: int
    lost: int
    first_received: int  # sequence numbers; both are 0 when nothing was received
    last_received: int
    first_arrival_s: float
    last_arrival_s: float
    number: int
    packet: bytes

    @property
    def span_s(self) -> float:
        """From the arrival of the first received packet to that of the last."""
        return self.last_arrival_s - self.first_arrival_s

    def statuses(self) -> bytes:
        """0 lost, 1 or 2 received, for each packet from `first_sequence` on."""
        return _statuses(self.packet, self.packets)[0]

    def arrivals(self) -> dict[int, float]:
        """When each received packet arrived, by its distance from `first_sequence`."""
        statuses, at = _statuses(self.packet, self.packets)
        received = statuses.replace(b"\0", b"")
        reference = int.from_bytes(self.packet[16:19], "big") * _TICKS_PER_REFERENCE
        ticks = islice(accumulate(_steps(self.packet, at, received), initial=reference), 1, None)
        places = [place for place, status in enumerate(statuses) if status] if self.lost else range(self.packets)
        return {place: tick * TICK_S for place, tick in zip(places, ticks, strict=True)}


def parse_feedback(packet: bytes) -> Feedback | None:
    """Reads one RTCP packet; None when it is no transport-wide feedback or malformed.

    The common case (everything received, small deltas) costs the same however many packets it tells of.
    """
    size = len(packet)
    if size < _HEAD_AND_CHUNK.size:
        return None
    head, kind, words, _, media, first, count, reference, chunk = _HEAD_AND_CHUNK.unpack_from(packet)
    if head & 0xDF != 0x80 | _FORMAT or kind != _RTPFB or words * 4 + 4 != size or not 0 < count <= _MOST_TOLD:
        return None
    if chunk >> 13 == _SMALL and chunk & _MAX_RUN >= count:
        steps = packet[22 : 22 + count]
        if len(steps) < count:
            return None
        start = (reference >> 8) * _TICKS_PER_REFERENCE
        begins_s, ends_s = (start + steps[0]) * TICK_S, (start + sum(steps)) * TICK_S
        last = (first + count - 1) & 0xFFFF
        return Feedback(
            media=media,
            first_sequence=first,
            packets=count,
            lost=0,
            first_received=first,
            last_received=last,
            first_arrival_s=begins_s,
            last_arrival_s=ends_s,
            number=reference & 0xFF,
            packet=packet,
        )
    return _parse_mixed(packet, media, first, count, reference)


def _parse_mixed(packet: bytes, media: int, first: int, count: int, reference: int) -> Feedback | None:
    statuses, at = _statuses(packet, count)
    if len(statuses) < count or 3 in statuses:
        return None
    received = statuses.replace(b"\0", b"")
    lost = count - len(received)
    if at + len(received) + received.count(_LARGE) > len(packet):
        return None
    start = (reference >> 8) * _TICKS_PER_REFERENCE
    if not received:
        return Feedback(
            media=media,
            first_sequence=first,
            packets=count,
            lost=lost,
            first_received=0,
            last_received=0,
            first_arrival_s=start * TICK_S,
            last_arrival_s=start * TICK_S,
            number=reference & 0xFF,
            packet=packet,
        )
    first_step, total = _first_and_sum(packet, at, received)
    begin = (first + count - len(statuses.lstrip(b"\0"))) & 0xFFFF
    last = (first + len(statuses.rstrip(b"\0")) - 1) & 0xFFFF
    begins_s, ends_s = (start + first_step) * TICK_S, (start + total) * TICK_S
    return Feedback(
        media=media,
        first_sequence=first,
        packets=count,
        lost=lost,
        first_received=begin,
        last_received=last,
        first_arrival_s=begins_s,
        last_arrival_s=ends_s,
        number=reference & 0xFF,
        packet=packet,
    )


def _first_and_sum(packet: bytes, at: int, received: bytes) -> tuple[int, int]:
    if _LARGE not in received:
        steps = packet[at : at + len(received)]
        return steps[0], sum(steps)
    both = _steps(packet, at, received)
    return both[0], sum(both)


def _steps(packet: bytes, at: int, received: bytes) -> list[int]:
    """The deltas as numbers. Long stretches of small ones are taken at once."""
    steps: list[int] = []
    done = 0
    while (place := received.find(_LARGE, done)) >= 0:
        small = place - done
        steps += packet[at : at + small]
        at += small
        steps.append(int.from_bytes(packet[at : at + 2], "big", signed=True))
        at += 2
        done = place + 1
    steps += packet[at : at + len(received) - done]
    return steps


def _statuses(packet: bytes, count: int) -> tuple[bytes, int]:
    """One byte per packet, and where the deltas begin; fewer than `count` when the chunks are cut off."""
    parts: list[bytes] = []
    known, at, size = 0, _HEAD.size, len(packet)
    while known < count and at + 2 <= size:
        chunk = packet[at] << 8 | packet[at + 1]
        at += 2
        if not chunk & 0x8000:
            part = _RUN_OF[chunk >> 13] * min(chunk & _MAX_RUN, count - known)
        elif chunk & 0x4000:
            part = _TWO_BIT_3[chunk >> 8 & 0x3F] + _TWO_BIT_4[chunk & 0xFF]
        else:
            part = _ONE_BIT_7[chunk >> 7 & 0x7F] + _ONE_BIT_7[chunk & 0x7F]
        parts.append(part)
        known += len(part)
    return b"".join(parts)[:count], at


def _table(width: int, places: int) -> list[bytes]:
    mask = (1 << width) - 1
    shifts = [width * place for place in reversed(range(places))]
    return [bytes(value >> shift & mask for shift in shifts) for value in range(1 << width * places)]


_RUN_OF = [b"\0", b"\1", b"\2", b"\3"]
_ONE_BIT_7, _TWO_BIT_3, _TWO_BIT_4 = _table(1, 7), _table(2, 3), _table(2, 4)
