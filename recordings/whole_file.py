"""What others find whole or not at all: a file, put in its place in one step (rename(2)), and a line behind others."""

from __future__ import annotations

import errno
import os
from pathlib import Path


def write_whole(path: Path, content: bytes, *, durable: bool, mode: int = 0o600) -> None:
    """Make or replace the file. Raises OSError, and then what was there before is still there.

    `durable` says what it must outlive. True: a power cut, once this returns (the file and its folder are put on the
    disk, which may take long): for what others are told on the strength of it. False: the end of this process: for
    what can be made again, or is only of use while the machine runs.
    """
    scratch = path.with_name(f".{path.name}.new")
    try:
        scratch.unlink(missing_ok=True)  # a crash's rest, perhaps with other rights
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        scratch.replace(path)
    except OSError:
        scratch.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


def append_whole(path: Path, line: bytes, *, durable: bool, mode: int = 0o640) -> None:
    """Add one line, its end included, to a file of lines, which is made when missing. Raises OSError, and then nothing
    of it is there: half a line would take the next one with it. Behind half a line of a crash it begins a new one.

    `durable` as for `write_whole`, but for the name of a new file. Not for two writers at once.
    """
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, mode)
    try:
        length = os.fstat(handle).st_size
        if length and os.pread(handle, 1, length - 1) != b"\n":
            line = b"\n" + line
        if os.write(handle, line) != len(line):  # the disk took what it had room for
            os.ftruncate(handle, length)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if durable:
            os.fdatasync(handle)
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Put the folder's list of names on the disk: without it a new file may be gone after a power cut (fsync(2))."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
