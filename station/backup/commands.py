"""What `station backup`, `backup --list` and `restore` do, and what they print."""

from __future__ import annotations

import asyncio
import fcntl
import importlib.metadata
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, nullcontext
from pathlib import Path
from threading import Event

from station.backup import store
from station.backup.database_copy import POSTGRESQL, kind_of, restore_tables, sqlite_path
from station.backup.keys import claim_target, names_key, opener_for, sealer_for
from station.backup.making import Beginning, make_backup
from station.backup.manifest import DATABASE, Manifest
from station.backup.model import BackupFault, Figures, Progress, made_at, spell_size
from station.backup.proving import Proof, prove
from station.backup.restoring import (
    fetch_files,
    fetch_manifest,
    is_empty,
    left_over,
    list_backups,
    move_aside,
    put_in_place,
    staging_folder,
    stamp_of,
    take_back,
)
from station.backup.service import begin_backup, fail_backup, finish_backup, note_restored
from station.backup.targets import open_target, refuse_within
from station.base.clock import SystemClock, local
from station.base.database import Database, newest_revision, stored_revision
from station.base.errors import StationError
from station.base.settings import Settings
from station.base.station import Station
from station.ledger.service import head_of

TELL_EACH_S = 1.0


async def back_up(station: Station, where: str) -> Figures:
    """One backup of a running station, noted in its database. Raises BackupFault."""
    settings = station.settings
    with _only_one(settings.data):
        backup = await begin_backup(station, where or settings.backup_target)
        try:
            figures = await _make(station, where or settings.backup_target)
        except (BackupFault, OSError, StationError) as error:
            await fail_backup(station, backup, str(error))
            raise BackupFault(str(error)) from error
        await finish_backup(station, backup, figures)
    return figures


async def _make(station: Station, where: str) -> Figures:
    settings, stop = station.settings, Event()

    async with station.database.read() as connection:
        revision = await stored_revision(connection) or ""
    seq, head = await head_of(station)
    release = importlib.metadata.version("deputy-liaison-station")
    beginning = Beginning(station.clock.now(), revision, seq, head, release)

    def work() -> Figures:
        target = open_target(settings, where)
        refuse_within(settings, target)
        claim_target(settings, target)
        sealer = sealer_for(settings, target)
        return make_backup(settings, target, sealer, names_key(settings), beginning, tell=Teller(), stop=stop)

    try:
        return await asyncio.to_thread(work)
    finally:
        stop.set()


@contextmanager
def _only_one(data: Path) -> Iterator[None]:
    """A lock on this station's backups, which goes with the process. Raises BackupFault."""
    path = data / "backup" / "lock"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BackupFault("Another backup of this station is running") from error
        yield


class Teller:
    """Prints how far it is to stderr: over the same line of a terminal, else a line now and then."""

    def __init__(self) -> None:
        self._again_at = 0.0
        self._every_s = TELL_EACH_S if sys.stderr.isatty() else 10 * TELL_EACH_S

    def __call__(self, progress: Progress) -> None:
        """What is done by now."""
        is_done = progress.done >= progress.size
        if time.monotonic() < self._again_at and not is_done:
            return
        self._again_at = time.monotonic() + self._every_s
        part = progress.done / progress.size if progress.size else 1.0
        line = f"{part:4.0%}  {spell_size(progress.done)} of {spell_size(progress.size)}, {progress.files} files"
        end = "\r" if sys.stderr.isatty() and not is_done else "\n"
        print(line, end=end, file=sys.stderr, flush=True)


def lines_of_list(settings: Settings, where: str) -> list[str]:
    """Whole backups, the newest last, one a line; needs no key. Raises BackupFault."""
    target = open_target(settings, where or settings.backup_target)
    lines = []
    for name, summary in list_backups(target):
        moment = made_at(name)
        assert moment is not None
        words = f"{local(moment):%Y-%m-%d %H:%M}  {name}"
        if summary is not None:
            words += f"  {summary.files} files, {spell_size(summary.size)}, {summary.database}, {summary.release}"
        lines.append(words)
    return lines or [f"There is no backup in {target.shown}"]


async def restore(
    settings: Settings, where: str, *, name: str = "", key: Path | None = None, overwrite: bool = False
) -> tuple[Manifest, Proof]:
    """A whole backup onto this machine; nothing is changed unless all of it is there. Raises BackupFault, OSError."""
    with _not_running(settings.data):
        return await _restore(settings, where, name, key, overwrite)


@contextmanager
def _not_running(data: Path) -> Iterator[None]:
    """The lock of `station serve`, where one has run, as long as its data is exchanged. Raises BackupFault."""
    path = data / "run" / "serve.pid"
    if not path.exists():
        yield
        return
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BackupFault(f"A station is running on {data}: stop it first") from error
        yield


async def _restore(
    settings: Settings, where: str, name: str, key: Path | None, overwrite: bool
) -> tuple[Manifest, Proof]:
    for folder in left_over(settings.data):
        _say(f"{folder} is left of a restore that was killed: it holds data in clear, delete it")
    target = open_target(settings, where or settings.backup_target)
    opener = await asyncio.to_thread(opener_for, settings, target, key)
    manifest = await asyncio.to_thread(fetch_manifest, target, opener, name)
    stamp = stamp_of(SystemClock().now())
    await _check_places(settings, manifest, overwrite)
    with staging_folder(settings.data, stamp) as staging:
        stop = Event()
        await _to_its_end(lambda: fetch_files(target, opener, manifest, staging, Teller(), stop), stop)
        tables, is_postgresql = staging / DATABASE / "tables", manifest.database == POSTGRESQL
        async with _postgresql_filled(settings, tables, stamp) if is_postgresql else nullcontext():
            _place(settings, staging, stamp, manifest.database)  # renames; not to be interrupted by a cancellation
    return manifest, await _prove(settings, manifest)


