"""Bring a backup back: everything is fetched and checked beside the data folder, and put in its place at the end."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from datetime import datetime
from glob import escape
from pathlib import Path
from threading import Event

import msgspec

from station.backup.making import BACKUPS, SENDERS, Stopped, object_path
from station.backup.manifest import DATA, LARGEST_BYTES, Manifest, StoredFile, Summary, read_manifest
from station.backup.model import BackupFault, Progress, made_at
from station.backup.targets import Target
from station.backup.vault import Namer, Opener

Tell = Callable[[Progress], None]


def list_backups(target: Target) -> list[tuple[str, Summary | None]]:
    """The names of whole backups, the newest last, each with what stands beside it in clear."""
    found = sorted(Path(name).stem for name in target.names(BACKUPS) if name.endswith(".age"))
    return [(name, _summary(target, name)) for name in found if made_at(name) is not None]


def _summary(target: Target, name: str) -> Summary | None:
    content = target.get(f"{BACKUPS}/{name}.json")
    with suppress(ValueError):
        return msgspec.json.decode(content or b"", type=Summary)
    return None


def fetch_manifest(target: Target, opener: Opener, name: str = "") -> Manifest:
    """The list of that backup, or of the newest. Raises BackupFault."""
    if not name:
        names = [each for each, _ in list_backups(target)]
        if not names:
            raise BackupFault(f"There is no backup in {target.shown}")
        name = names[-1]
    path = f"{BACKUPS}/{Path(name).name}.age"
    sealed = target.get(path)
    if sealed is None:
        raise BackupFault(f"There is no backup {name} in {target.shown}: see `station backup --list`")
    return read_manifest(opener.open(sealed, path, LARGEST_BYTES), path)


def fetch_files(
    target: Target,
    opener: Opener,
    manifest: Manifest,
    staging: Path,
    tell: Tell = lambda _progress: None,
    stop: Event | None = None,
) -> None:
    """Fetch every file into the empty folder, each checked against the list. Raises BackupFault, OSError, Stopped."""
    stop = stop or Event()
    room = shutil.disk_usage(staging).free
    if room < manifest.size:
        wanted = manifest.size / 2**30
        raise BackupFault(f"The backup needs {wanted:.1f} GiB of disk beside {staging}; {room / 2**30:.1f} are free")
    namer = Namer(manifest.recipients, bytes.fromhex(manifest.names_key))
    done = files = 0
    with ThreadPoolExecutor(SENDERS) as pool:
        try:
            waiting: set[Future[int]] = set()
            for file in manifest.files:
                if len(waiting) > 2 * SENDERS:
                    ended, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    for future in ended:
                        done, files = done + future.result(), files + 1
                    tell(Progress(done, manifest.size, files))
                waiting.add(pool.submit(_fetch, target, opener, namer, file, staging, stop))
            for future in waiting:
                done, files = done + future.result(), files + 1
                tell(Progress(done, manifest.size, files))
        finally:
            pool.shutdown(cancel_futures=True)


def _fetch(target: Target, opener: Opener, namer: Namer, file: StoredFile, staging: Path, stop: Event) -> int:
    path = staging / file.path
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    whole, size = hashlib.sha256(), 0
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, file.mode & 0o700 | 0o600), "wb") as writing:
        for name in file.parts:
            if stop.is_set():
                raise Stopped
            part = _fetch_part(target, opener, namer, name, file.path)
            whole.update(part)
            size += len(part)
            writing.write(part)
        writing.flush()
        os.fsync(writing.fileno())
    if size != file.size or whole.hexdigest() != file.sha256:
        raise BackupFault(f"{file.path} does not fit its checksum in the list: the backup was altered")
    os.utime(path, ns=(file.modified_ns, file.modified_ns))
    return size


def _fetch_part(target: Target, opener: Opener, namer: Namer, name: str, of_file: str) -> bytes:
    where = object_path(Path(name).name)
    sealed = target.get(where)
    if sealed is None:
        raise BackupFault(f"{where} is missing: {of_file} is in it. Take an older backup, or bring the object back")
    part = opener.open(sealed, f"{where} (of {of_file})")
    if namer.name_of(hashlib.sha256(part).digest()) != name:
        raise BackupFault(f"{where} (of {of_file}) holds something else: it was altered")
    return part


@contextmanager
def staging_folder(data: Path, stamp: str) -> Iterator[Path]:
    """An empty folder on the data folder's disk; gone afterwards, whatever happens."""
    beside = data.parent
    beside.mkdir(parents=True, exist_ok=True)
    own_disk = data.exists() and data.stat().st_dev != beside.stat().st_dev
    staging = (data if own_disk or not os.access(beside, os.W_OK) else beside) / f"{_staging_prefix(data)}{stamp}"
    staging.mkdir(mode=0o700)
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _staging_prefix(data: Path) -> str:
    return f".{data.name}.restoring-"


def left_over(data: Path) -> list[Path]:
    """Folders of restores that were killed: they hold the station's data in clear."""
    return sorted(path for place in (data.parent, data) for path in place.glob(f"{escape(_staging_prefix(data))}*"))


def is_empty(data: Path) -> bool:
    """Whether there is nothing yet; a folder made for a new disk (lost+found) counts as empty."""
    return not data.exists() or all(path.name == "lost+found" for path in data.iterdir())


def move_aside(data: Path, stamp: str) -> Path:
    """Keep what is in the data folder beside it, or within it where it is a disk of its own. Never deletes."""
    if data.stat().st_dev == data.parent.stat().st_dev and os.access(data.parent, os.W_OK):
        aside = data.with_name(f"{data.name}.before-{stamp}")
        data.rename(aside)
        return aside
    aside = data / f"before-{stamp}"
    aside.mkdir(mode=0o700)
    for path in sorted(data.iterdir()):
        if path != aside and not path.name.startswith(_staging_prefix(data)) and path.name != "lost+found":
            path.rename(aside / path.name)
    return aside


def take_back(staging: Path, data: Path, aside: Path | None) -> None:
    """Undo `put_in_place` as far as it came, and `move_aside` before it; what was fetched goes with the staging."""
    half = staging / "half"
    half.mkdir()
    kept = {"lost+found", staging.name, aside.name if aside else ""}
    for path in [path for path in data.iterdir() if path.name not in kept] if data.is_dir() else []:
        path.rename(half / path.name)
    if aside is None:
        return
    data.mkdir(mode=0o700, exist_ok=True)
    if aside.parent == data:
        for path in sorted(aside.iterdir()):
            path.rename(data / path.name)
        aside.rmdir()
    else:
        data.rmdir()
        aside.rename(data)


def put_in_place(staging: Path, data: Path, database: Path | None) -> None:
    """Rename what was fetched into the data folder; the file of an SQLite database last, as nothing starts without."""
    fetched = staging / DATA
    fetched.mkdir(exist_ok=True)
    data.mkdir(mode=0o700, exist_ok=True)
    for path in sorted(fetched.iterdir()):
        path.rename(data / path.name)
    if database is not None:
        source = staging / "database" / "station.db"
        database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            source.rename(database)
        except OSError:  # on another disk
            shutil.move(source, database)


def stamp_of(moment: datetime) -> str:
    """What names set aside by this restore end with, to the microsecond; fit for a schema too."""
    return f"{moment:%Y%m%dt%H%M%S%f}"
