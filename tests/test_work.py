"""The work role goes on: a database that is away for a moment ends neither it nor what it is doing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs

from station import work
from station.base import jobs
from station.base.database import Database, Transaction
from station.base.errors import DatabaseAway
from station.base.logging import drop_secrets
from station.base.station import Station
from tests.servers import wait_for


class FlakyDatabase(Database):
    """A real database that is away whenever `away` says so."""

    away = False

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        if self.away:
            raise DatabaseAway
        async with super().transaction() as unit:
            yield unit


@pytest.fixture
def flaky(station: Station) -> FlakyDatabase:
    station.database.__class__ = FlakyDatabase  # the same engine and file
    assert isinstance(station.database, FlakyDatabase)
    return station.database


async def enqueue(station: Station, key: str) -> None:
    async with station.database.transaction() as unit:
        await jobs.enqueue(unit, "compose", key, {}, station.clock.now())


async def state_of(station: Station, key: str) -> str:
    async with station.database.read() as connection:
        found = await jobs.find_job(connection, key)
    assert found is not None
    return found.state


async def test_a_failing_heartbeat_ends_no_job(
    station: Station, flaky: FlakyDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database goes away while a job runs: the job ends, and its end is written once the database is back."""
    told = asyncio.Event()

    async def handler(_station: Station, _arguments: dict[str, Any], progress: work.Progress) -> None:
        flaky.away = True
        await progress(0.5)
        told.set()

    monkeypatch.setitem(work.HANDLERS, "compose", handler)
    monkeypatch.setattr(work, "HEARTBEAT_S", 0.01)
    monkeypatch.setattr(work, "AGAIN_S", 0.01)
    await enqueue(station, "compose:mt_a")
    with capture_logs() as logged:
        running = asyncio.create_task(work.work_once(station))
        await told.wait()
        await wait_for(lambda: _logged(logged, "job_end_not_written"), "the first try to write the end")
        flaky.away = False
        assert await running
    assert await state_of(station, "compose:mt_a") == "done"
    assert not [entry for entry in logged if entry["event"] == "job_failed"]


async def test_the_role_goes_on_after_a_failing_query(
    station: Station, flaky: FlakyDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Taking a job fails while the database is away; afterwards jobs are done as before."""

    async def handler(_station: Station, _arguments: dict[str, Any], _progress: work.Progress) -> None:
        return None

    monkeypatch.setitem(work.HANDLERS, "compose", handler)
    monkeypatch.setattr(work, "AGAIN_S", 0.01)
    await enqueue(station, "compose:mt_b")
    flaky.away = True
    with capture_logs() as logged:
        role = asyncio.create_task(work._work_jobs(station, work.LONG_JOBS))
        try:
            await wait_for(lambda: _logged(logged, "work_failed"), "a failed query")
            assert not role.done()
            flaky.away = False
            await wait_for(lambda: _is_done(station, "compose:mt_b"), "the job done")
        finally:
            role.cancel()
            await asyncio.gather(role, return_exceptions=True)


async def test_a_worker_told_to_end_gives_its_job_back(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next worker takes it at once, without waiting for a lease to run out."""
    begun = asyncio.Event()

    async def handler(_station: Station, _arguments: dict[str, Any], _progress: work.Progress) -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setitem(work.HANDLERS, "compose", handler)
    await enqueue(station, "compose:mt_c")
    running = asyncio.create_task(work.work_once(station))
    await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    job = await jobs.claim(station.database, ["compose"], station.clock.now())
    assert job is not None and job.attempts == 0


async def test_the_log_names_the_job_that_failed(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads of a failed job can tell which one it is and begin it anew by that name."""

    async def handler(_station: Station, _arguments: dict[str, Any], _progress: work.Progress) -> None:
        raise RuntimeError("ffmpeg is missing")

    monkeypatch.setitem(work.HANDLERS, "compose", handler)
    await enqueue(station, "compose:mt_d")
    with capture_logs() as logged:
        await work.work_once(station)
    (failed,) = [entry for entry in logged if entry["event"] == "job_failed"]
    shown = drop_secrets(None, "", dict(failed))
    assert shown["job"] == "compose:mt_d" and shown["attempt"] == 1


async def test_brief_jobs_wait_for_no_long_one(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    """A recording is paused and a cancelled room closed while a video is still being composed."""
    done: set[str] = set()
    composing = asyncio.Event()

    async def long(_station: Station, _arguments: dict[str, Any], _progress: work.Progress) -> None:
        composing.set()
        await asyncio.Event().wait()

    async def brief(_station: Station, arguments: dict[str, Any], _progress: work.Progress) -> None:
        done.add(str(arguments["kind"]))

    monkeypatch.setattr(work, "CHORES", ())
    monkeypatch.setattr(work, "IDLE_S", 0.01)
    monkeypatch.setattr(work, "open_station", lambda _settings: station)
    for kind in work.HANDLERS:
        monkeypatch.setitem(work.HANDLERS, kind, long if kind in ("compose", "seal") else brief)
    await enqueue(station, "compose:mt_e")
    role = asyncio.create_task(work.run_work(station.settings))
    try:
        await asyncio.wait_for(composing.wait(), 10)
        async with station.database.transaction() as unit:
            for kind in ("pause-recording", "close-cancelled"):
                await jobs.enqueue(unit, kind, kind, {"kind": kind}, station.clock.now())

        async def are_done() -> bool:
            return done == {"pause-recording", "close-cancelled"}

        await wait_for(are_done, "the brief jobs")
        assert await state_of(station, "compose:mt_e") == "running"
    finally:
        role.cancel()
        await asyncio.gather(role, return_exceptions=True)


def test_every_job_has_a_lane() -> None:
    """No kind of job is enqueued that nobody takes, and none is taken by both lanes."""
    assert sorted((*work.LONG_JOBS, *work.BRIEF_JOBS)) == sorted(work.HANDLERS)


async def _logged(entries: list[Any], event: str) -> bool:
    return any(entry["event"] == event for entry in entries)


async def _is_done(station: Station, key: str) -> bool:
    return await state_of(station, key) == "done"
