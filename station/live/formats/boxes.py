"""Boxes of the ISO base media file format (ISO/IEC 14496-12): how to write one, and how to walk them."""

from __future__ import annotations

import struct
from collections.abc import Iterator

UNITY_MATRIX = struct.pack("!9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def box(kind: bytes, *parts: bytes) -> bytes:
    """A box: size, type, content."""
    body = b"".join(parts)
    return struct.pack("!I4s", len(body) + 8, kind) + body


def full_box(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    """A box that carries version and flags."""
    return box(kind, struct.pack("!I", version << 24 | flags), *parts)


def u16(*values: int) -> bytes:
    """Big-endian 16-bit numbers."""
    return struct.pack(f"!{len(values)}H", *values)


def u32(*values: int) -> bytes:
    """Big-endian 32-bit numbers."""
    return struct.pack(f"!{len(values)}I", *values)


def u64(*values: int) -> bytes:
    """Big-endian 64-bit numbers."""
    return struct.pack(f"!{len(values)}Q", *values)


def walk(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Type, start and end of each whole box on the top level; stops at the first that is cut off."""
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from("!I4s", data, at)
        if size < 8 or at + size > len(data):
            return
        yield kind, at, at + size
        at += size
