"""Which codec a picture is sent in."""

from __future__ import annotations

import pytest

from station.rtc.forwarding.codec_choice import choose_codec

BOTH, ONLY_VP8, ONLY_H264 = frozenset({"h264", "vp8"}), frozenset({"vp8"}), frozenset({"h264"})


@pytest.mark.parametrize(
    ("decoders", "current", "chosen"),
    [
        ([], "", "h264"),
        ([BOTH, BOTH], "", "h264"),
        ([BOTH, ONLY_VP8], "", "vp8"),
        ([BOTH, ONLY_VP8], "h264", "vp8"),
        ([BOTH, BOTH], "vp8", "vp8"),
        ([BOTH, ONLY_H264], "vp8", "h264"),
        ([ONLY_VP8, ONLY_H264], "vp8", "vp8"),
        ([ONLY_VP8, ONLY_H264], "", "h264"),
        ([ONLY_VP8, ONLY_H264, ONLY_VP8], "h264", "vp8"),
    ],
)
def test_the_codec_that_most_can_show(decoders: list[frozenset[str]], current: str, chosen: str) -> None:
    """The one that most can show; of equals the one that flows; else the one that needs no transcoding."""
    assert choose_codec(("h264", "vp8"), decoders, current) == chosen


def test_what_is_not_offered_is_not_chosen() -> None:
    """A sender of H.264 alone stays with it, whoever watches."""
    assert choose_codec(("h264",), [ONLY_VP8], "h264") == "h264"
