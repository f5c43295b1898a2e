"""RTP headers (RFC 3550 section 5.1, RFC 8285), read where they lie: no objects per packet."""

from __future__ import annotations

import struct
from collections.abc import Iterator

HEADER = struct.Struct("!BBHII")  # V P X CC, M PT, sequence number, timestamp, SSRC
HEADER_BYTES = 12
# The same with one header extension, the transport-wide sequence number: profile and length, element head, number.
NUMBERED_HEADER = struct.Struct("!BBHIIIBHx")
NUMBERED_HEADER_BYTES = 20
MAX_DATAGRAM = 2048

Buffer = bytes | bytearray | memoryview


class BadPacket(ValueError):
    """A datagram that is not what its first byte says."""


def payload_bounds(data: Buffer, size: int) -> tuple[int, int]:
    """Where the payload of an RTP packet of `size` bytes begins and ends: past CSRCs and extensions, before padding.

    Raises BadPacket when the lengths contradict each other.
    """
    if size < HEADER_BYTES or data[0] >> 6 != 2:
        raise BadPacket("not an RTP packet")
    start = HEADER_BYTES + 4 * (data[0] & 0x0F)
    if data[0] & 0x10:
        if start + 4 > size:
            raise BadPacket("the header extension is cut off")
        start += 4 + 4 * ((data[start + 2] << 8) | data[start + 3])
    end = size
    if data[0] & 0x20:
        end -= data[size - 1]
        if data[size - 1] == 0:
            raise BadPacket("padding of no length")
    if start > end:
        raise BadPacket("header and padding are longer than the packet")
    return start, end


def extensions(data: Buffer, size: int) -> Iterator[tuple[int, int, int]]:
    """Number, beginning and end of each header extension of a packet of `size` bytes, as far as they are whole."""
    if size < HEADER_BYTES or not data[0] & 0x10:
        return
    at = HEADER_BYTES + 4 * (data[0] & 0x0F)
    if at + 4 > size:
        return
    profile = (data[at] << 8) | data[at + 1]
    end = at + 4 + 4 * ((data[at + 2] << 8) | data[at + 3])
    head = 1 if profile == 0xBEDE else 2 if profile & 0xFFF0 == 0x1000 else 0
    if end > size or not head:
        return
    at += 4
    while at < end:
        if data[at] == 0:  # padding between elements
            at += 1
            continue
        if at + head > end:
            return
        number = data[at] >> 4 if head == 1 else data[at]
        length = (data[at] & 0x0F) + 1 if head == 1 else data[at + 1]
        at += head
        if at + length > end:
            return
        yield number, at, at + length
        at += length


def sequence_step(newer: int, older: int) -> int:
    """How far `newer` lies after `older` on the 16-bit circle: -32768 … 32767."""
    return ((newer - older + 0x8000) & 0xFFFF) - 0x8000


def timestamp_step(newer: int, older: int) -> int:
    """How far `newer` lies after `older` on the 32-bit circle."""
    return ((newer - older + 0x80000000) & 0xFFFFFFFF) - 0x80000000
