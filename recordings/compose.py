"""Composes a recording into one MP4: everyone in one picture, pauses cut out, sound mixed.

Holds a few pictures per track in memory, however long the recording. Runs for minutes: in a process of its own.
"""

from __future__ import annotations

import operator
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from recordings import layout, picture
from recordings.layout import Placement, Rect
from recordings.scene import Scene, Script, ended_ms
from recordings.sources import SAMPLE_BYTES, SAMPLE_RATE, AudioTrack, VideoTrack
from recordings.timeline import RecordedTrack, Timeline, read_timeline

FPS = 25
_BLOCK = SAMPLE_RATE // FPS
_STEP_MS = 1000 / FPS
_FROZEN_MS = 3000  # a camera that sends nothing for so long is off
_GRACE_MS = 500


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
    stage, desk = Stage(folder, timeline), MixingDesk(folder, timeline)
    try:
        with Mp4(part) as mp4:
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


class Stage:
    """Keeps the canvas as the scene is at each moment."""

    def __init__(self, folder: Path, timeline: Timeline) -> None:
        self._folder = folder
        self._epoch_ms = timeline.epoch_ms or 0.0
        self._script = Script(timeline)
        self._canvas = picture.Canvas()
        self._scene: Scene | None = None
        self._tracks: dict[str, VideoTrack] = {}
        self._shown: dict[Rect, object] = {}  # what lies on each rectangle, so as not to lay it on twice
        self.damaged: set[str] = set()

    def frame_at(self, at_ms: float) -> Any:
        """The picture at a moment (Unix ms). Times must not go back."""
        scene = self._script.scene_at(at_ms)
        if scene is not self._scene:
            self._enter(scene)
        if scene.screen:
            large, small = layout.beside_screen(len(scene.seats))
            self._show(large, scene.screen, scene.screen.info.name, at_ms, frozen_ms=None)
        else:
            small = layout.people(len(scene.seats))
        for rect, seat in zip(small, scene.seats, strict=False):
            self._show(rect, seat.camera, seat.name, at_ms, frozen_ms=_FROZEN_MS)
        return self._canvas.frame()

    def close(self) -> None:
        """Let go of all decoders."""
        self._enter(Scene((), None))

    def _enter(self, scene: Scene) -> None:
        self._scene = scene
        self._shown.clear()
        self._canvas.clear()
        wanted = {seat.camera.file for seat in scene.seats if seat.camera}
        if scene.screen:
            wanted.add(scene.screen.file)
        for file in self._tracks.keys() - wanted:
            self._drop(file)

    def _drop(self, file: str) -> None:
        track = self._tracks.pop(file)
        if track.damaged:
            self.damaged.add(file)
        track.close()

    def _show(self, rect: Rect, track: RecordedTrack | None, name: str, at_ms: float, frozen_ms: float | None) -> None:
        found = self._open(track.file).at(at_ms - self._epoch_ms) if track else None
        if found and frozen_ms is not None and at_ms - self._epoch_ms - found[0] > frozen_ms:
            found = None
        if found is None:
            self._lay_plate(rect, name)
        elif self._shown.get(rect) is not found[1]:
            # A shared screen is never cut: what stands at its edge may be what is spoken of.
            self._lay_picture(rect, found[1], name, whole=frozen_ms is None)

    def _lay_plate(self, rect: Rect, name: str) -> None:
        if self._shown.get(rect) != name:
            self._shown[rect] = name
            fitted = rect.fit(16, 9)
            self._canvas.clear_part(rect)
            self._canvas.lay(picture.plate(name, fitted.width, fitted.height), fitted)

    def _lay_picture(self, rect: Rect, frame: Any, name: str, whole: bool) -> None:
        placed = _placed(rect, frame, whole)
        before = self._shown.get(rect)
        if not isinstance(before, av.VideoFrame) or _placed(rect, before, whole) != placed:
            self._canvas.clear_part(rect)
        self._shown[rect] = frame
        self._canvas.lay(picture.scaled(frame, placed.width, placed.height), placed.rect, placed.left)
        corner, seen = picture.label(name, placed.rect.width), placed.rect
        if corner.width <= seen.width and corner.height <= seen.height:
            bottom = seen.y + seen.height - corner.height
            self._canvas.lay(corner, Rect(seen.x, bottom, corner.width, corner.height))

    def _open(self, file: str) -> VideoTrack:
        if file not in self._tracks:
            self._tracks[file] = VideoTrack(self._folder / file)
        return self._tracks[file]


