"""Header extensions of single packets (RFC 8285), as tests look at them."""

from __future__ import annotations

from station.rtc.formats.rtp import Buffer, extensions


def find_extension(data: Buffer, size: int, wanted: int) -> bytes | None:
    """The value of one header extension by its number, one-byte or two-byte form; None if absent or cut off."""
    values = (data[start:end] for number, start, end in extensions(data, size) if number == wanted)
    value = next(values, None)
    return bytes(value) if value is not None else None
