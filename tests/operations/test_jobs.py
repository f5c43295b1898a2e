"""A failed job is found and begun anew, by a button and by a command."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import update
from typer.testing import CliRunner

from station.base import jobs
from station.base.station import Station
from station.cli import app
from station.ledger.service import verify_chain
from tests.fixtures import Person

NewPerson = Callable[..., Awaitable[Person]]
KEY = "compose:mt_x"


async def fail_a_job(station: Station) -> None:
    async with station.database.transaction() as work:
        await jobs.enqueue(work, "compose", KEY, {}, station.clock.now())
        failed = {"state": "failed", "attempts": 5, "error": "RuntimeError: <b>ffmpeg</b> is missing"}
        await work.execute(update(jobs.jobs).where(jobs.jobs.c.key == KEY).values(**failed))


@pytest.mark.parametrize("account", ["ac_demo_clerk", "ac_demo_admin"])
async def test_a_button_begins_a_failed_job_anew(station: Station, new_person: NewPerson, account: str) -> None:
    """The page shows it with its error and key; pressed twice, the second press is told that it is under way."""
    await fail_a_job(station)
    person = await new_person(account)
    page = await person.get("/desk/jobs")
    assert KEY in page and "&lt;b&gt;ffmpeg" in page
    assert "再做一次" not in await person.post("/desk/jobs/retry", key=KEY)
    assert "已经在重做了" in await person.post("/desk/jobs/retry", status=404, key=KEY)
    assert (await jobs.claim(station.database, ["compose"], station.clock.now())) is not None
    assert (await verify_chain(station.database)).ok


async def test_nobody_else_sees_or_begins_jobs(station: Station, new_person: NewPerson) -> None:
    """Citizens, deputies and units have no business with them."""
    await fail_a_job(station)
    for account in ("ac_demo_citizen", "ac_demo_deputy1", "ac_demo_unit"):
        person = await new_person(account)
        await person.get("/desk/jobs", status=403)
        await person.post("/desk/jobs/retry", status=403, key=KEY)


def test_a_command_begins_a_failed_job_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, migrated_sqlite: Path
) -> None:
    """`station job list` shows it, `station job retry` begins it once, and says so when there is none."""
    monkeypatch.setenv("STATION_DATA", str(tmp_path))
    file = tmp_path / "station.db"
    file.write_bytes((migrated_sqlite / "station.db").read_bytes())
    database = sqlite3.connect(file)
    database.execute(
        "INSERT INTO jobs (id, kind, key, arguments, state, progress, attempts, error, run_after, created_at) VALUES "
        "('jb_1', 'compose', ?, '{}', 'failed', 0, 5, 'no ffmpeg', '2026-10-12 02:00:00', '2026-10-12 02:00:00')",
        [KEY],
    )
    database.commit()
    listed = CliRunner().invoke(app, ["job", "list"])
    assert listed.exit_code == 0 and KEY in listed.output and "no ffmpeg" in listed.output
    assert CliRunner().invoke(app, ["job", "retry", KEY]).exit_code == 0
    assert database.execute("SELECT state, attempts FROM jobs").fetchone() == ("waiting", 0)
    database.close()
    again = CliRunner().invoke(app, ["job", "retry", KEY])
    assert again.exit_code == 1 and "station job list" in again.output
