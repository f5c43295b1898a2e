"""Frames out of payloads: whole ones only, and whatever the payload no exception."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from station.rtc.depacketize import Frame, depacketizer
from station.rtc.reorder import ReorderBuffer

SPS, PPS, IDR, SLICE = b"\x67sps", b"\x68pps", b"\x65" + b"i" * 50, b"\x61" + b"p" * 50
START = b"\0\0\0\1"


def packet(payload: bytes, timestamp: int, *, marker: bool = True) -> bytes:
    return bytes([0x80, 0x80 * marker | 96]) + bytes(2) + timestamp.to_bytes(4, "big") + bytes(4) + payload


def stap(*units: bytes) -> bytes:
    return b"\x78" + b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)


def fragments(unit: bytes, size: int) -> list[bytes]:
    pieces = [unit[1:][at : at + size] for at in range(0, len(unit) - 1, size)]
    last = len(pieces) - 1
    head = bytes([unit[0] & 0xE0 | 28])
    return [
        head + bytes([0x80 * (n == 0) | 0x40 * (n == last) | unit[0] & 0x1F]) + piece for n, piece in enumerate(pieces)
    ]


def push_all(codec: str, packets: list[tuple[bytes, bool]]) -> list[Frame]:
    frames = depacketizer(codec)
    return [frame for data, gap in packets if (frame := frames.push(data, gap)) is not None]


def test_h264_comes_out_as_annex_b_with_parameters_before_each_keyframe() -> None:
    """Aggregated, fragmented and single units become frames; a later keyframe without parameter sets gets them."""
    packets = [packet(stap(SPS, PPS), 1, marker=False)]
    parts = fragments(IDR, 20)
    packets += [packet(part, 1, marker=n == len(parts) - 1) for n, part in enumerate(parts)]
    packets += [packet(SLICE, 2), packet(IDR, 3)]
    whole = START + SPS + START + PPS + START + IDR
    assert push_all("h264", [(data, False) for data in packets]) == [
        Frame(1, True, whole),
        Frame(2, False, START + SLICE),
        Frame(3, True, whole),
    ]


def test_a_frame_that_may_lack_a_packet_is_dropped() -> None:
    """A gap within a frame, or before its first packet, costs that frame and no other."""
    opening = packet(stap(SPS, PPS, IDR), 1)
    first, *rest = fragments(SLICE, 20)
    within = [(packet(first, 2, marker=False), False), (packet(rest[-1], 2), True), (packet(SLICE, 3), False)]
    before = [(packet(SLICE, 2), True), (packet(SLICE, 3), False)]
    for case in (within, before):
        assert [frame.timestamp for frame in push_all("h264", [(opening, False), *case])] == [1, 3]


def test_vp8_loses_its_descriptors() -> None:
    """Partitions are joined without descriptors; the first bit tells a keyframe."""
    key = [packet(b"\x90\x80\x81\x01\x00key", 1, marker=False), packet(b"\x80\x80\x81\x01more", 1)]
    delta = [packet(b"\x10\x01delta", 2)]
    assert push_all("vp8", [(data, False) for data in key + delta]) == [
        Frame(1, True, b"\0keymore"),
        Frame(2, False, b"\x01delta"),
    ]


@given(st.lists(st.tuples(st.binary(max_size=40), st.integers(0, 3), st.booleans(), st.booleans()), max_size=12))
def test_malformed_payloads_raise_nothing(payloads: list[tuple[bytes, int, bool, bool]]) -> None:
    """Whatever the payloads, every codec's depacketiser answers with a frame or nothing."""
    for codec in ("h264", "vp8", "opus"):
        for lead in (b"", b"\x78", b"\x7c", b"\x90"):
            push_all(codec, [(packet(lead + p, stamp, marker=m), gap) for p, stamp, m, gap in payloads])


@given(st.lists(st.tuples(st.integers(0, 65535), st.floats(0, 2)), max_size=60))
def test_any_order_of_numbers_is_survived(arrivals: list[tuple[int, float]]) -> None:
    """Whatever sequence numbers arrive when, the buffer hands out no packet twice and stays bounded."""
    buffer = ReorderBuffer()
    for number, now_s in arrivals:
        for data, _ in buffer.push(b"\x80\x60" + number.to_bytes(2, "big") + bytes(8), now_s):
            assert len(data) == 12
