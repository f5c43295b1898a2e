"""Datagrams on a byte stream: each behind its length in two bytes (RFC 4571)."""

from __future__ import annotations

import struct

from station.rtc.formats.rtp import MAX_DATAGRAM

_LENGTH = struct.Struct("!H")


class BadFraming(ValueError):
    """A length that no datagram of ours has: the stream cannot be followed any more."""


def frame(datagram: bytes | bytearray | memoryview) -> bytes:
    """A datagram as it goes onto the stream."""
    return _LENGTH.pack(len(datagram)) + bytes(datagram)


class Deframer:
    """Cuts a stream back into datagrams; keeps at most one unfinished."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The datagrams complete by now; empty ones mean nothing and are left out. Raises BadFraming."""
        data = self._rest + data
        datagrams = []
        at = 0
        while at + 2 <= len(data):
            (size,) = _LENGTH.unpack_from(data, at)
            if size > MAX_DATAGRAM:
                raise BadFraming(f"{size} bytes")
            if at + 2 + size > len(data):
                break
            if size:
                datagrams.append(data[at + 2 : at + 2 + size])
            at += 2 + size
        self._rest = data[at:]
        return datagrams
