"""H.264 for containers: picture size, NAL units, decoder configuration."""

from typing import Any

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings import h264
from tests.recordings.media import GREY, plain_picture, video


def encoded_by(width: int, height: int, pix_fmt: str, **options: str) -> list[bytes]:
    context: Any = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt, context.framerate = width, height, pix_fmt, 25
    context.options = {"preset": "ultrafast", **options}
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
    sets = h264.parameter_sets(encoded_by(*size, pix_fmt, **options))
    assert sets is not None and h264.picture_size(sets.sps) == size
    assert h264.decoder_configuration(sets)[:4] == bytes([1]) + sets.sps[1:4]


def test_picture_size_of_fields() -> None:
    """Interlaced pictures count their height in fields."""
    sets = h264.parameter_sets(encoded_by(1920, 1080, "yuv420p", **{"x264-params": "interlaced=1"}))
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


@given(st.binary(max_size=80))
def test_rubbish_is_refused(data: bytes) -> None:
    """No bytes make the reader fail in another way than by saying so."""
    h264.split_nals(data)
    sets = h264.ParameterSets(b"\x67" + data, (b"\x68" + data,))
    for read in (lambda: h264.picture_size(sets.sps), lambda: h264.decoder_configuration(sets)):
        try:
            read()
        except h264.H264Error:
            continue
