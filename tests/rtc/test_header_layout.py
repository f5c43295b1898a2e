"""A header that is built like the one before is read the same as by walking through it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from station.rtc.formats.header_layout import read_header_layout
from station.rtc.formats.rtp import BadPacket, payload_bounds
from tests.rtc.header_extensions import find_extension

FIXED = bytes.fromhex("6000010000000200000003")
ELEMENT = st.tuples(st.integers(1, 15), st.binary(min_size=1, max_size=4))
HEADS = st.sampled_from([b"\x80", b"\x81", b"\x90", b"\x91", b"\xb0", b"\xa0"])


def block(elements: list[tuple[int, bytes]], form: int) -> bytes:
    """An extension block, one-byte or two-byte form, padded to 32 bits."""
    heads = (bytes([n << 4 | len(v) - 1]) if form == 1 else bytes([n, len(v)]) for n, v in elements)
    body = b"".join(head + value for head, (_, value) in zip(heads, elements, strict=True))
    body += bytes(-len(body) % 4)
    return (b"\xbe\xde" if form == 1 else b"\x10\x00") + (len(body) // 4).to_bytes(2, "big") + body


def packet(first: bytes, elements: list[tuple[int, bytes]], form: int, rest: bytes) -> bytearray:
    extended = block(elements, form) if first[0] & 0x10 else b""
    return bytearray(first + FIXED + bytes(4 * (first[0] & 15)) + extended + rest)


def same_as_walked(one: bytearray, other: bytearray) -> bool:
    """If the other packet fits the one's layout, all that is read of it by that is what a walk finds."""
    try:
        layout, end = read_header_layout(one, len(one))
    except BadPacket:
        return True
    assert (layout.octets, end) == payload_bounds(one, len(one))
    if not layout.fits(other, len(other)):
        return False
    assert payload_bounds(other, len(other)) == (layout.octets, len(other))
    for number in range(1, 256):
        place = layout.places.get(number)
        found = find_extension(other, len(other), number)
        assert (bytes(other[slice(*place)]) if place else b"") == (found or b"")
    return True


@given(HEADS, st.lists(ELEMENT, max_size=5), st.lists(ELEMENT, max_size=5), st.integers(1, 2), st.binary(max_size=20))
def test_what_fits_is_read_as_a_walk_reads_it(
    first: bytes, ours: list[tuple[int, bytes]], theirs: list[tuple[int, bytes]], form: int, rest: bytes
) -> None:
    """Whatever the extensions, in either form, with and without CSRCs."""
    one = packet(first, ours, form, rest)
    same_as_walked(one, packet(first, theirs, form, rest[::-1]))
    values = [(number, bytes(len(value))) for number, value in ours]
    padded = first[0] & 0x20
    assert same_as_walked(one, packet(first, values, form, rest[::-1])) or padded


@given(st.binary(min_size=12, max_size=60), st.binary(min_size=12, max_size=60), st.integers(0, 60))
def test_rubbish_is_read_as_a_walk_reads_it(one: bytes, other: bytes, cut: int) -> None:
    """Whatever the bytes, also where one packet begins like the other."""
    for first in (b"\x80", b"\x90", b"\x9f"):
        same_as_walked(bytearray(first + one[1:]), bytearray(first + one[1:cut] + other[cut:]))


def test_neither_padding_nor_a_cut_header_fits() -> None:
    """Padding ends where its last byte says, so such a packet is looked at each time."""
    plain = packet(b"\x90", [(3, b"ab"), (4, b"c")], 1, b"payload")
    layout, end = read_header_layout(plain, len(plain))
    assert layout.fits(plain, len(plain)) and end == len(plain)
    assert {number: bytes(plain[slice(*place)]) for number, place in layout.places.items()} == {3: b"ab", 4: b"c"}
    assert not layout.fits(plain, layout.octets - 1)
    padded = packet(b"\xb0", [(3, b"ab"), (4, b"c")], 1, b"payload\2\2")
    layout, end = read_header_layout(padded, len(padded))
    assert end == len(padded) - 2 and not layout.fits(padded, len(padded))
