"""A failed job is found and begun anew, by a button and by a command."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import insert, update
from typer.testing import CliRunner

from station.base import jobs
from station.base.station import Station
from station.cli import app
from station.demo.directory import seed_directory
from station.ledger.verify import verify_chain
from station.meeting.store import meetings
from station.people.store import accounts
from tests.fixtures import MONDAY_TEN, Person, seed
from tests.servers import pick_port

NewPerson = Callable[..., Awaitable[Person]]
KEY = "compose:mt_x"


async def fail_a_job(station: Station, error: str = "RuntimeError: <b>ffmpeg</b> is missing") -> None:
    """A meeting of 林秀兰, at 桂花街道, that could not be made into a video."""
    row = {
        "id": "mt_x", "kind": "hearing", "state": "ended", "title": "电梯", "deputy_id": "dp_demo_linxiulan",
        "deputy_name": "林秀兰", "citizen": "", "citizen_name": "", "starts_at": MONDAY_TEN, "ends_at": MONDAY_TEN,
        "public": True, "published": False, "created_at": MONDAY_TEN,
    }  # fmt: skip
    await seed(station, seed_directory)
    async with station.database.transaction() as work:
        await work.execute(insert(meetings).values(row))
        await jobs.enqueue(work, "compose", KEY, {"meeting": "mt_x"}, station.clock.now())
        await jobs.enqueue(work, "no-meeting", "no-meeting:1", {}, station.clock.now())
        failed = {"state": "failed", "attempts": 5, "error": error}
        await work.execute(update(jobs.jobs).where(jobs.jobs.c.key == KEY).values(**failed))


@pytest.mark.parametrize("account", ["ac_demo_clerk", "ac_demo_admin"])
async def test_a_button_begins_a_failed_job_anew(station: Station, new_person: NewPerson, account: str) -> None:
    """The page shows what it is for and its key; pressed twice, the second press is told that it is under way."""
    await fail_a_job(station)
    person = await new_person(account)
    page = await person.get("/desk/jobs")
    assert KEY in page and "林秀兰代表" in page and "日志里有详细的原因" in page
    assert "ffmpeg" not in page and "RuntimeError" not in page
    begun = await person.post("/desk/jobs/retry", key=KEY)
    assert "排着队" in begun
    assert not any(words in begun for words in ("再做一次", "日志里有详细的原因"))
    assert "已经在重做了" in await person.post("/desk/jobs/retry", status=404, key=KEY)
    assert (await jobs.claim(station.database, ["compose"], station.clock.now())) is not None
    assert (await verify_chain(station.database)).ok


@pytest.mark.parametrize(
    ("scope", "sees"),
    [("st_demo_guihua", True), ("st_demo_main", True), ("", True), ("st_demo_wangjiang", False)],
)
async def test_a_clerk_minds_the_jobs_of_the_own_station(
    station: Station, new_person: NewPerson, scope: str, sees: bool
) -> None:
    """The clerk of another station neither sees the job nor begins it anew; what is nobody's is the district's."""
    await fail_a_job(station)
    async with station.database.transaction() as work:
        await work.execute(update(accounts).where(accounts.c.id == "ac_demo_clerk").values(scope=scope))
    clerk = await new_person("ac_demo_clerk")
    page = await clerk.get("/desk/jobs")
    assert (KEY in page) is sees
    assert ("no-meeting:1" in page) is (scope == "")
    await clerk.post("/desk/jobs/retry", status=200 if sees else 404, key=KEY)
    async with station.database.read() as connection:
        job = await jobs.find_job(connection, KEY)
    assert job is not None and job.state == ("waiting" if sees else "failed")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("StorageFull: /srv/var is full", "硬盘满了"),
        ("OSError: [Errno 28] No space left on device: '/srv/x'", "硬盘满了"),
        (jobs.WORKER_DIED, "内存不够"),
        ("DatabaseAway: x", "资料库没有回应"),
        ("ClientConnectorError: Connection refused", "一项服务没有回应"),
        ("TimeoutError: ", "一项服务没有回应"),
        ("FileNotFoundError: /srv/recordings/mt_x/1-camera.mkv", "文件找不到了"),
        ("KeyError: 'secret-word'", "日志里有详细的原因"),
    ],
)
async def test_why_a_job_failed_is_told_in_plain_words(
    station: Station, new_person: NewPerson, error: str, told: str
) -> None:
    """The page says what happened and what to do; paths, class names and values stay in the log."""
    await fail_a_job(station, error)
    page = await (await new_person("ac_demo_admin")).get("/desk/jobs")
    assert told in page
    for raw in ("Error", "/srv", "secret-word", "worker"):
        assert raw not in page


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


@pytest.mark.parametrize("command", [["job", "list"], ["ledger", "verify"], ["ledger", "clear-words", "case:cs_1"]])
def test_a_command_says_that_the_database_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    """One sentence that leads on, and no traceback: above all, nothing that could pass for a broken ledger."""
    monkeypatch.setenv("STATION_DATA", str(tmp_path))
    monkeypatch.setenv("STATION_DATABASE_URL", f"postgresql://station@127.0.0.1:{pick_port()}/station")
    told = CliRunner().invoke(app, command)
    assert told.exit_code == 1 and isinstance(told.exception, SystemExit)
    assert "The database does not answer: see `station doctor`" in told.output
