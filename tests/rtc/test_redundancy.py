"""Sound with redundancy is taken apart, whatever comes."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.rtc.formats.redundancy import with_head, without_redundancy


def block(size: int, offset: int = 960) -> bytes:
    return struct.pack("!I", 0x80 << 24 | 111 << 24 | offset << 10 | size)


@pytest.mark.parametrize(
    ("payload", "newest"),
    [
        (b"\x6fnew", b"new"),
        (block(3) + b"\x6f" + b"oldnew", b"new"),
        (block(2, 1920) + block(3) + b"\x6f" + b"ab" + b"old" + b"new", b"new"),
        (block(700) + b"\x6f" + bytes(700) + b"new", b"new"),
        (block(3) + b"\x6f" + b"ol", b""),
        (block(3), b""),
        (block(3)[:2], b""),
        (b"", b""),
    ],
)
def test_the_newest_block_is_found(payload: bytes, newest: bytes) -> None:
    """The last block is the sound of now; what is cut off is none."""
    assert without_redundancy(payload) == newest


@given(st.binary(max_size=200))
def test_nothing_breaks_it(payload: bytes) -> None:
    """Any payload gives a part of itself; a plain packet put into the form comes out as it was."""
    assert payload.endswith(without_redundancy(payload))
    assert without_redundancy(with_head(payload, 111)) == payload
