"""The files of one recording: its timeline, its tracks, and what is done when the disk refuses.

Blocking; belongs to one thread, the recorder's.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from recordings.codecs import Packer, packer
from recordings.frames import EncodedFrame
from recordings.matroska import RawFile, TrackWriter
from recordings.repair import finish_file
from recordings.timeline import TIMELINE_FILE, Mark, TrackInfo, dump_mark, read_timeline, track_fields
from recordings.whole_file import append_whole

# Kept free so that a full disk still takes the alarm and the ends of the files.
RESERVE_FILE = ".reserve"
RESERVE_BYTES = 256 * 1024

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_SYNCED = ("started", "paused", "resumed", "stopped", "interrupted", "alarm")

OpenFile = Callable[[Path], RawFile]


def open_new(path: Path) -> RawFile:
    """Opens a track file; raises FileExistsError rather than write over one."""
    return path.open("xb", buffering=0)


def failure_code(error: OSError) -> str:
    """The alarm an error raises: disk_full or write_failed."""
    return "disk_full" if error.errno in _FULL else "write_failed"


def append_mark(folder: Path, mark: Mark) -> None:
    """Appends one line to the timeline, whole or not at all. Raises OSError."""
    append_whole(folder / TIMELINE_FILE, dump_mark(mark), durable=mark.name in _SYNCED)


@dataclass(slots=True)
class _Track:
    info: TrackInfo
    codec: str
    file: str
    packer: Packer
    writer: TrackWriter


class RecordingFolder:
    """Writes marks and frames into a recording's folder. Every method raises OSError as the disk does."""

    def __init__(self, path: Path, epoch_ms: float, open_file: OpenFile = open_new) -> None:
        self._path = path
        self._epoch_ms = epoch_ms
        self._open_file = open_file
        self._tracks: dict[str, _Track] = {}
        self._number = 0
        self.active = False  # between `begin` and `end` or `fail`
        self.last_ms = epoch_ms  # Unix ms of the newest frame taken

    def begin(self) -> None:
        """Makes the folder and the reserve; track numbers go on after those already there."""
        self._path.mkdir(mode=0o750, parents=True, exist_ok=True)
        names = [path.name for path in self._path.glob("*.mkv")]
        names += [track.file for track in read_timeline(self._path).tracks]
        numbers = (re.match(r"([0-9]{1,9})-", name) for name in names)
        self._number = max((int(match[1]) for match in numbers if match), default=0)
        handle = os.open(self._path / RESERVE_FILE, os.O_WRONLY | os.O_CREAT, 0o640)
        try:
            os.posix_fallocate(handle, 0, RESERVE_BYTES)
        finally:
            os.close(handle)
        self.active = True

    def mark(self, mark: Mark) -> None:
        """Append a mark to the timeline."""
        append_mark(self._path, mark)

    def write(self, info: TrackInfo, frame: EncodedFrame) -> None:
        """Takes one frame, unless after `end` or `fail`; opens the track's file at the first frame it can
        begin with."""
        if not self.active:
            return
        track = self._tracks.get(info.id)
        if track is not None and track.codec != frame.codec:  # renegotiated: another file
            self.close_track(info.id, self.last_ms)
            track = None
        if track is None:
            track = self._open_track(info, frame)
            if track is None:
                return
        data = track.packer.pack(frame)
        if data:
            track.writer.write(round(frame.at_ms - self._epoch_ms), frame.keyframe or not frame.is_video, data)
            self.last_ms = max(self.last_ms, frame.at_ms)

    def flush(self) -> None:
        """Write out what the tracks have gathered."""
        for track in self._tracks.values():
            track.writer.flush()

    def close_track(self, track_id: str, at_ms: float) -> None:
        """Finish a track's file and mark its end."""
        track = self._tracks.get(track_id)
        if track is not None:
            track.writer.finish()
            del self._tracks[track_id]  # not before: `fail` sees to those that could not be finished
            self.mark(Mark(at_ms, "track_closed", {"id": track.info.id, "file": track.file}))

    def end(self, at_ms: float) -> None:
        """Finishes every file and gives the reserve back."""
        for track_id in list(self._tracks):
            self.close_track(track_id, at_ms)
        self.active = False
        (self._path / RESERVE_FILE).unlink(missing_ok=True)

    def fail(self, code: str) -> None:
        """Leaves everything as playable as the disk allows, with an alarm mark. Raises nothing."""
        self.active = False
        with contextlib.suppress(OSError):
            (self._path / RESERVE_FILE).unlink(missing_ok=True)
        tracks, self._tracks = list(self._tracks.values()), {}
        for track in tracks:
            self._finish_or_repair(track)
        with contextlib.suppress(OSError):
            for track in tracks:
                self.mark(Mark(self.last_ms, "track_closed", {"id": track.info.id, "file": track.file}))
        with contextlib.suppress(OSError):
            self.mark(Mark(self.last_ms, "alarm", {"code": code}))

    def _finish_or_repair(self, track: _Track) -> None:
        try:
            track.writer.finish()  # the reserve has room for what was in memory
        except (OSError, ValueError):  # ValueError: a finish that failed had closed it
            with contextlib.suppress(OSError):
                track.writer.abandon()
            finish_file(self._path / track.file)

    def _open_track(self, info: TrackInfo, frame: EncodedFrame) -> _Track | None:
        try:
            new_packer = packer(frame.codec)
        except KeyError:
            return None
        description = new_packer.describe(frame)
        if description is None:
            return None
        self._number += 1
        source = info.source if re.fullmatch(r"[a-z]+", info.source) else "track"
        file = f"{self._number}-{source}.mkv"
        # The mark first: a track without its file is harmless, a file without its mark is lost.
        self.mark(Mark(frame.at_ms, "track_opened", {"track": track_fields(info, file)}))
        title = f"{info.name} {info.source}"
        raw = self._open_file(self._path / file)
        writer = TrackWriter(raw, description, title, self._number, self._epoch_ms)
        track = self._tracks[info.id] = _Track(info, frame.codec, file, new_packer, writer)
        return track
