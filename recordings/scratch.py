"""Folders to build something in before it gets its name."""

from __future__ import annotations

import fcntl
import glob
import os
import secrets
import shutil
from pathlib import Path


class ScratchFolder:
    """An empty folder of our own in `parent`, made together with it, on the way to `name`. Raises OSError.

    What others left of the same name goes, unless they still work there: a worker whose lease ran out may be at it
    beside us. So each holds a flock(2) on its folder, which goes with the process.
    """

    def __init__(self, parent: Path, name: str) -> None:
        parent.mkdir(parents=True, exist_ok=True)
        for left in parent.glob(f".{glob.escape(name)}.*part"):
            _remove_unless_held(left)
        self.path = parent / f".{name}.{secrets.token_hex(4)}.part"
        self.path.mkdir()
        self._descriptor = _hold(self.path)

    def remove(self) -> None:
        """Remove it, unless it has got its name meanwhile; may be called twice."""
        if self._descriptor >= 0:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._descriptor)
            self._descriptor = -1


def _hold(folder: Path) -> int:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _remove_unless_held(folder: Path) -> None:
    try:
        descriptor = _hold(folder)
    except OSError:
        return
    shutil.rmtree(folder, ignore_errors=True)
    os.close(descriptor)
