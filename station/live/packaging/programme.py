"""A broadcast on disk: `programme.json`, `segments.jsonl`, `init*.mp4`, `s{n}.mp4`, and parts while they are fresh.

Written by the packager's thread. What was written is whole at any moment: `kill -9` loses less than one part.
"""

from __future__ import annotations

import json
import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from recordings.whole_file import append_whole, write_whole
from station.live.formats.cmaf import Codecs, init_segment
from station.live.packaging.playlist import PARTS_FOR_SEGMENTS, init_name, part_name, segment_name

PARTS_KEPT_FOR = PARTS_FOR_SEGMENTS + 2  # a viewer may still hold the playlist before last


class Init(msgspec.Struct, frozen=True):
    """One init segment: what it declares."""

    codecs: str
    width: int = 0
    height: int = 0


class Programme(msgspec.Struct):
    """What `programme.json` holds. The grant lets a restarted live role go on by itself; the file is mode 600."""

    id: str
    room: str
    person: str
    state: str = "live"
    grant: str = ""
    started_at_ms: int = 0
    ended_at_ms: int = 0
    public: bool = False  # after the end: nobody sees it before somebody has reviewed it
    hidden: list[str] = msgspec.field(default_factory=list)  # who no longer wants to be seen
    inits: list[Init] = msgspec.field(default_factory=list)


class StoredSegment(msgspec.Struct, frozen=True):
    """One line of `segments.jsonl`; `end` is in ticks of 90 kHz on the broadcast's clock."""

    n: int
    at_ms: float
    duration_s: float
    init: int
    discontinuity: bool
    end: int
    bytes: int
    lost: bool = False
    person: str = ""  # whom it shows; "" in what an earlier version wrote


class OpenSegment(msgspec.Struct, frozen=True):
    """First line of `open.jsonl`: the segment that parts are being written for."""

    n: int
    at_ms: float
    init: int
    discontinuity: bool
    person: str = ""


class ProgrammeFolder:
    """Reads and writes one broadcast's folder. Writers raise OSError when the disk is full."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._saving = threading.Lock()

    def load(self) -> Programme | None:
        """The programme, or None if the folder holds none that can be read."""
        try:
            return msgspec.json.decode((self.folder / "programme.json").read_bytes(), type=Programme)
        except (FileNotFoundError, NotADirectoryError, msgspec.MsgspecError):
            return None

    def save(self, programme: Programme) -> None:
        """Replace `programme.json`, whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        scratch = self.folder / ".programme.json"
        with self._saving:  # the packager's thread tells of a new init while web changes the source
            descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(programme)))
                file.flush()
                os.fsync(file.fileno())
            scratch.replace(self.folder / "programme.json")

    def write_init(self, number: int, codecs: Codecs) -> bytes:
        """Write the initialisation segment of that number; returns its bytes."""
        data = init_segment(codecs)
        self._write(init_name(number), data)
        return data

    def open_segment(self, segment: OpenSegment) -> None:
        """Note the segment that has begun, for after a crash."""
        (self.folder / "open.jsonl").write_bytes(_line(segment))

    def write_part(self, segment: int, index: int, data: bytes, ticks: int) -> None:
        """Keep a part until its segment is whole, and its duration for the case that it never is."""
        self._write(part_name(segment, index), data)
        self._append("open.jsonl", _line({"part": index, "ticks": ticks}))

    def close_segment(self, segment: StoredSegment, parts: list[bytes]) -> None:
        """Write the whole segment and its line, then forget parts that nobody asks for any more."""
        self._write(segment_name(segment.n), b"".join(parts))
        self.append(segment)
        self.drop_parts(segment.n - PARTS_KEPT_FOR)

    def append(self, segment: StoredSegment) -> None:
        """Note a segment that is complete."""
        self._append("segments.jsonl", _line(segment))

    def drop_parts(self, segment: int) -> None:
        """Delete the parts of a segment that stands as a whole."""
        for path in self.folder.glob(f"s{segment}.p*.mp4"):
            path.unlink(missing_ok=True)

    def segments(self) -> list[StoredSegment]:
        """The closed segments in order; a torn last line is left out."""
        found: list[StoredSegment] = []
        with suppress(FileNotFoundError):
            for line in (self.folder / "segments.jsonl").read_bytes().splitlines():
                with suppress(msgspec.MsgspecError):
                    segment = msgspec.json.decode(line, type=StoredSegment)
                    if segment.n == len(found):
                        found.append(segment)
        return found

    def recover(self) -> list[StoredSegment]:
        """After a crash: make a segment of the parts of the one that was open. Returns all segments."""
        segments = self.segments()
        opened = self._read_open()
        if opened and opened[0].n == len(segments):
            first, ticks = opened
            parts = self._read_parts(first.n, len(ticks))
            if parts:
                length = sum(ticks[: len(parts)])
                end = (segments[-1].end if segments else 0) + length
                size = sum(map(len, parts))
                whole = StoredSegment(
                    n=first.n,
                    at_ms=first.at_ms,
                    duration_s=length / 90_000,
                    init=first.init,
                    discontinuity=first.discontinuity,
                    end=end,
                    bytes=size,
                    person=first.person,
                )
                self.close_segment(whole, parts)
                segments.append(whole)
        (self.folder / "open.jsonl").unlink(missing_ok=True)
        for path in self.folder.glob("s*.p*.mp4"):
            path.unlink(missing_ok=True)
        return segments

    def _read_open(self) -> tuple[OpenSegment, list[int]] | None:
        try:
            first, *rest = (self.folder / "open.jsonl").read_bytes().splitlines()
            opened = msgspec.json.decode(first, type=OpenSegment)
        except (FileNotFoundError, ValueError, msgspec.MsgspecError):
            return None
        ticks: list[int] = []
        for line in rest:
            with suppress(ValueError, KeyError):
                ticks.append(int(json.loads(line)["ticks"]))
        return opened, ticks

    def _read_parts(self, segment: int, count: int) -> list[bytes]:
        parts = []
        for index in range(count):
            path = self.folder / part_name(segment, index)
            if not path.exists():
                break
            parts.append(path.read_bytes())
        return parts

    def _write(self, name: str, data: bytes) -> None:
        # Not durable: a power cut takes the last seconds of a broadcast, a disk that is waited for the next ones.
        write_whole(self.folder / name, data, durable=False, mode=0o640)

    def _append(self, name: str, line: bytes) -> None:
        append_whole(self.folder / name, line, durable=False)


def _line(value: Any) -> bytes:
    return msgspec.json.encode(value) + b"\n"
