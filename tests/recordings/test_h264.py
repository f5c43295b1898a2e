"""H.264 for containers: picture size, NAL units, decoder configuration."""

from typing import Any

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings import h264
from tests.recordings.media import GREY, plain_picture, video


def encoded_by(width: int, height: int, pix_fmt: str, options: dict[str, str] | None = None) -> list[bytes]:
    context: Any = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt, context.framerate = width, height, pix_fmt, 25
    context.options = {"preset": "ultrafast", **(options or {})}
    frame = plain_picture(width, height, GREY).reformat(format=pix_fmt)
    packets = [*context.encode(frame), *context.encode(None)]
    return h264.split_nals(b"".join(bytes(packet) for packet in packets))


@pytest.mark.parametrize("size", [(320, 240), (640, 360), (1280, 720), (1920, 1080), (180, 318), (258, 146)])
@pytest.mark.parametrize(
    ("pix_fmt", "options"),
    [("yuv420p", {"profile": "baseline"}), ("yuv422p", {}), ("yuv444p", {})],
)
def test_picture_size(size: tuple[int, int], pix_fmt: str, options: dict[str, str]) -> None:
    """The size is what was encoded, cropping, fields and chroma formats counted."""
    sets = h264.parameter_sets(encoded_by(*size, pix_fmt, options))
    assert sets is not None and h264.picture_size(sets.sps) == size
    assert h264.decoder_configuration(sets)[:4] == bytes([1]) + sets.sps[1:4]


def test_picture_size_of_fields() -> None:
    """Interlaced pictures count their height in fields."""
    sets = h264.parameter_sets(encoded_by(1920, 1080, "yuv420p", {"x264-params": "interlaced=1"}))
    assert sets is not None and h264.picture_size(sets.sps) == (1920, 1080)


def test_nals_come_back_as_they_were() -> None:
    """Splitting and joining keeps every NAL unit."""
    for frame in video("h264", 10):
        nals = h264.split_nals(frame.data)
        joined = h264.join_nals(nals)
        assert sum(4 + len(nal) for nal in nals) == len(joined)
        assert b"".join(b"\0\0\0\1" + nal for nal in nals).replace(b"\0\0\0\1", b"\0\0\1") == frame.data.replace(
            b"\0\0\0\1", b"\0\0\1"
        )


CHROMIUM_SPS = bytes.fromhex("6742c01f8c8d40501ed35060606078442350")
CHROMIUM_PPS = bytes.fromhex("68ce3c80")


def test_a_real_browsers_parameter_sets() -> None:
    """The sets that Chromium sends for its 640 by 480 camera are read as such."""
    assert h264.picture_size(CHROMIUM_SPS) == (640, 480)
    assert h264.ParameterSets(CHROMIUM_SPS, (CHROMIUM_PPS,)).codec == "avc1.42C01F"


def test_of_an_endless_parameter_set_little_is_looked_at() -> None:
    """What somebody appends to a set costs nobody the time to go through it."""
    endless = CHROMIUM_SPS + bytes(1_000_000)
    assert h264.picture_size(endless) == (640, 480)
    assert h264._bits_of(endless)._left < 40_000


def test_a_keyframe_becomes_length_prefixed_units_without_its_sets() -> None:
    """Parameter sets leave the sample and are returned beside it, each once; slices keep their bytes."""
    idr = b"\x65\x88\x00\x00\x03\x01"
    sets = b"\0\0\0\1" + CHROMIUM_SPS + b"\0\0\0\1" + CHROMIUM_PPS + b"\0\0\1" + CHROMIUM_PPS
    unit = h264.parse_access_unit(b"\0\0\1\x09\xf0" + sets + b"\0\0\1" + idr)
    assert unit.keyframe
    assert unit.data == len(idr).to_bytes(4, "big") + idr
    assert unit.parameters == h264.ParameterSets(CHROMIUM_SPS, (CHROMIUM_PPS,))


def test_start_codes_of_three_and_four_bytes_split_alike() -> None:
    """Zero bytes in front of a start code belong to no unit."""
    assert h264.split_nals(b"\0\0\0\1\x41a\0\0\1\x41b\0\0\0\1\x41c") == [b"\x41a", b"\x41b", b"\x41c"]
    assert h264.split_nals(b"no start code") == []


@pytest.mark.parametrize(("pix_fmt", "formats"), [("yuv422p", (2, 0)), ("yuv444p", (3, 0)), ("yuv420p10le", (1, 2))])
def test_the_configuration_tells_the_picture_format(pix_fmt: str, formats: tuple[int, int]) -> None:
    """Every profile above main ends its record with chroma format and bit depths, as FFmpeg writes it, too."""
    sets = h264.parameter_sets(encoded_by(320, 240, pix_fmt))
    assert sets is not None
    chroma, depth = formats
    ending = bytes([0xFC | chroma, 0xF8 | depth, 0xF8 | depth, 0])
    assert h264.decoder_configuration(sets).endswith(ending)


def test_a_cut_off_set_is_an_error_not_a_crash() -> None:
    """A set of any length but its own raises H264Error, which is a ValueError."""
    for length in range(1, 8):
        with pytest.raises(h264.H264Error, match="cut off"):
            h264.picture_size(CHROMIUM_SPS[:length])


@given(st.binary(max_size=80))
def test_rubbish_is_refused(data: bytes) -> None:
    """No bytes make the reader fail in another way than by saying so."""
    h264.split_nals(data)
    h264.parse_access_unit(b"\0\0\1\x67" + data)
    sets = h264.ParameterSets(b"\x67" + data, (b"\x68" + data,))
    for read in (lambda: h264.picture_size(sets.sps), lambda: h264.decoder_configuration(sets)):
        try:
            read()
        except h264.H264Error:
            continue
