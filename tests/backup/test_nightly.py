"""The work role backs up each night, and administrators hear of it when that fails."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, time
from pathlib import Path

import pytest

from station.backup.model import BackupState, is_due
from station.backup.nightly import back_up_nightly
from station.backup.service import begin_backup, fail_backup, last_backups
from station.base.principal import Principal, Role
from station.base.station import Station
from station.notices.service import my_notices
from station.people.service import accounts_with
from tests.backup.towns import RECIPIENT
from tests.fixtures import Person

NewPerson = Callable[..., Awaitable[Person]]


@pytest.mark.parametrize(
    ("last", "due"),
    [
        (None, True),
        (datetime(2026, 10, 10, 18, 31, tzinfo=UTC), True),  # the night before last
        (datetime(2026, 10, 11, 18, 29, tzinfo=UTC), True),  # a minute before this night's
        (datetime(2026, 10, 11, 18, 30, tzinfo=UTC), False),
    ],
)
def test_once_a_night(last: datetime | None, due: bool) -> None:
    """It is due from 2:30 in Shanghai until one has begun, whatever became of that."""
    assert is_due(datetime(2026, 10, 12, 2, 0, tzinfo=UTC), time(2, 30), last) is due


async def test_it_runs_once_where_a_target_is_set(
    station: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The work role's turn makes a whole backup, by a process of its own; the next turn makes none."""
    await back_up_nightly(station)
    assert await last_backups(station.database) == (None, None)
    monkeypatch.setenv("STATION_BACKUP_RECIPIENT", RECIPIENT)
    settings = station.settings.model_copy(update={"backup_target": str(tmp_path / "store")})
    object.__setattr__(station, "settings", settings)
    await back_up_nightly(station)
    begun, done = await last_backups(station.database)
    assert begun == done
    assert done is not None
    assert len(list((tmp_path / "store" / "backups").glob("*.age"))) == 1


async def test_administrators_are_told_that_it_failed(station: Station, new_person: NewPerson) -> None:
    """In the station, in a sentence that says what to do; the reason stays with whoever looks after the server."""
    backup = await begin_backup(station, "/mnt/backup")
    await fail_backup(station, backup, "the disk is gone")
    begun, _ = await last_backups(station.database)
    assert begun is not None
    assert begun.state is BackupState.FAILED
    (admin, *_) = await accounts_with(station, Role.ADMIN)
    notices, _ = await my_notices(station, Principal(admin.id, Role.ADMIN, admin.name))
    assert "备份没有做成" in notices[0].text
    assert "station doctor" in notices[0].text
    page = await (await new_person("ac_demo_admin")).get("/admin")
    assert "还没有备份" in page
    assert "后来的一次没有做成" in page
