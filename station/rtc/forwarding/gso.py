"""Packets that leave together: neighbours made of one length, which the kernel cuts apart again (UDP GSO)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from station.rtc.formats.rtp import HEADER
from station.rtc.transport.wire import MAX_SEGMENTED_BYTES, MAX_SEGMENTS

MOST_PADDING = 16  # octets that may be added to make neighbours equal: browsers cut frames into pieces within one
_PLAIN, _PADDED = 0x80, 0x20
_ROOM = 64  # header and authentication tag


class Packet(NamedTuple):
    """One packet as the loop needs it. `payload` ends with the padding that `flags` speak of (RFC 3550 section 5.1)."""

    sequence: int
    timestamp: int
    marker: int
    payload: bytes
    flags: int = _PLAIN

    @property
    def packet(self) -> bytes:
        """As an RTP packet without extensions, of payload type and SSRC 0."""
        return HEADER.pack(0x80, self.marker, self.sequence & 0xFFFF, self.timestamp, 0) + self.payload


def split_runs(items: list[Packet], most_padding: int) -> Iterator[list[Packet]]:
    """Neighbours that padding makes equal, as the kernel takes them in one call; the last of a run may be shorter."""
    run: list[Packet] = []
    least = most = total = 0
    for item in items:
        length = len(item.payload)
        total += length + _ROOM
        alike = max(most, length) - min(least, length) <= most_padding
        is_over = bool(run) and len(run[-1].payload) < least
        if not run:
            least = most = length
        elif is_over or (length > most and not alike) or len(run) == MAX_SEGMENTS or total > MAX_SEGMENTED_BYTES:
            yield run
            run, least, most, total = [], length, length, length + _ROOM
        elif alike:
            least, most = min(least, length), max(most, length)
        run.append(item)
    if run:
        yield run


def pad_to_longest(run: list[Packet]) -> list[Packet]:
    """The same packets, all but the last made as long as the longest (RFC 3550 section 5.1)."""
    length = max(len(item.payload) for item in run)
    return [*(_padded(item, length) for item in run[:-1]), run[-1]]


def _padded(item: Packet, length: int) -> Packet:
    missing = length - len(item.payload)
    if not missing:
        return item
    padding = bytes(missing - 1) + bytes([missing])
    return item._replace(payload=item.payload + padding, flags=_PLAIN | _PADDED)