async def _to_its_end(work: Callable[[], None], stop: Event | None = None) -> None:
    """In a thread, which has ended when this returns: whoever cancels this tidies up behind it."""
    running = asyncio.get_running_loop().run_in_executor(None, work)
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        if stop is not None:
            stop.set()
        await asyncio.wait([running])
        running.exception()  # looked at: what was given up may fail
        raise


async def _check_places(settings: Settings, manifest: Manifest, overwrite: bool) -> None:
    """Whether the backup fits this station's settings, and nothing is in its way."""
    if kind_of(settings) != manifest.database:
        wanted = "is empty" if manifest.database != POSTGRESQL else "names an empty PostgreSQL database"
        raise BackupFault(f"This backup holds a {manifest.database} database: see that STATION_DATABASE_URL {wanted}")
    if manifest.revision > newest_revision():
        raise BackupFault(
            f"This backup is of release {manifest.release}, newer than this program: restore it with that"
        )
    if overwrite:
        return
    if not is_empty(settings.data):
        raise BackupFault(f"{settings.data} is not empty. With --overwrite what is in it is moved aside, not deleted")
    if manifest.database != POSTGRESQL:
        if sqlite_path(settings).exists():
            raise BackupFault(f"{sqlite_path(settings)} is there. With --overwrite it is moved aside, not deleted")
        return
    database = Database(settings.resolved_database_url)
    try:
        async with database.read() as connection:
            if await store.holds_rows(connection, await store.tables_of(connection)):
                raise BackupFault("The database has rows. With --overwrite its tables are moved aside, not deleted")
    finally:
        await database.close()


@asynccontextmanager
async def _postgresql_filled(settings: Settings, tables: Path, stamp: str) -> AsyncIterator[None]:
    """With the backup's tables; those that were there are back if it, or what is done within, fails."""
    database = Database(settings.resolved_database_url)
    try:
        async with database.read() as connection:
            there = await store.tables_of(connection)
        aside = ""
        if there:
            async with database.transaction() as work:
                aside = await store.set_aside(work, stamp)
            _say(f"The tables that were there are in the schema {aside} now")
        try:
            await _to_its_end(lambda: restore_tables(settings, tables))
            yield
        except BaseException:  # a cancellation too
            if aside:
                _say("The tables that were there are put back")
                async with database.transaction() as work:
                    await store.put_back(work, aside)
            raise
    finally:
        await database.close()


def _place(settings: Settings, staging: Path, stamp: str, database: str) -> None:
    """What was fetched to where it belongs; what was there is back if that fails."""
    data, aside = settings.data, None
    with ExitStack() as undo:
        if not is_empty(data):
            aside = move_aside(data, stamp)
            _say(f"What was in {data} is in {aside} now")
        undo.callback(take_back, staging, data, aside)
        target = None if database == POSTGRESQL else sqlite_path(settings)
        if target is not None:
            for path in (target, *(target.with_name(f"{target.name}-{end}") for end in ("wal", "shm"))):
                if path.exists():  # outside of the data folder
                    undo.callback(path.with_name(f"{path.name}.before-{stamp}").rename, path)
                    path.rename(path.with_name(f"{path.name}.before-{stamp}"))
        put_in_place(staging, data, target)
        undo.pop_all()


async def _prove(settings: Settings, manifest: Manifest) -> Proof:
    from station.app import close_station, open_station  # noqa: PLC0415  pages ask this package too

    station = open_station(settings)
    try:
        proof = await prove(station, manifest)
        if manifest.revision == newest_revision():
            await note_restored(station, manifest.id)
    finally:
        await close_station(station)
    return proof


def lines_of_restore(settings: Settings, manifest: Manifest, proof: Proof) -> list[str]:
    """What is there now, in sentences."""
    made = f"{local(manifest.made_at):%Y-%m-%d %H:%M}"
    files = f"{len(manifest.files)} files, {spell_size(manifest.size)}"
    lines = [f"Restored the backup of {made} into {settings.data}: {files}; start it with `station serve`"]
    if proof.ledger.ok:
        lines.append(f"The ledger is whole: {proof.ledger.events} events, head {proof.ledger.head}")
    else:
        what = "is cut" if proof.ledger.cut else "is broken"
        said = f", {proof.ledger.witness} has another" if proof.ledger.witness else ""
        lines.append(f"The ledger {what}: event {proof.ledger.broken_at}{said}")
    if proof.later:
        known = settings.ledger_heads
        lines.append(f"{known} knows events up to {proof.later}: what came after this backup is not in it")
    if manifest.gone:
        lines.append(f"{len(manifest.gone)} files were deleted while they were copied: {', '.join(manifest.gone[:5])}")
    lines.append(f"{proof.bags} sealed recordings checked, {len(proof.faults)} faults")
    return [*lines, *proof.faults[:50]]


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
