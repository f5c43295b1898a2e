"""The offset of lips is the difference of two delays, whatever the camera and the microphone add to both."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest

from bench.lips import RATE, SECONDS, believed_ms, flash_and_beep, offsets_ms


def test_sound_that_is_late_has_a_positive_offset() -> None:
    """Picture 200 ms under way, sound 230 ms, microphone 70 ms behind the camera: 30 ms."""
    source = {"flashes": [1000.0, 2000.0], "beeps": [1070.0, 2070.0]}
    seen = {"flashes": [1200.0, 2200.0], "beeps": [1300.0, 2300.0]}
    assert offsets_ms(source, seen) == [30.0, 30.0]


def test_what_was_not_heard_is_left_out() -> None:
    """A flash without a beep near it says nothing."""
    source = {"flashes": [1000.0, 2000.0], "beeps": [1000.0, 2000.0]}
    assert offsets_ms(source, {"flashes": [1100.0, 2100.0], "beeps": [2090.0]}) == [-10.0]


def test_what_the_browser_believes_needs_both_tracks() -> None:
    """The playout time of the picture less the sound's; a sample with one of them says nothing."""
    picture = {"type": "inbound-rtp", "kind": "video", "estimatedPlayoutTimestamp": 5012.0}
    sound = {"type": "inbound-rtp", "kind": "audio", "estimatedPlayoutTimestamp": 5000.0}
    assert believed_ms([{"stats": [picture, sound]}, {"stats": [picture]}]) == [pytest.approx(12.0)]


def test_flash_and_beep_are_made_to_match(tmp_path: Path) -> None:
    """Both files are as long, and beginnings of flash and beep fall on the same time."""
    picture, sound = flash_and_beep(tmp_path, 64, 48)
    frames = picture.read_bytes().split(b"FRAME\n")[1:]
    bright = [number for number, frame in enumerate(frames) if frame[0] > 128]
    with wave.open(str(sound)) as file:
        assert file.getnframes() / RATE == len(frames) / 25 == SECONDS
        samples = memoryview(file.readframes(RATE)).cast("h")
    loud = [number for number, sample in enumerate(samples) if abs(sample) > 1000]
    assert loud[0] / RATE == pytest.approx(bright[0] / 25, abs=0.001)