def _placed(rect: Rect, frame: Any, whole: bool) -> Placement:
    if whole:
        fitted = rect.fit(frame.width, frame.height)
        return Placement(fitted, fitted.width, fitted.height, 0)
    return layout.place(rect, frame.width, frame.height)


class MixingDesk:
    """Mixes all audio tracks."""

    def __init__(self, folder: Path, timeline: Timeline) -> None:
        self._folder = folder
        self._epoch_ms = timeline.epoch_ms or 0.0
        audio = (track for track in timeline.tracks if track.info.kind == "audio")
        self._waiting = sorted(audio, key=lambda track: track.opened_ms, reverse=True)
        self._open: list[tuple[RecordedTrack, AudioTrack]] = []
        self.damaged: set[str] = set()

    def block_at(self, at_ms: float) -> bytes:
        """The sound of one frame's length from a moment (Unix ms) on. Times must not go back."""
        while self._waiting and self._waiting[-1].opened_ms <= at_ms + _GRACE_MS:
            track = self._waiting.pop()
            self._open.append((track, AudioTrack(self._folder / track.file)))
        for entry in [entry for entry in self._open if ended_ms(entry[0]) + _GRACE_MS < at_ms]:
            self._drop(entry)
        blocks = (source.read(at_ms - self._epoch_ms, _BLOCK) for _, source in self._open)
        return mix([block for block in blocks if block is not None])

    def close(self) -> None:
        """Let go of all decoders."""
        for entry in list(self._open):
            self._drop(entry)

    def _drop(self, entry: tuple[RecordedTrack, AudioTrack]) -> None:
        self._open.remove(entry)
        track, source = entry
        if source.damaged:
            self.damaged.add(track.file)
        source.close()


def mix(blocks: list[bytes]) -> bytes:
    """Adds 16-bit stereo sound up, in this machine's byte order as FFmpeg has it, clipping what is too loud."""
    if not blocks:
        return bytes(SAMPLE_BYTES * _BLOCK)
    if len(blocks) == 1:
        return blocks[0]
    total = array("i", array("h", blocks[0]))
    for block in blocks[1:]:
        total = array("i", map(operator.add, total, array("h", block)))
    if max(total) > 32767 or min(total) < -32768:
        total = array("i", [max(-32768, min(32767, sample)) for sample in total])
    return array("h", total).tobytes()


class Mp4:
    """The output: H.264 and AAC, its index in front so that it plays while it loads."""

    def __init__(self, path: Path) -> None:
        self._container: Any = av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
        video: Any = self._container.add_stream("libx264", rate=FPS)
        video.width, video.height, video.pix_fmt = layout.WIDTH, layout.HEIGHT, "yuv420p"
        video.codec_context.gop_size = 2 * FPS
        video.options = {"preset": "veryfast", "crf": "24"}
        self._video = video
        self._audio: Any = self._container.add_stream("aac", rate=SAMPLE_RATE, layout="stereo")
        self._audio.bit_rate = 96_000
        self._frames = 0

    def write(self, frame: Any, block: bytes) -> None:
        """Encode one picture and the sound that belongs to it."""
        frame.pts, frame.time_base = self._frames, Fraction(1, FPS)
        self._container.mux(self._video.encode(frame))
        sound: Any = av.AudioFrame(format="s16", layout="stereo", samples=_BLOCK)
        sound.sample_rate = SAMPLE_RATE
        sound.planes[0].update(block)
        sound.pts, sound.time_base = self._frames * _BLOCK, Fraction(1, SAMPLE_RATE)
        self._container.mux(self._audio.encode(sound))
        self._frames += 1

    def __enter__(self) -> Mp4:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        try:
            if kind is None:
                self._container.mux(self._video.encode(None))
                self._container.mux(self._audio.encode(None))
        finally:
            self._container.close()
