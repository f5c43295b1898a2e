"""The durable journal: what happened in the rooms, for web to read with a cursor. Written before anyone is told.

JSON lines in files of at most 10,000 events named after their first. The sequence number never falls, not even
when the process is killed; the journal's id changes only when the folder is new.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
import time
from collections import deque
from pathlib import Path
from typing import Any

MAX_EVENTS_PER_FILE = 10_000
MAX_FILES = 50
MAX_ANSWER = 500
MAX_UNWRITTEN = 10_000

Event = dict[str, Any]
_log = logging.getLogger(__name__)


class Journal:
    """Opened once per process; `close()` may be called twice."""

    def __init__(self, folder: Path, max_events_per_file: int = MAX_EVENTS_PER_FILE) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._per_file = max_events_per_file
        self.id = _identity(folder)
        self.last = 0
        self._count = 0
        self._descriptor = -1
        self._grew = asyncio.Event()
        self._unwritten: deque[Event] = deque(maxlen=MAX_UNWRITTEN)
        self._open_last()

    def _open_last(self) -> None:
        files = self._files()
        if not files:
            return
        self.last = int(files[-1].stem) - 1
        _cut_torn_line(files[-1])
        for event in _read(files[-1]):
            self.last = int(event["seq"])
            self._count += 1
        self._descriptor = os.open(files[-1], os.O_WRONLY | os.O_APPEND)

    def append(self, kind: str, room: str, person: str = "", at_ms: float | None = None, **data: Any) -> None:
        """Writes one event, of now or of `at_ms`, and wakes the readers.

        While the disk is full events wait in memory, and nobody is told of them.
        """
        at_ms = time.time() * 1000 if at_ms is None else at_ms
        event: Event = {"at_ms": int(at_ms), "kind": kind, "room": room, "person": person, "data": data}
        self._unwritten.append(event)
        try:
            while self._unwritten:
                self._write({"seq": self.last + 1, **self._unwritten[0]})
                self._unwritten.popleft()
        except OSError as error:
            _log.error("the journal cannot be written: %s", error)
        self._grew.set()
        self._grew = asyncio.Event()

    @property
    def is_writable(self) -> bool:
        """False while events wait for room on the disk."""
        return not self._unwritten

    def _write(self, event: Event) -> None:
        line = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        if self._descriptor < 0 or self._count >= self._per_file:
            self._rotate(event["seq"])
        written = os.write(self._descriptor, line)  # unbuffered: it outlives a kill -9
        if written != len(line):
            os.ftruncate(self._descriptor, os.fstat(self._descriptor).st_size - written)
            raise OSError("the disk is full")
        self.last += 1
        self._count += 1

    async def wait(self, after: int, wait_s: float) -> list[Event]:
        """Up to 500 events after a sequence number; waits for the first when there is none yet."""
        if after >= self.last and wait_s > 0:
            try:
                await asyncio.wait_for(self._grew.wait(), wait_s)
            except TimeoutError:
                return []
        return self.read(after)

    def read(self, after: int) -> list[Event]:
        """Up to 500 events after a sequence number, oldest first."""
        if after >= self.last:
            return []
        files = self._files()
        found: list[Event] = []
        for number, path in enumerate(files):
            following = int(files[number + 1].stem) if number + 1 < len(files) else self.last + 1
            if following - 1 <= after:
                continue
            found += [event for event in _read(path) if event["seq"] > after]
            if len(found) >= MAX_ANSWER:
                break
        return found[:MAX_ANSWER]

    def recent(self) -> list[Event]:
        """The events of the last two files, oldest first."""
        return [event for path in self._files()[-2:] for event in _read(path)]

    def close(self) -> None:
        if self._descriptor >= 0:
            os.fsync(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1

    def _rotate(self, first: int) -> None:
        self.close()
        path = self._folder / f"{first:012}.jsonl"
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
        self._count = 0
        for old in self._files()[:-MAX_FILES]:
            old.unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("[0-9]*.jsonl"))


def _identity(folder: Path) -> str:
    path = folder / "id"
    if not path.exists():
        scratch = folder / "id.new"
        scratch.write_text(secrets.token_hex(8))
        scratch.replace(path)
    return path.read_text().strip()


def _cut_torn_line(path: Path) -> None:
    """A kill in the middle of a write leaves half a line: nobody has been told of it, so it goes."""
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        _log.warning("the journal ended in half a line, which is cut off")
        os.truncate(path, whole)


def _read(path: Path) -> list[Event]:
    return [json.loads(line) for line in path.read_bytes().splitlines() if line]
