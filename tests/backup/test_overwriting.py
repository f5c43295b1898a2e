"""A restore over what is there: refused while it is used, and undone when it fails or is broken off."""

from __future__ import annotations

import asyncio
import fcntl
import shutil
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import select

from station.app import close_station
from station.backup import commands, restoring, store
from station.backup.commands import back_up, restore
from station.backup.model import BackupFault
from station.backup.targets import FolderTarget
from station.base.settings import Settings
from tests.backup.towns import key_file, open_town
from tests.servers import wait_for


async def backed_up(folder: Path, **values: object) -> Settings:
    """The settings of the station in that folder, after a backup into `folder`/store."""
    station = open_town(folder, **values)
    try:
        await back_up(station, str(folder / "store"))
    finally:
        await close_station(station)
    return station.settings


@pytest.fixture
def made(tmp_path: Path, migrated_sqlite: Path) -> Settings:
    """A station with a backup of its own in `store`, and a file that came after it."""
    shutil.copytree(migrated_sqlite, tmp_path / "var")
    settings = asyncio.run(backed_up(tmp_path))
    (settings.data / "later.txt").write_text("later")
    return settings


def test_a_running_station_is_not_overwritten(made: Settings, tmp_path: Path) -> None:
    """As long as `station serve` holds its lock, its data stays where it is."""
    lock = made.data / "run" / "serve.pid"
    lock.parent.mkdir(exist_ok=True)
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(BackupFault, match=f"A station is running on {made.data}: stop it first"):
            asyncio.run(restore(made, str(tmp_path / "store"), key=key_file(tmp_path), overwrite=True))
    assert (made.data / "later.txt").exists()
    asyncio.run(restore(made, str(tmp_path / "store"), key=key_file(tmp_path), overwrite=True))
    assert not (made.data / "later.txt").exists()


def fail_at_the_end(patch: pytest.MonkeyPatch) -> None:
    """The disk is full when the last file is put in its place."""
    put = restoring.put_in_place

    def fail(staging: Path, data: Path, database: Path | None) -> None:
        put(staging, data, database)
        raise OSError(28, "No space left on device")

    patch.setattr(commands, "put_in_place", fail)


def test_files_are_put_back(made: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the last step fails, the folder is there as it was, and nothing beside it."""
    beside = sorted(path.name for path in [*tmp_path.iterdir(), key_file(tmp_path)])
    fail_at_the_end(monkeypatch)
    with pytest.raises(OSError, match="No space"):
        asyncio.run(restore(made, str(tmp_path / "store"), key=key_file(tmp_path), overwrite=True))
    assert (made.data / "later.txt").read_text() == "later"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(set(beside))


async def test_what_is_broken_off_leaves_nothing(
    made: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C while files are fetched: what was decrypted is gone; of a killed restore the next one speaks."""
    begun, go, get = Event(), Event(), FolderTarget.get

    def slow(target: FolderTarget, name: str) -> bytes | None:
        if name.startswith("objects/"):
            begun.set()
            go.wait()
        return get(target, name)

    monkeypatch.setattr(FolderTarget, "get", slow)
    killed = tmp_path / ".var.restoring-20261012t020000"
    killed.mkdir()
    restoring_it = asyncio.create_task(restore(made, str(tmp_path / "store"), key=key_file(tmp_path), overwrite=True))
    await wait_for(lambda: asyncio.sleep(0, begun.is_set()), "the first object")
    restoring_it.cancel()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await restoring_it
    assert list(tmp_path.glob(".var.restoring-*")) == [killed]
    assert (made.data / "later.txt").exists()
    assert f"{killed} is left of a restore" in capsys.readouterr().err


async def test_tables_that_were_set_aside_stay_out(
    postgres_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With PostgreSQL one restore follows another: a backup leaves out what the first set aside, and a restore that
    fails at its end puts the tables back.
    """
    (tmp_path / "var").mkdir()
    target, key = str(tmp_path / "store"), key_file(tmp_path)
    settings = await backed_up(tmp_path, database_url=postgres_database_url)
    await restore(settings, target, key=key, overwrite=True)
    await backed_up(tmp_path, database_url=postgres_database_url)
    _, proof = await restore(settings, target, key=key, overwrite=True)
    assert proof.ok
    made = await backups_of(tmp_path, postgres_database_url)
    fail_at_the_end(monkeypatch)
    with pytest.raises(OSError, match="No space"):
        await restore(settings, target, key=key, overwrite=True)
    assert await backups_of(tmp_path, postgres_database_url) == made


async def backups_of(folder: Path, url: str) -> list[tuple[object, ...]]:
    """The rows of its tables that tell one restore from another."""
    station = open_town(folder, database_url=url)
    try:
        async with station.database.read() as connection:
            return [tuple(row) for row in await connection.execute(select(store.backups).order_by(store.backups.c.id))]
    finally:
        await close_station(station)


async def test_a_target_within_the_data_folder_is_refused(tmp_path: Path, migrated_sqlite: Path) -> None:
    """It would be lost with what it keeps; so would one on a disk that is linked into it."""
    shutil.copytree(migrated_sqlite, tmp_path / "var")
    (tmp_path / "disk").mkdir()
    (tmp_path / "var" / "recordings").symlink_to(tmp_path / "disk")
    station = open_town(tmp_path)
    try:
        for target in (tmp_path / "var" / "store", tmp_path / "disk" / "store"):
            with pytest.raises(BackupFault, match=f"{target} lies in the data folder: name another disk"):
                await back_up(station, str(target))
            assert not target.exists()
    finally:
        await close_station(station)
