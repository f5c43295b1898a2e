from __future__ import annotations

import pytest

from station.live.formats.h264 import (
    ParameterSets,
    avc_decoder_configuration,
    parse_access_unit,
    picture_size,
    split_nals,
)

CHROMIUM_SPS = bytes.fromhex("6742c01f8c8d40501ed350606060784423 50")
CHROMIUM_PPS = bytes.fromhex("68ce3c80")


def test_a_real_browsers_parameter_sets_tell_the_picture_size() -> None:
    """The sets that Chromium sends for its 640 by 480 camera are read as such."""
    assert picture_size(CHROMIUM_SPS) == (640, 480)
    assert ParameterSets(CHROMIUM_SPS, (CHROMIUM_PPS,)).codec == "avc1.42C01F"


def test_a_keyframe_becomes_length_prefixed_units_without_its_sets() -> None:
    """Parameter sets leave the sample and are returned beside it; slices keep their bytes."""
    idr = b"\x65\x88\x00\x00\x03\x01"
    annexb = b"\0\0\0\1" + CHROMIUM_SPS + b"\0\0\0\1" + CHROMIUM_PPS + b"\0\0\1" + idr
    unit = parse_access_unit(annexb)
    assert unit.keyframe
    assert unit.data == len(idr).to_bytes(4, "big") + idr
    assert unit.parameters == ParameterSets(CHROMIUM_SPS, (CHROMIUM_PPS,))


def test_start_codes_of_three_and_four_bytes_split_alike() -> None:
    """Zero bytes in front of a start code belong to no unit."""
    assert split_nals(b"\0\0\0\1\x41a\0\0\1\x41b\0\0\0\1\x41c") == [b"\x41a", b"\x41b", b"\x41c"]
    assert split_nals(b"no start code") == []


def test_the_decoder_configuration_holds_both_sets() -> None:
    """`avcC` repeats profile, constraints and level, then the sets with their lengths."""
    body = avc_decoder_configuration(ParameterSets(CHROMIUM_SPS, (CHROMIUM_PPS,)))
    assert body[:6] == b"\x01\x42\xc0\x1f\xff\xe1"
    assert body.endswith(b"\x01\x00\x04" + CHROMIUM_PPS)


def test_a_cut_off_set_is_an_error_not_a_crash() -> None:
    """Rubbish from a sender raises ValueError, whatever its length."""
    for length in range(1, 8):
        with pytest.raises(ValueError, match="ends early"):
            picture_size(CHROMIUM_SPS[:length])
