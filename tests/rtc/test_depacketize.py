"""Frames out of payloads: whole ones only, and whatever the payload no exception."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings.h264 import picture_size
from station.rtc.formats.depacketize import Frame, depacketizer
from station.rtc.formats.h264 import aggregated_units
from station.rtc.formats.keyframes import picture_height, starts_keyframe
from station.rtc.formats.vp8 import PictureNumbers, PictureShift, read_descriptor, read_numbers
from station.rtc.rooms.reorder import ReorderBuffer

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


def test_after_a_loss_the_next_frame_is_a_keyframe() -> None:
    """A gap within a frame, or before its first packet, costs it and all that builds on it."""
    opening, again = packet(stap(SPS, PPS, IDR), 1), packet(stap(SPS, PPS, IDR), 4)
    first, *rest = fragments(SLICE, 20)
    within = [(packet(first, 2, marker=False), False), (packet(rest[-1], 2), True), (packet(SLICE, 3), False)]
    before = [(packet(SLICE, 2), True), (packet(SLICE, 3), False)]
    unended = [(packet(first, 2, marker=False), False), (packet(SLICE, 3), False)]
    for case in (within, before, unended):
        frames = depacketizer("h264")
        came = [frames.push(data, gap) for data, gap in [(opening, False), *case]]
        assert [frame.timestamp for frame in came if frame] == [1]
        assert frames.wants_keyframe
        assert frames.push(again, False) is not None
        assert not frames.wants_keyframe


def test_a_keyframe_right_after_a_gap_is_taken_if_nothing_of_it_is_missing() -> None:
    """Its first payload shows by itself that it is the first; a later slice does not."""
    first_slice, later_slice = b"\x65\x88rest", b"\x65\x08rest"
    opening = (packet(stap(SPS, PPS, IDR), 1), False)
    assert len(push_all("h264", [opening, (packet(first_slice, 2), True)])) == 2
    assert len(push_all("h264", [opening, (packet(later_slice, 2), True)])) == 1
    key = packet(b"\x90\x80\x81\x01\x00key", 1), packet(b"\x90\x80\x81\x01\x00key", 2)
    assert len(push_all("vp8", [(key[0], False), (key[1], True)])) == 2


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


KEY, DELTA = b"\x65\x88", b"\x41\x9a"
Picture = tuple[bool, int]


def stream(codec: str, pictures: list[Picture]) -> tuple[list[bytes], list[Frame]]:
    """Numbered packets of a sender, and the frames in them."""
    packets: list[bytes] = []
    frames: list[Frame] = []
    for number, (keyframe, size) in enumerate(pictures):
        timestamp = (0xFFFF_F000 + number * 3000) & 0xFFFF_FFFF  # across the wrap
        payloads, data = PAYLOADS[codec](keyframe, bytes((number + n) % 251 + 1 for n in range(size)))
        frames.append(Frame(timestamp, keyframe or codec == "opus", data))
        for index, payload in enumerate(payloads):
            sequence = (0xFFF0 + len(packets)) & 0xFFFF  # and this one too
            whole = bytearray(packet(payload, timestamp, marker=index == len(payloads) - 1))
            whole[2:4] = sequence.to_bytes(2, "big")
            packets.append(bytes(whole))
    return packets, frames


def h264_payloads(keyframe: bool, body: bytes) -> tuple[list[bytes], bytes]:
    unit = (KEY if keyframe else DELTA) + body
    parts = fragments(unit, 30) if len(unit) > 31 else [unit]
    if not keyframe:
        return parts, START + unit
    return [stap(SPS, PPS), *parts], START + SPS + START + PPS + START + unit


def vp8_payloads(keyframe: bool, body: bytes) -> tuple[list[bytes], bytes]:
    data = bytes([0 if keyframe else 1]) + body
    pieces = [data[at : at + 30] for at in range(0, len(data), 30)]
    return [bytes([0x90 if n == 0 else 0x80, 0x80, 0x85, 7]) + piece for n, piece in enumerate(pieces)], data


def opus_payloads(_keyframe: bool, body: bytes) -> tuple[list[bytes], bytes]:
    return [body], body


PAYLOADS = {"h264": h264_payloads, "vp8": vp8_payloads, "opus": opus_payloads}
pictures_lists = st.lists(st.tuples(st.booleans(), st.integers(1, 120)), min_size=1, max_size=25)


def receive(codec: str, arrivals: list[bytes]) -> list[Frame]:
    """What comes out when packets arrive 200 a second."""
    buffer, frames = ReorderBuffer(), depacketizer(codec)
    ordered = [item for n, data in enumerate(arrivals) for item in buffer.push(data, n / 200)]
    return [frame for data, gap in ordered if (frame := frames.push(data, gap)) is not None]


@given(st.sampled_from(sorted(PAYLOADS)), pictures_lists, st.data())
def test_reordered_and_repeated_packets_change_nothing(
    codec: str, pictures: list[Picture], data: st.DataObject
) -> None:
    """As long as nothing is lost, every frame comes out once, whole and in its order."""
    packets, frames = stream(codec, [(True, 9), *pictures])
    delays = data.draw(st.lists(st.integers(0, 12), min_size=len(packets) - 1, max_size=len(packets) - 1))
    order = [0, *sorted(range(1, len(packets)), key=lambda n: n + delays[n - 1])]
    repeated = data.draw(st.sets(st.sampled_from(range(len(packets)))))
    arrivals = [packets[n] for n in order for _ in range(1 + (n in repeated))]
    assert receive(codec, arrivals) == frames


@given(st.sampled_from(["h264", "vp8"]), pictures_lists, st.data())
def test_after_losses_nothing_comes_out_that_a_decoder_could_not_show(
    codec: str, pictures: list[Picture], data: st.DataObject
) -> None:
    """Each frame that comes out is as it was sent, and builds only on frames that came out before it."""
    packets, frames = stream(codec, [(True, 9), *pictures])
    lost = data.draw(st.sets(st.sampled_from(range(1, max(2, len(packets))))))
    filler = [(True, 5)] + [(False, 5)] * 2
    arrivals = [data for n, data in enumerate(packets) if n not in lost]
    out = receive(codec, arrivals + later(packets, codec, filler))
    sent = {frame.timestamp: (number, frame) for number, frame in enumerate(frames)}
    previous = -1
    for frame in out:
        if frame.timestamp not in sent:
            continue  # the filler
        number, original = sent[frame.timestamp]
        assert frame == original
        assert frame.keyframe or number == previous + 1
        previous = number


def later(packets: list[bytes], codec: str, pictures: list[Picture]) -> list[bytes]:
    """More packets of the same sender, numbered on; none of them is lost."""
    last = packets[-1]
    more = []
    for n, data in enumerate(stream(codec, pictures)[0] * 60):
        whole = bytearray(data)
        whole[2:4] = ((int.from_bytes(last[2:4], "big") + 1 + n) & 0xFFFF).to_bytes(2, "big")
        whole[4:8] = ((int.from_bytes(data[4:8], "big") + 2**31) & 0xFFFF_FFFF).to_bytes(4, "big")
        more.append(bytes(whole))
    return more


@given(pictures_lists, st.data())
def test_lost_sound_costs_only_itself(pictures: list[Picture], data: st.DataObject) -> None:
    """Opus packets that arrive come out, after the buffer has waited for the others."""
    packets, frames = stream("opus", [(True, 9), *pictures])
    lost = data.draw(st.sets(st.sampled_from(range(1, max(2, len(packets))))))
    arrivals = [data for n, data in enumerate(packets) if n not in lost]
    out = receive("opus", arrivals + later(packets, "opus", [(True, 5)] * 10))
    assert out[: len(arrivals)] == [frame for n, frame in enumerate(frames) if n not in lost]


def test_waiting_does_not_add_up() -> None:
    """Where every other packet is lost, none that came waits longer than the buffer may."""
    buffer = ReorderBuffer(wait_s=0.3)
    arrived_s: dict[bytes, float] = {}
    for n in range(0, 4000, 2):
        data, now_s = b"\x80\x60" + n.to_bytes(2, "big") + bytes(8), n / 100
        arrived_s[data] = now_s
        for out, _ in buffer.push(data, now_s):
            assert now_s - arrived_s[out] < 0.3 + 0.03


AGGREGATIONS = {
    stap(SPS, PPS): [SPS, PPS],
    stap(SPS, PPS)[:-1]: [SPS],
    b"\x78\0\0" + stap(SPS)[1:]: [],  # begins with an empty unit
    stap(SPS)[:-1]: [],
    b"\x78\0": [],
}


@pytest.mark.parametrize(("payload", "units"), list(AGGREGATIONS.items()))
def test_whoever_reads_an_aggregation_reads_the_same_units(payload: bytes, units: list[bytes]) -> None:
    """The depacketiser, the sign of a keyframe and the height know of whole units only, up to the first that is not."""
    assert list(aggregated_units(payload)) == units
    assert starts_keyframe("h264", payload) == (SPS in units)
    frames = push_all("h264", [(packet(payload, 1, marker=False), False), (packet(stap(SPS, PPS, IDR), 1), False)])
    assert [frame.data for frame in frames] == [b"".join(START + unit for unit in [*units, SPS, PPS, IDR])]


def test_the_height_is_read_out_of_an_aggregation() -> None:
    """Whether the parameter set stands alone or beside others; none where it is cut off."""
    sps = bytes.fromhex("6742c01fd901405ff2ffc0040003c4000003000400000300c83c60c920")
    assert picture_size(sps)[1] > 0
    for payload, height in ((sps, picture_size(sps)[1]), (stap(PPS, sps), picture_size(sps)[1]), (stap(sps)[:-9], 0)):
        assert picture_height("h264", payload) == height


# descriptor → its PictureID and TL0PICIDX (RFC 7741 section 4.2)
DESCRIPTORS = {
    b"\x10": None,
    b"\x90\x00": None,
    b"\x90\x20\x40": None,  # only a temporal layer
    b"\x90\x80\x7f": PictureNumbers(0x7F, 0),
    b"\x90\x80\xff\xff": PictureNumbers(0x7FFF, 0),
    b"\x90\xc0\x05\x06": PictureNumbers(5, 6),
    b"\x90\xf0\x81\x02\x03\x40": PictureNumbers(0x102, 3),
}


@pytest.mark.parametrize("descriptor", DESCRIPTORS)
def test_one_reader_of_vp8_descriptors(descriptor: bytes) -> None:
    """Its length, its numbers and their shift agree for each kind of descriptor; one that is cut off is left alone."""
    numbers, key = DESCRIPTORS[descriptor], descriptor + b"\0key"
    found = read_descriptor(key, 0, len(key))
    assert found is not None and found[0] == len(descriptor)
    assert read_numbers(key) == numbers
    assert starts_keyframe("vp8", key)
    behind = bytearray(b"head" + key)
    PictureShift(1, 1).apply(behind, 4, len(behind))
    mask = 0x7FFF if len(descriptor) in (4, 6) and descriptor[2] & 0x80 else 0x7F
    expected = numbers and PictureNumbers(numbers.picture + 1 & mask, numbers.layer_zero + bool(found[2]))
    assert read_numbers(behind[4:]) == expected
    assert behind[4 + len(descriptor) :] == b"\0key"
    for size in range(len(descriptor)):
        cut = bytearray(descriptor[:size])
        PictureShift(1, 1).apply(cut, 0, size)
        assert (read_descriptor(cut, 0, size), read_numbers(cut), bytes(cut)) == (None, None, descriptor[:size])
        assert not starts_keyframe("vp8", cut)
