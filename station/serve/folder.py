"""The data folder is for the station's own user alone: telephone numbers and secrets lie in it in clear."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

OTHERS = 0o077
PRIVATE_UMASK = 0o077
SET_UP_OPEN = Path("run") / "set-up-open"
DATABASE_FILES = ("station.db", "station.db-wal", "station.db-shm")


def make_private() -> None:
    """From now on this process makes files and folders that only its own user can open."""
    os.umask(PRIVATE_UMASK)


def close_to_others(data: Path) -> None:
    """Take away what a release before this one left open to everybody on the machine.

    Only in a folder that is a station's already: one named by mistake (`/tmp`, a home) is left as it is.
    """
    if not (data / "keys").is_dir() and not (data / "station.db").exists():
        return
    for path in open_to_others(data):
        with suppress(OSError):  # another user's: `station doctor` says it
            path.chmod(stat.S_IMODE(path.stat().st_mode) & ~OTHERS)


def open_to_others(data: Path) -> Iterator[Path]:
    """The folder and its database files, as far as others may read or enter them; a closed folder closes the rest."""
    for path in (data, *(data / name for name in DATABASE_FILES)):
        with suppress(OSError):
            if stat.S_IMODE(path.stat().st_mode) & OTHERS:
                yield path


def note_set_up(data: Path, is_open: bool) -> None:
    """Say to the supervisor, which opens no database, whether set-up waits for somebody."""
    path = data / SET_UP_OPEN
    if is_open:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    else:
        path.unlink(missing_ok=True)


def is_set_up_open(data: Path) -> bool:
    """Whether set-up waits for somebody, as the preparation of this start found."""
    return (data / SET_UP_OPEN).exists()
