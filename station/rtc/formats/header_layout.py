"""Where things lie in the packets of one stream: browsers build all headers alike, so it is looked for once.

A header is built alike if it has the same bytes everywhere but in the fixed fields, the CSRCs and the values of the
extensions. One comparison of two integers tells, where a walk through the extensions would cost ten times as much.
"""

from __future__ import annotations

from typing import NamedTuple

from station.rtc.formats.rtp import HEADER_BYTES, Buffer, extensions, payload_bounds

_NOTHING = -1  # is like no header: where padding ends is told by its last byte


class HeaderLayout(NamedTuple):
    """`places` has the beginning and end of each extension's value that is not empty, by its number (never 0)."""

    octets: int  # of the header; behind it the payload
    mask: int  # of the bytes by which headers are told apart
    built: int
    places: dict[int, tuple[int, int]]

    def fits(self, data: bytearray, size: int) -> bool:
        """Whether a packet's header is built alike. One with padding never is."""
        return size >= self.octets and int.from_bytes(data[: self.octets]) & self.mask == self.built


def read_header_layout(data: Buffer, size: int) -> tuple[HeaderLayout, int]:
    """The layout of a packet of `size` bytes, and where its payload ends. Raises BadPacket."""
    start, end = payload_bounds(data, size)
    mask, places = bytearray(start), dict[int, tuple[int, int]]()
    mask[0] = 0xFF
    block = HEADER_BYTES + 4 * (data[0] & 0x0F)
    mask[block:start] = b"\xff" * (start - block)
    for number, first, last in extensions(data, size):
        mask[first:last] = bytes(last - first)
        if number and last > first:
            places.setdefault(number, (first, last))
    told_apart = int.from_bytes(mask)
    built = int.from_bytes(bytes(data[:start])) & told_apart if end == size else _NOTHING
    return HeaderLayout(start, told_apart, built, places), end
