"""Only one process writes a recording: whoever does holds a lock on its folder, which goes with the process.

The name of the last holder stays in the folder for as long as the recording is unfinished, so that after a crash
each process goes on with its own recordings and leaves those alone that another one has taken over meanwhile.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

from recordings.whole_file import write_whole

HOLDER_FILE = ".holder"


class RecordingHeld(OSError):
    """Another recorder, of this process or of another, writes here."""


class FolderHold:
    """An exclusive flock(2) on a folder, which is made when missing. Raises RecordingHeld, OSError."""

    def __init__(self, folder: Path, holder: str) -> None:
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        self._folder = folder
        self._descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self._lock()
            if holder_of(folder) != holder:
                write_whole(folder / HOLDER_FILE, holder.encode(), durable=False, mode=0o640)
        except OSError:
            os.close(self._descriptor)
            raise

    def _lock(self) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RecordingHeld(error.errno, error.strerror, str(self._folder)) from error

    def release(self, *, finished: bool) -> None:
        """Lets others in; a finished recording forgets who held it. May be called twice."""
        if self._descriptor < 0:
            return
        if finished:
            with contextlib.suppress(OSError):
                (self._folder / HOLDER_FILE).unlink(missing_ok=True)
        os.close(self._descriptor)
        self._descriptor = -1


def holder_of(folder: Path) -> str:
    """Who wrote last in an unfinished recording; empty when nobody is named."""
    try:
        return (folder / HOLDER_FILE).read_text(encoding="utf-8").strip()
    except OSError:
        return ""
