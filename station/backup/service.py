"""What the database remembers of backups: begun, done, failed; for pages, the doctor and the nightly one."""

from __future__ import annotations

from datetime import timedelta

from station.backup import store
from station.backup.model import Backup, BackupState, Figures
from station.base.database import Database
from station.base.ids import new_id
from station.base.principal import SYSTEM, Role
from station.base.station import Station
from station.ledger.service import append
from station.notices.kinds import BACKUP_FAILED
from station.notices.model import Outgoing
from station.notices.service import queue_all
from station.people.service import accounts_with

REMEMBERED = timedelta(days=400)


async def begin_backup(station: Station, target: str) -> Backup:
    """Note that one has begun. Rows older than a year go."""
    now = station.clock.now()
    backup = Backup(
        id=new_id("bu"),
        target=target[:400],
        state=BackupState.RUNNING,
        started_at=now,
        ended_at=None,
        files=0,
        size=0,
        sent=0,
        error="",
    )
    async with station.database.transaction() as work:
        await store.delete_before(work, now - REMEMBERED)
        await store.add(work, backup)
        await append(station, work, SYSTEM, "backup.begun", f"backup:{backup.id}")
    return backup


async def finish_backup(station: Station, backup: Backup, figures: Figures) -> None:
    """Note that it is whole."""
    values = {"files": figures.files, "size": figures.size, "sent": figures.sent}
    async with station.database.transaction() as work:
        now = station.clock.now()
        await store.change(work, backup.id, state=BackupState.DONE, ended_at=now, **values)
        data = {"name": figures.id, **values, "gone": len(figures.gone)}
        await append(station, work, SYSTEM, "backup.done", f"backup:{backup.id}", data)


async def fail_backup(station: Station, backup: Backup, error: str) -> None:
    """Note that there is none, and why; administrators are told."""
    administrators = await accounts_with(station, Role.ADMIN)
    told = [
        Outgoing("app", account.id, BACKUP_FAILED, {"when": backup.started_at}, f"backup:{backup.id}")
        for account in administrators
    ]
    async with station.database.transaction() as work:
        values = {"state": BackupState.FAILED, "ended_at": station.clock.now(), "error": error[:1000]}
        await store.change(work, backup.id, **values)
        await append(station, work, SYSTEM, "backup.failed", f"backup:{backup.id}")
        await queue_all(station, work, told)


async def note_restored(station: Station, name: str) -> None:
    """Begin the restored station's own history: what happened after the backup is in another ledger, or nowhere."""
    async with station.database.transaction() as work:
        for backup in await store.newest(work.connection, 1, BackupState.RUNNING):
            # The copy was made while its own row said so.
            await store.change(work, backup.id, state=BackupState.DONE, ended_at=backup.started_at)
        await append(station, work, SYSTEM, "backup.restored", f"backup:{name}")


async def last_backups(database: Database) -> tuple[Backup | None, Backup | None]:
    """The last one that began, and the last that was done."""
    async with database.read() as connection:
        begun = await store.newest(connection, 1)
        done = await store.newest(connection, 1, BackupState.DONE)
    return (begun[0] if begun else None, done[0] if done else None)
