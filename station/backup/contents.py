"""Which files of the data folder a backup holds: everything but what is copied in another way or made again."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from station.backup.model import BackupFault

# Marks of running processes, half-made work, the demo's SMS in clear, a backup's own notes: of no use elsewhere.
LEFT_OUT = ("run", "scratch", "outbox", "backup")
# Copied by the database's own means; the proof is made anew by a whole `ledger verify`.
COPIED_APART = re.compile(r"station\.db(-wal|-shm|-journal)?|ledger/(proved\.json|heads\.jsonl)")
# Parts of a broadcast repeat what its segments hold; a video that is being composed is composed again.
HALF_MADE = re.compile(r"live/[^/]+/s\d+\.p\d+\.mp4|composed/.*\.part\.mp4")
HOLDER = ".holder"  # the one hidden file that means something: whose recording goes on (recordings/hold.py)


@dataclass(frozen=True, slots=True)
class Found:
    """A file as it was when it was listed. `name` is its path below the data folder."""

    path: Path
    name: str
    size: int


def sealed_bags(data: Path) -> frozenset[str]:
    """Bags that are there now. Asked before the database is copied: a bag sealed after that holds events which the
    copy does not have, and would look like a cut ledger; what it is made of is in the copy, and it is sealed again.
    """
    return frozenset(path.name for path in (data / "bags").glob("[!.]*"))


def find_files(data: Path, bags: frozenset[str]) -> Iterator[Found]:
    """Every file to be copied, in the order of their names; of a link what it points to.

    Raises BackupFault for a link to nothing, and for a linked folder below the top, which might lead in a circle.
    """
    tops = sorted(path for path in data.iterdir() if path.name not in LEFT_OUT) if data.is_dir() else []
    for top in tops:
        paths = _walk(top) if top.is_dir() else iter([top])
        for path in paths:
            name = path.relative_to(data).as_posix()
            if _is_wanted(name, bags):
                try:
                    found = path.stat()
                except OSError as error:
                    if path.is_symlink():
                        raise BackupFault(f"{path} is a link to nothing: mount its disk, or remove it") from error
                    continue  # gone since it was listed
                if stat.S_ISREG(found.st_mode):
                    yield Found(path, name, found.st_size)


def _walk(top: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(top):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        for path in (Path(folder) / each for each in folders):
            if path.is_symlink():
                raise BackupFault(f"{path} is a link to a folder: mount it there, or link the whole of {top} instead")
        yield from (Path(folder) / file for file in sorted(files))


def _is_wanted(name: str, bags: frozenset[str]) -> bool:
    first, *rest = name.split("/")
    if name.rpartition("/")[2].startswith(".") and not name.endswith(f"/{HOLDER}"):
        return False
    if first == "bags" and (not rest or rest[0] not in bags):
        return False
    return COPIED_APART.fullmatch(name) is None and HALF_MADE.fullmatch(name) is None
