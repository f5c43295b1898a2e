"""Keys as files: made on first use, by whichever process is first, and never seen half-written by another."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SECRET_BYTES = 32


def write_once(path: Path, content: bytes, mode: int) -> None:
    """Write a file unless it is there. Of two processes at once the first one's wins, complete or not at all."""
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        with suppress(FileExistsError):
            os.link(scratch, path)
    finally:
        scratch.unlink()


def load_secret(path: Path) -> bytes:
    """The random bytes in a file, made on first use (mode 600). One cut short, by a full disk, is made anew."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_once(path, secrets.token_bytes(SECRET_BYTES), 0o600)
    found = path.read_bytes()
    return found if len(found) >= SECRET_BYTES else _repair(path)


def _repair(path: Path) -> bytes:
    with _only_one(path.parent):  # whoever found it short must not take away what another has made since
        if path.stat().st_size < SECRET_BYTES:
            whole = path.with_name(f".{path.name}.whole")
            whole.unlink(missing_ok=True)  # of a repair that was killed
            write_once(whole, secrets.token_bytes(SECRET_BYTES), 0o600)
            whole.replace(path)
        return path.read_bytes()


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
