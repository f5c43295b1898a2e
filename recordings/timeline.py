"""The timeline of a recording: what happened when, and what of it counts as recorded time.

Pure: no clock, and no file but in the functions at the end, which read `timeline.jsonl`.
"""

from __future__ import annotations

import json
import os
import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

TIMELINE_FILE = "timeline.jsonl"

State = Literal["off", "recording", "paused"]

_TRACK_FILE = re.compile(r"[0-9]+-[a-z]+\.mkv")
_BEGIN = ("started", "resumed")
_STATE_AFTER: Mapping[str, State] = {
    "started": "recording",
    "resumed": "recording",
    "paused": "paused",
    "stopped": "off",
    "alarm": "off",
}
STATE_MARKS = (*_BEGIN, "paused", "stopped")
_END = ("paused", "stopped", "interrupted", "alarm")
_TAIL_BYTES = 4096
_MAX_MS = 253_402_128_000_000  # the end of the year 9999 in any zone: beyond it no mark can be meant


@dataclass(frozen=True, slots=True)
class TrackInfo:
    """One published track: `source` is camera, microphone or screen, `kind` video or audio."""

    id: str
    person: str
    name: str
    source: str
    kind: str
    codec: str


@dataclass(frozen=True, slots=True)
class Mark:
    """One line of the timeline. `at_ms` is Unix time in milliseconds on the media role's clock."""

    at_ms: float
    name: str
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RecordedTrack:
    """One track file of a recording. `closed_ms` is None while it is open, or when a crash left it so."""

    info: TrackInfo
    file: str
    opened_ms: float
    closed_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Timeline:
    """A recording as a whole: its intervals (Unix ms, ascending, apart), its track files, its state.

    **Recorded time** counts only what lies within the intervals, in seconds from the start of the first.
    """

    epoch_ms: float | None
    intervals: tuple[tuple[float, float], ...]
    tracks: tuple[RecordedTrack, ...]
    state: State
    marks: tuple[Mark, ...]
    interrupted: bool  # the last thing known is a crash: nothing has been recorded since

    @classmethod
    def from_marks(cls, marks: Iterable[Mark], until_ms: float | None = None) -> Timeline:
        """Folds the marks, in their order in the file. An interval still open ends at `until_ms`, or at the
        last mark when that is not given."""
        kept = tuple(marks)
        intervals, state, open_since = _fold(kept)
        if open_since is not None:
            end = until_ms if until_ms is not None else max(mark.at_ms for mark in kept)
            intervals.append((open_since, max(end, open_since)))
        epoch = next((mark.at_ms for mark in kept if mark.name == "started"), None)
        interrupted = open_since is None and state == "recording"
        return cls(epoch, tuple(intervals), _tracks(kept), state, kept, interrupted)

    @property
    def duration_s(self) -> float:
        """Recorded time in all."""
        return sum(end - start for start, end in self.intervals) / 1000

    def offset_s(self, at_ms: float) -> float:
        """Recorded time at a moment: a moment within a pause counts as the moment the pause began."""
        return sum(max(0.0, min(at_ms, end) - start) for start, end in self.intervals) / 1000

    def wall_ms(self, offset_s: float) -> float:
        """The Unix ms at which a second of recorded time was; clamped to the recording.

        Where two intervals meet it is the start of the later one. Raises ValueError when nothing was
        recorded.
        """
        if not self.intervals:
            raise ValueError("nothing was recorded")
        starts = [0.0]
        for start, end in self.intervals[:-1]:
            starts.append(starts[-1] + end - start)
        offset_ms = max(0.0, offset_s * 1000)
        index = bisect_right(starts, offset_ms) - 1
        start, end = self.intervals[index]
        return min(start + offset_ms - starts[index], end)


def _fold(marks: tuple[Mark, ...]) -> tuple[list[tuple[float, float]], State, float | None]:
    intervals: list[tuple[float, float]] = []
    state: State = "off"
    open_since: float | None = None
    for mark in marks:
        if mark.name in _BEGIN and open_since is None:
            # A clock set back must not make time count twice.
            open_since = max(mark.at_ms, intervals[-1][1]) if intervals else mark.at_ms
        elif mark.name in _END and open_since is not None:
            intervals.append((open_since, max(mark.at_ms, open_since)))
            open_since = None
        state = _STATE_AFTER.get(mark.name, state)
    return intervals, state, open_since


def _tracks(marks: tuple[Mark, ...]) -> tuple[RecordedTrack, ...]:
    tracks: dict[str, RecordedTrack] = {}
    for mark in marks:
        if mark.name == "track_opened":
            track = _recorded_track(mark)
            if track is not None:
                tracks[track.file] = track
        elif mark.name == "track_closed":
            file = str(mark.fields.get("file", ""))
            if file in tracks:
                tracks[file] = replace(tracks[file], closed_ms=mark.at_ms)
    return tuple(tracks.values())


def _recorded_track(mark: Mark) -> RecordedTrack | None:
    track = mark.fields.get("track")
    if not isinstance(track, dict) or not isinstance(track.get("file"), str):
        return None
    file = track["file"]
    if not _TRACK_FILE.fullmatch(file):  # a track lies in the recording's folder, nowhere else
        return None
    names = ("id", "person", "name", "source", "kind", "codec")
    return RecordedTrack(TrackInfo(*(str(track.get(name, "")) for name in names)), file, mark.at_ms)


def track_fields(info: TrackInfo, file: str) -> dict[str, Any]:
    """The `track` field of a `track_opened` mark."""
    return {**asdict(info), "file": file}


def dump_mark(mark: Mark) -> bytes:
    """A mark as its line. Raises ValueError when a field would hide the mark's own two."""
    if "at_ms" in mark.fields or "mark" in mark.fields:
        raise ValueError("a mark's fields cannot be called at_ms or mark")
    line = {"at_ms": round(mark.at_ms, 3), "mark": mark.name, **mark.fields}
    return json.dumps(line, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def load_mark(line: bytes) -> Mark | None:
    """A line as its mark; None for a line that is torn or no mark."""
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    at_ms, name = fields.pop("at_ms", None), fields.pop("mark", None)
    if type(at_ms) not in (int, float) or not 0 <= at_ms < _MAX_MS or not isinstance(name, str):
        return None
    return Mark(float(at_ms), name, fields)


def read_marks(folder: Path) -> tuple[Mark, ...]:
    """The marks of the recording in `folder`, in order; none when there is no timeline yet.

    A crash can tear the line being written, so what is no mark is passed over.
    """
    try:
        lines = (folder / TIMELINE_FILE).read_bytes().split(b"\n")
    except (FileNotFoundError, NotADirectoryError):
        return ()
    return tuple(mark for line in lines if (mark := load_mark(line)) is not None)


def read_last_state(folder: Path) -> State:
    """The state of the recording in `folder`, from the end of its timeline as far as that tells it. Raises OSError."""
    with (folder / TIMELINE_FILE).open("rb") as file:
        start = file.seek(0, os.SEEK_END)
        reach = _TAIL_BYTES
        while start > 0:
            start = max(0, file.seek(0, os.SEEK_END) - reach)
            file.seek(start)
            lines = file.read().split(b"\n")
            for line in reversed(lines[1:] if start else lines):  # the first may be cut
                mark = load_mark(line)
                if mark is not None and mark.name in _STATE_AFTER:
                    return _STATE_AFTER[mark.name]
            reach *= 16
    return "off"


def read_timeline(folder: Path, until_ms: float | None = None) -> Timeline:
    """The timeline of the recording in `folder`; see `Timeline.from_marks`."""
    return Timeline.from_marks(read_marks(folder), until_ms)
