"""Composes a recording into one MP4: everyone in one picture, pauses cut out, sound mixed.

Holds a few pictures per track in memory, however long the recording. Runs for minutes: in a process of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from recordings.mixing import MixingDesk
from recordings.mp4 import Mp4
from recordings.sources import SAMPLE_RATE
from recordings.stage import Stage
from recordings.timeline import Timeline, read_timeline

FPS = 25
_BLOCK = SAMPLE_RATE // FPS
_STEP_MS = 1000 / FPS


class NothingRecordedError(ValueError):
    """The recording has no recorded time."""


@dataclass(frozen=True, slots=True)
class ComposedInfo:
    """What was composed. `damaged` names the track files of which some part could not be read."""

    duration_s: float
    people: int
    damaged: tuple[str, ...]


def compose(folder: Path, output: Path, progress: Callable[[float], None]) -> ComposedInfo:
    """Composes the recording in `folder` into the MP4 file `output`, which appears when it is whole.

    Calls `progress` with 0…1 about every second of recorded time. Raises NothingRecordedError, OSError, or
    av.error.FFmpegError when the output cannot be written; damaged tracks raise nothing.
    """
    timeline = read_timeline(folder)
    frames = round(timeline.duration_s * FPS)
    if not frames:
        raise NothingRecordedError(folder.name)
    part = output.with_name(f".{output.name}.part")
    stage, desk = Stage(folder, timeline), MixingDesk(folder, timeline, _BLOCK)
    try:
        with Mp4(part, FPS) as mp4:
            for index, at_ms in enumerate(frame_times(timeline, frames)):
                mp4.write(stage.frame_at(at_ms), desk.block_at(at_ms))
                if index % FPS == 0:
                    progress(index / frames)
        part.replace(output)
    finally:
        stage.close()
        desk.close()
        part.unlink(missing_ok=True)
    progress(1.0)
    people = len({track.info.person for track in timeline.tracks})
    return ComposedInfo(frames / FPS, people, tuple(sorted(stage.damaged | desk.damaged)))


def frame_times(timeline: Timeline, frames: int) -> Iterator[float]:
    """The Unix ms that each frame of the output shows."""
    index, before_ms = 0, 0.0
    for start, end in timeline.intervals:
        while index < frames and index * _STEP_MS < before_ms + end - start:
            yield start + index * _STEP_MS - before_ms
            index += 1
        before_ms += end - start
