"""Jobs end in done, waiting or failed, whatever happens to their worker, and a failed one can be begun anew."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import update

from station.base import jobs
from station.base.database import Database
from tests.fixtures import MONDAY_TEN

LATER = jobs.LEASE + timedelta(seconds=1)


async def enqueue(database: Database, key: str = "compose:mt_x") -> None:
    async with database.transaction() as work:
        await jobs.enqueue(work, "compose", key, {"meeting": "mt_x"}, MONDAY_TEN)


async def state_of(database: Database, key: str = "compose:mt_x") -> jobs.Job:
    async with database.read() as connection:
        found = await jobs.find_job(connection, key)
    assert found is not None
    return found


async def test_a_job_that_kills_its_worker_is_not_begun_for_ever(database_url: str) -> None:
    """Taken as often as the limit allows and never ended, it stays failed and says why."""
    database, now = Database(database_url), MONDAY_TEN
    await enqueue(database)
    taken = 0
    for _ in range(jobs.MAX_ATTEMPTS + 3):
        taken += await jobs.claim(database, ["compose"], now) is not None
        now += LATER
    assert taken == jobs.MAX_ATTEMPTS
    ended = await state_of(database)
    assert (ended.state, ended.error) == ("failed", jobs.WORKER_DIED)
    await database.close()


async def test_a_failed_job_can_be_begun_anew(database_url: str) -> None:
    """After its last attempt only a person begins it again, and then it has all its attempts; the key is needed."""
    database, now = Database(database_url), MONDAY_TEN
    await enqueue(database)
    for _ in range(jobs.MAX_ATTEMPTS):
        job = await jobs.claim(database, ["compose"], now)
        assert job is not None
        await jobs.fail(database, job, "ffmpeg is missing", now)
        now += timedelta(hours=1)
    assert (await state_of(database)).state == "failed"
    assert await jobs.claim(database, ["compose"], now) is None
    async with database.transaction() as work:
        assert not await jobs.retry(work, "compose:mt_other", now)
        assert await jobs.retry(work, "compose:mt_x", now)
        assert not await jobs.retry(work, "compose:mt_x", now)
    job = await jobs.claim(database, ["compose"], now)
    assert job is not None and job.attempts == 0
    await jobs.finish(database, job, now)
    assert (await state_of(database)).state == "done"
    await database.close()


async def test_a_job_given_back_waits_and_loses_no_attempt(database_url: str) -> None:
    """A worker that is told to end costs the job nothing: restarts of the station are no failures."""
    database = Database(database_url)
    await enqueue(database)
    for _ in range(jobs.MAX_ATTEMPTS + 2):
        job = await jobs.claim(database, ["compose"], MONDAY_TEN)
        assert job is not None
        await jobs.give_back(database, job, MONDAY_TEN)
    assert (await state_of(database)).state == "waiting"
    await database.close()


async def test_the_list_begins_with_what_failed(sqlite_database_url: str) -> None:
    """What is done is not in it; failed jobs stand before waiting ones."""
    database = Database(sqlite_database_url)
    for key in ("a", "b", "c"):
        await enqueue(database, key)
    done = await jobs.claim(database, ["compose"], MONDAY_TEN)
    assert done is not None and done.key == "a"
    await jobs.finish(database, done, MONDAY_TEN)
    async with database.transaction() as work:
        await work.execute(update(jobs.jobs).where(jobs.jobs.c.key == "b").values(attempts=jobs.MAX_ATTEMPTS - 1))
    gone = await jobs.claim(database, ["compose"], MONDAY_TEN)
    assert gone is not None and gone.key == "b"
    await jobs.fail(database, gone, "x", MONDAY_TEN)
    assert [(s.job.key, s.job.state) for s in await jobs.list_unfinished(database)] == [
        ("b", "failed"),
        ("c", "waiting"),
    ]
    await database.close()


async def test_a_worker_that_comes_back_late_ends_nobody_elses_attempt(database_url: str) -> None:
    """Its lease ran out and another worker has the job: what the first says of it, whatever it is, changes nothing."""
    database, now = Database(database_url), MONDAY_TEN
    await enqueue(database)
    late = await jobs.claim(database, ["compose"], now)
    now += LATER
    other = await jobs.claim(database, ["compose"], now)
    assert late is not None and other is not None
    await jobs.report_progress(database, late, 0.9, now)
    await jobs.finish(database, late, now)
    await jobs.fail(database, late, "the disk is full", now)
    await jobs.give_back(database, late, now)
    found = await state_of(database)
    assert (found.state, found.progress, found.error, found.attempts) == ("running", 0.0, "", 2)
    await jobs.report_progress(database, other, 0.5, now)
    await jobs.finish(database, other, now)
    assert (await state_of(database)).state == "done"
    await database.close()
