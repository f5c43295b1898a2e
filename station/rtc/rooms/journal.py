"""The durable journal: what happened in the rooms, for web to read with a cursor. Written before anyone is told.

JSON lines in files of at most 10,000 events named after their first. The sequence number never falls, not even
when the process is killed or the machine loses power; the journal's id changes only when the folder is new.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import secrets
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from recordings.whole_file import write_whole

MAX_EVENTS_PER_FILE = 10_000
MAX_ANSWER = 500
MAX_UNWRITTEN = 10_000
KEPT_IN_MEMORY = 1_000
KEEP_S = 30 * 86_400
SYNC_S = 1.0

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_BOOT_JUMP = 100_000

Event = dict[str, Any]
_log = logging.getLogger(__name__)


class Journal:
    """Opened once per process; `close()` may be called twice."""

    def __init__(self, folder: Path, max_events_per_file: int = MAX_EVENTS_PER_FILE, boot: str | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._per_file = max_events_per_file
        self.id = _kept(folder / "id", secrets.token_hex(8))
        self.last = 0
        self._count = 0
        self._descriptor = -1
        self._grew = asyncio.Event()
        self._unwritten: deque[Event] = deque()
        self.lost = 0  # events that were given up while the disk was full
        self._gap: Event | None = None  # not told yet
        self._newest: deque[Event] = deque(maxlen=KEPT_IN_MEMORY)
        self._syncing: asyncio.TimerHandle | None = None
        self._open_last()
        self._note_boot(_boot_id() if boot is None else boot)

    def _open_last(self) -> None:
        files = self._files()
        if not files:
            return
        self.last = int(files[-1].stem) - 1
        _cut_torn_line(files[-1])
        for event in _read(files[-1]):
            self.last = max(self.last, int(event["seq"]))
            self._count += 1
            self._newest.append(event)
        self._descriptor = os.open(files[-1], os.O_WRONLY | os.O_APPEND)

    def _note_boot(self, boot: str) -> None:
        # A power cut may take events that web has already applied. Numbers far beyond theirs are surely new to it.
        if _kept(self._folder / "boot", boot) != boot:
            self.last += _BOOT_JUMP
            write_whole(self._folder / "boot", boot.encode(), durable=True)

    def append(self, kind: str, room: str, person: str = "", at_ms: float | None = None, **data: Any) -> None:
        """Writes one event, of now or of `at_ms` (Unix milliseconds), and wakes the readers.

        While the disk is full events wait in memory, and nobody is told of them. There is room for so many; the
        oldest are given up then, and the journal says so in their place as soon as it can.
        """
        at_ms = time.time() * 1000 if at_ms is None else at_ms
        event: Event = {"at_ms": int(at_ms), "kind": kind, "room": room, "person": person, "data": data}
        self._unwritten.append(event)
        if len(self._unwritten) > MAX_UNWRITTEN:
            self._give_up(self._unwritten.popleft())
        try:
            if self._gap is not None:
                self._write({"seq": self.last + 1, **self._gap})
                self._gap = None
            while self._unwritten:
                self._write({"seq": self.last + 1, **self._unwritten[0]})
                self._unwritten.popleft()
        except OSError as error:
            _log.error("the journal cannot be written: %s", error)
            return
        self._grew.set()
        self._grew = asyncio.Event()
        self._sync_soon()

    def _give_up(self, event: Event) -> None:
        if self._gap is None:
            _log.critical("the journal gives up events: the disk is full, and %d wait already", MAX_UNWRITTEN)
            data = {"events": 0, "from_ms": event["at_ms"], "until_ms": event["at_ms"], "rooms": {}}
            self._gap = {"at_ms": event["at_ms"], "kind": "events_lost", "room": "", "person": "", "data": data}
        self.lost += 1
        gap = self._gap["data"]
        gap["events"] += 1
        gap["until_ms"] = event["at_ms"]
        if event["room"]:
            gap["rooms"][event["room"]] = gap["rooms"].get(event["room"], 0) + 1

    @property
    def is_writable(self) -> bool:
        """False while events wait for room on the disk."""
        return not self._unwritten

    @property
    def unwritten(self) -> int:
        """How many events wait for room on the disk."""
        return len(self._unwritten)

    def _write(self, event: Event) -> None:
        line = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        if self._descriptor < 0 or self._count >= self._per_file:
            self._rotate(event["seq"])
        written = os.write(self._descriptor, line)  # unbuffered: it outlives a kill -9
        if written != len(line):
            os.ftruncate(self._descriptor, os.fstat(self._descriptor).st_size - written)
            raise OSError("the disk is full")
        self.last = event["seq"]
        self._count += 1
        self._newest.append(event)

    def skip_to(self, known: int) -> int | None:
        """Go on after `known`, the newest number that a reader has, when it lies beyond our own last one.

        Then the journal has lost its tail (an older copy was put back): the reader would take what comes next for
        events that it has applied already. Returns what was the last number here; None when nothing is lost.
        """
        if known <= self.last:
            return None
        _log.error(
            "the journal ends at %d, but a reader has %d: its tail is lost, numbers go on there", self.last, known
        )
        lost_after, self.last = self.last, known
        return lost_after

    async def wait(self, after: int, wait_s: float) -> list[Event]:
        """Up to 500 events after a sequence number; waits for the first when there is none yet."""
        if after >= self.last and wait_s > 0:
            try:
                await asyncio.wait_for(self._grew.wait(), wait_s)
            except TimeoutError:
                return []
        if self._is_in_memory(after):
            return self.read(after)
        return await asyncio.to_thread(self.read, after)  # thousands of lines: no packet shall wait for them

    def read(self, after: int) -> list[Event]:
        """Up to 500 events after a sequence number, oldest first."""
        if after >= self.last:
            return []
        if self._is_in_memory(after):
            return [event for event in self._newest if event["seq"] > after][:MAX_ANSWER]
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

    def since(self, at_s: float) -> list[Event]:
        """The events since a moment (Unix seconds), oldest first. Blocks."""
        files = [path for path in self._files() if path.stat().st_mtime >= at_s]
        return [event for path in files for event in _read(path) if event["at_ms"] >= at_s * 1000]

    def close(self) -> None:
        """Puts everything on the disk; blocks until it is there."""
        if self._syncing is not None:
            self._syncing.cancel()
            self._syncing = None
        if self._descriptor >= 0:
            os.fsync(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1

    def _is_in_memory(self, after: int) -> bool:
        return after >= self.last or bool(self._newest and after >= self._newest[0]["seq"] - 1)

    def _sync_soon(self) -> None:
        """Has what was written put on the disk within a second, in a thread: it may take long."""
        if self._syncing is not None:
            return
        with contextlib.suppress(RuntimeError):  # without a loop `close` does it
            self._syncing = asyncio.get_running_loop().call_later(SYNC_S, self._sync)

    def _sync(self) -> None:
        self._syncing = None
        if self._descriptor >= 0:
            own = os.dup(self._descriptor)  # the journal may go on to another file meanwhile
            _in_thread(partial(_sync_and_close, own))

    def _rotate(self, first: int) -> None:
        """Goes on in another file. No packet waits for the disk: the old file is put on it in a thread."""
        if self._syncing is not None:
            self._syncing.cancel()
        self._sync()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        path = self._folder / f"{first:012}.jsonl"
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
        self._count = 0
        _in_thread(self._drop_old_files)

    def _drop_old_files(self) -> None:
        oldest_kept_s = time.time() - KEEP_S
        for old in self._files()[:-1]:
            with contextlib.suppress(OSError):
                if old.stat().st_mtime < oldest_kept_s:
                    old.unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("[0-9]*.jsonl"))


def _in_thread(work: Callable[[], None]) -> None:
    """Does it beside the event loop; at once where there is none."""
    try:
        asyncio.get_running_loop().run_in_executor(None, work)
    except RuntimeError:
        work()


def _kept(path: Path, new: str) -> str:
    """What the file says; a new file says `new`."""
    if not path.exists():
        write_whole(path, new.encode(), durable=True)
    return path.read_text().strip()


def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return "unknown"


def _sync_and_close(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        _log.error("the journal cannot be put on the disk: %s", error)
    finally:
        os.close(descriptor)


def _cut_torn_line(path: Path) -> None:
    """A kill in the middle of a write leaves half a line: nobody has been told of it, so it goes."""
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        _log.warning("the journal ended in half a line, which is cut off")
        os.truncate(path, whole)


def _read(path: Path) -> list[Event]:
    events = []
    for line in path.read_bytes().splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        if isinstance(event, dict) and isinstance(event.get("seq"), int):
            events.append(event)
        elif line:
            _log.error("skipped a malformed line of the journal: %s", path.name)
    return events
