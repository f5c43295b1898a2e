"""Reads back what the packager wrote, with a decoder that is not ours."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, field

import av

from recordings.frames import EncodedFrame
from station.live.formats.cmaf import init_segment
from station.live.packaging.packager import Begun, Packager
from station.live.packaging.segmenter import Part


@dataclass
class Read:
    """Presentation times in seconds, and decoded 48 kHz mono samples with the time of the first."""

    pictures: list[float] = field(default_factory=list)
    keyframes: list[float] = field(default_factory=list)
    sizes: set[tuple[int, int]] = field(default_factory=set)
    sound: list[int] = field(default_factory=list)
    sound_at: float | None = None

    def onsets(self, level: int = 1500) -> list[float]:
        """When the sound begins after at least half a second of silence."""
        found, quiet = [], 24_000
        for index, value in enumerate(self.sound):
            if abs(value) < level:
                quiet += 1
                continue
            if quiet >= 24_000:
                found.append((self.sound_at or 0.0) + index / 48_000)
            quiet = 0
        return found


def package(frames: list[EncodedFrame], packager: Packager | None = None) -> list[Begun | Part]:
    """All events of these frames, to the last part."""
    packager = packager or Packager()
    events: list[Begun | Part] = []
    for frame in frames:
        events += packager.push(frame)
    return events + packager.interrupt()


def parts_of(events: list[Begun | Part]) -> list[Part]:
    return [event for event in events if isinstance(event, Part)]


def begun_of(events: list[Begun | Part]) -> list[Begun]:
    return [event for event in events if isinstance(event, Begun)]


def joined(events: list[Begun | Part]) -> bytes:
    """Init segment and parts of a single source as one file."""
    (begun,) = begun_of(events)
    return init_segment(begun.codecs) + b"".join(part.data for part in parts_of(events))


def read(file: bytes) -> Read:
    """Decode a fragmented MP4 from its first to its last frame."""
    found = Read()
    with av.open(io.BytesIO(file), "r") as source:
        to_mono = av.AudioResampler(format="s16", layout="mono", rate=48_000)
        for frame in source.decode():
            if isinstance(frame, av.VideoFrame):
                assert frame.time is not None
                found.pictures.append(frame.time)
                found.sizes.add((frame.width, frame.height))
                if frame.key_frame:
                    found.keyframes.append(frame.time)
                continue
            assert isinstance(frame, av.AudioFrame)
            if found.sound_at is None:
                found.sound_at = frame.time
            for plain in to_mono.resample(frame):
                found.sound += struct.unpack(f"<{plain.samples}h", bytes(plain.planes[0])[: plain.samples * 2])
    return found
