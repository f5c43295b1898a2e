"""Make one backup: what must not be newer than the database first, then the database, then the files, then the list.

The database knows of no file that is not written before its row; so files copied after it may be more than it knows,
never fewer, but for those that the station deletes meanwhile. The ledger's heads are noted after their events, so they
are copied as long as they were before the database: later ones would look like a cut.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import BoundedSemaphore, Event

import msgspec

from station.backup.contents import find_files, sealed_bags
from station.backup.database_copy import copy_database, kind_of
from station.backup.manifest import DATA, DATABASE, FORMAT, Manifest, StoredFile, Summary, write_manifest
from station.backup.model import PART_BYTES, BackupFault, Figures, Progress, backup_id
from station.backup.targets import Target
from station.backup.vault import Sealer
from station.base.settings import Settings

SENDERS = 6  # at once: a store's answers are waited for, and each holds a part or two in memory
OBJECTS, BACKUPS = "objects", "backups"
HEADS = "ledger/heads.jsonl"
Tell = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Beginning:
    """What the database says just before it is copied."""

    at: datetime
    revision: str
    ledger_seq: int
    ledger_hash: str
    release: str


class Stopped(Exception):
    """Who asked for the backup has given up."""


def object_path(name: str) -> str:
    """Where an object is kept: in one of 256 folders, so that none gets too long to be listed."""
    return f"{OBJECTS}/{name[:2]}/{name}"


def manifest_path(identifier: str) -> str:
    """Where the list of a backup is kept."""
    return f"{BACKUPS}/{identifier}.age"


def make_backup(
    settings: Settings,
    target: Target,
    sealer: Sealer,
    names_key: bytes,
    beginning: Beginning,
    *,
    tell: Tell = lambda _progress: None,
    stop: Event | None = None,
) -> Figures:
    """Copy everything that is not at the target yet, then its list. Raises BackupFault, OSError, Stopped."""
    identifier = backup_id(beginning.at, secrets.token_hex(4))
    bags = sealed_bags(settings.data)
    heads_size = settings.ledger_heads.stat().st_size if settings.ledger_heads.exists() else 0
    with _work_folder(settings.data) as scratch, _Sending(target, sealer, stop or Event()) as sending:
        copied = copy_database(settings, scratch)
        listed = [(f"{DATABASE}/{path.relative_to(scratch)}", path, path.stat().st_size) for path in copied]
        if heads_size:
            listed.append((f"{DATA}/{HEADS}", settings.ledger_heads, heads_size))
        listed += [(f"{DATA}/{found.name}", found.path, found.size) for found in find_files(settings.data, bags)]
        files, gone = _send_all(sending, listed, tell)
        sending.finish()
    manifest = Manifest(
        format=FORMAT,
        id=identifier,
        made_at=beginning.at,
        release=beginning.release,
        database=kind_of(settings),
        revision=beginning.revision,
        names_key=names_key.hex(),
        recipients=sealer.recipients,
        ledger_seq=beginning.ledger_seq,
        ledger_hash=beginning.ledger_hash,
        files=tuple(files),
        gone=tuple(gone),
    )
    _write_list(target, sealer, manifest)
    return Figures(
        identifier, len(files), manifest.size, objects=sending.objects, sent=sending.sent, gone=manifest.gone
    )


def _send_all(sending: _Sending, listed: list[tuple[str, Path, int]], tell: Tell) -> tuple[list[StoredFile], list[str]]:
    files: list[StoredFile] = []
    gone: list[str] = []
    size, done = sum(each[2] for each in listed), 0
    for name, path, length in listed:
        try:
            # A database copied by us ends where it ends; a file that somebody appends to is as long as it was listed.
            files.append(sending.send(name, path, length))
        except FileNotFoundError:
            gone.append(name)
        done += length
        tell(Progress(done, size, len(files)))
    return files, gone


def _write_list(target: Target, sealer: Sealer, manifest: Manifest) -> None:
    """First what stands beside it: the sealed list is what makes it a backup."""
    target.settle()
    summary = Summary(
        id=manifest.id,
        files=len(manifest.files),
        size=manifest.size,
        database=manifest.database,
        release=manifest.release,
    )
    target.put_new(f"{BACKUPS}/{manifest.id}.json", msgspec.json.encode(summary))
    target.put_new(f"{BACKUPS}/{manifest.id}.names", "\n".join(sorted(manifest.names)).encode())
    target.settle()
    if not target.put_new(manifest_path(manifest.id), sealer.seal(write_manifest(manifest))):
        raise BackupFault(f"{manifest_path(manifest.id)} is there already")  # two of one second and one salt
    target.settle()


@contextmanager
def _work_folder(data: Path) -> Iterator[Path]:
    """For the copy of the database; what a killed backup left goes first. The caller holds the lock."""
    folder = data / "backup" / "work"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Sending:
    """Reads one file after another, and has what is new encrypted and sent beside it."""

    def __init__(self, target: Target, sealer: Sealer, stop: Event) -> None:
        self._target = target
        self._sealer = sealer
        self._stop = stop
        self._known = {path.rpartition("/")[2] for path in target.names(OBJECTS)}
        self._pool = ThreadPoolExecutor(SENDERS)
        self._room = BoundedSemaphore(SENDERS + 2)  # parts in memory
        self._sent: list[Future[int]] = []
        self.objects = self.sent = 0

    def __enter__(self) -> _Sending:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def send(self, name: str, path: Path, length: int) -> StoredFile:
        """Up to `length` bytes of the file. Raises FileNotFoundError, BackupFault, Stopped."""
        whole, parts, size = hashlib.sha256(), list[str](), 0
        with path.open("rb") as file:
            found = path.stat()
            while part := file.read(min(PART_BYTES, length - size)):
                whole.update(part)
                size += len(part)
                parts.append(self._send_part(part))
        return StoredFile(
            path=name,
            size=size,
            mode=found.st_mode & 0o700,
            modified_ns=found.st_mtime_ns,
            sha256=whole.hexdigest(),
            parts=tuple(parts),
        )

    def _send_part(self, part: bytes) -> str:
        if self._stop.is_set():
            raise Stopped
        name = self._sealer.name_of(hashlib.sha256(part).digest())
        if name not in self._known:
            self._known.add(name)
            self._collect(future for future in self._sent if future.done())
            self._room.acquire()
            self._sent.append(self._pool.submit(self._put, name, part))
        return name

    def _put(self, name: str, part: bytes) -> int:
        try:
            sealed = self._sealer.seal(part)
            self._target.put_new(object_path(name), sealed)
            return len(sealed)
        finally:
            self._room.release()

    def finish(self) -> None:
        """Return once all of it is there. Raises BackupFault."""
        self._collect(self._sent)

    def _collect(self, futures: Iterable[Future[int]]) -> None:
        ended = list(futures)
        for future in ended:
            self.sent += future.result()
            self.objects += 1
        self._sent = [future for future in self._sent if future not in set(ended)]
