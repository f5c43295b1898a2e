"""The list of what a backup holds. It is written last: without it there is no backup."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import PurePosixPath

import msgspec

from station.backup.model import PART_BYTES, BackupFault

FORMAT = 1
LARGEST_BYTES = 2**30  # of a manifest: some millions of files
DATA, DATABASE = "data", "database"  # where a file goes back to: the data folder, or the database's own place


class StoredFile(msgspec.Struct, frozen=True):
    """A file and the objects that its content is in, each PART_BYTES of it but for the last."""

    path: str
    size: int
    mode: int
    modified_ns: int
    sha256: str
    parts: tuple[str, ...]


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """`database` is sqlite or postgresql, `revision` its tables' (base/migrations). The ledger's head is the newest
    event at the beginning: the database in here has it. `gone` are files that were deleted while they were copied.
    """

    format: int
    id: str
    made_at: datetime
    release: str
    database: str
    revision: str
    names_key: str
    recipients: tuple[str, ...]
    ledger_seq: int
    ledger_hash: str
    files: tuple[StoredFile, ...]
    gone: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    @property
    def names(self) -> set[str]:
        """Every object that is needed to restore it."""
        return {name for file in self.files for name in file.parts}


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What stands beside the manifest in clear, so that a list needs no key."""

    id: str
    files: int
    size: int
    database: str
    release: str


def write_manifest(manifest: Manifest) -> bytes:
    """As JSON."""
    return msgspec.json.encode(manifest)


def read_manifest(content: bytes, name: str) -> Manifest:
    """Checked, for whoever can write to the store can also write a manifest. Raises BackupFault."""
    try:
        if json.loads(content).get("format") != FORMAT:
            raise BackupFault(f"{name} was made by a newer release of the station: restore it with that one")
        manifest = msgspec.json.decode(content, type=Manifest)
        bytes.fromhex(manifest.names_key)
    except (ValueError, AttributeError, RecursionError) as error:
        raise BackupFault(f"{name} is no list of a backup") from error
    for file in manifest.files:
        _check(file, name)
    if len({file.path for file in manifest.files}) != len(manifest.files):
        raise BackupFault(f"{name} names a file twice")
    return manifest


def _check(file: StoredFile, name: str) -> None:
    path = PurePosixPath(file.path)
    inside = path.parts[:1] in ((DATA,), (DATABASE,)) and len(path.parts) > 1
    if not inside or ".." in path.parts or str(path) != file.path or "\0" in file.path:
        raise BackupFault(f"{name} names a file outside of the data folder: {file.path[:200]!r}")
    if abs(file.modified_ns) >= 2**63:
        raise BackupFault(f"{name} does not fit: {file.path[:200]} is of no time that there is")
    if file.size < 0 or len(file.parts) != -(-file.size // PART_BYTES):
        raise BackupFault(f"{name} does not fit: {file.path[:200]} has {len(file.parts)} parts for {file.size} bytes")
