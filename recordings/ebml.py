"""EBML elements as bytes and back (RFC 8794)."""

from __future__ import annotations

import struct

UNKNOWN_SIZE = b"\x01\xff\xff\xff\xff\xff\xff\xff"
VOID = 0xEC


class EbmlError(ValueError):
    """The bytes are no EBML element."""


def element_id(identifier: int) -> bytes:
    """An element ID, which carries its own length marker (RFC 8794 §5)."""
    return identifier.to_bytes((identifier.bit_length() + 7) // 8, "big")


def size8(length: int) -> bytes:
    """A data size in eight octets, so that it can be filled in later in place."""
    return (length | 1 << 56).to_bytes(8, "big")


def size(length: int) -> bytes:
    """A data size in as few octets as hold it (RFC 8794 §6)."""
    octets = 1
    while length >= (1 << 7 * octets) - 1:  # all ones would mean unknown
        octets += 1
    return (length | 1 << 7 * octets).to_bytes(octets, "big")


def element(identifier: int, data: bytes) -> bytes:
    """One element: identifier, size, data (RFC 8794)."""
    return element_id(identifier) + size(len(data)) + data


def uint(identifier: int, value: int) -> bytes:
    """An unsigned number in as few bytes as it needs."""
    return element(identifier, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def float64(identifier: int, value: float) -> bytes:
    """A floating-point number of eight bytes."""
    return element(identifier, struct.pack("!d", value))


def text(identifier: int, value: str) -> bytes:
    """A UTF-8 text."""
    return element(identifier, value.encode())


def void(total: int) -> bytes:
    """A Void element of exactly `total` octets, 2 to 128: room kept for later."""
    return element(VOID, bytes(total - 2))


def read_header(data: bytes | memoryview, offset: int) -> tuple[int, int | None, int]:
    """The element at `offset`: its ID, its data's length (None: unknown), where its data begins.

    Raises EbmlError where no header can begin or it is cut off.
    """
    identifier, at = _read_vint(data, offset, longest=4, keep_marker=True)
    length, data_at = _read_vint(data, at, longest=8, keep_marker=False)
    unknown = length == (1 << 7 * (data_at - at)) - 1
    return identifier, None if unknown else length, data_at


def _read_vint(data: bytes | memoryview, offset: int, longest: int, *, keep_marker: bool) -> tuple[int, int]:
    if offset >= len(data):
        raise EbmlError("cut off")
    octets = 9 - data[offset].bit_length()
    if octets > longest:
        raise EbmlError("no element begins here")
    if offset + octets > len(data):
        raise EbmlError("cut off")
    value = int.from_bytes(data[offset : offset + octets], "big")
    if not keep_marker:
        value &= (1 << 7 * octets) - 1
    return value, offset + octets
