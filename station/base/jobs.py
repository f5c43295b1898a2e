"""Long jobs as rows: enqueued in the transaction that wants them, taken by the work role, progress visible."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, Float, Index, Integer, String, Table, Text, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from station.base.database import Database, Transaction, UtcDateTime, metadata
from station.base.ids import new_id
from station.base.inserts import insert_unless_there

MAX_ATTEMPTS = 5
LEASE = timedelta(seconds=30)
WORKER_DIED = "its worker died each time"

jobs = Table(
    "jobs",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("kind", String(40), nullable=False),
    Column("key", String(80), nullable=False, unique=True),
    Column("arguments", Text, nullable=False),
    Column("state", String(12), nullable=False),
    Column("progress", Float, nullable=False, default=0.0),
    Column("attempts", Integer, nullable=False, default=0),
    Column("error", Text, nullable=False, default=""),
    Column("run_after", UtcDateTime, nullable=False),
    Column("leased_until", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Index("ix_jobs_state_run_after", "state", "run_after"),
)


class JobStatus(StrEnum):
    """Where a job stands; only the failed ones wait for somebody."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Job:
    """One job as a page or the worker sees it; progress runs from 0 to 1."""

    id: str
    kind: str
    key: str
    arguments: dict[str, Any]
    state: JobStatus
    progress: float
    attempts: int
    error: str


@dataclass(frozen=True, slots=True)
class JobState:
    """A job with its times, for who looks after them."""

    job: Job
    created_at: datetime
    run_after: datetime


async def enqueue(work: Transaction, kind: str, key: str, arguments: dict[str, Any], now: datetime) -> None:
    """Ask for a job once: the same key a second time changes nothing."""
    await insert_unless_there(
        work,
        jobs,
        id=new_id("jb"),
        kind=kind,
        key=key,
        arguments=json.dumps(arguments),
        state=JobStatus.WAITING,
        progress=0.0,
        attempts=0,
        error="",
        run_after=now,
        created_at=now,
    )


async def find_job(connection: AsyncConnection, key: str) -> Job | None:
    """The job with that key, for showing its progress."""
    row = (await connection.execute(select(jobs).where(jobs.c.key == key))).first()
    return None if row is None else _job(row)


async def claim(database: Database, kinds: list[str], now: datetime) -> Job | None:
    """Take the oldest due job, or one whose worker died (its lease ran out).

    A job that took its worker with it each time ends as failed: otherwise it would be begun for ever.
    """
    due = (jobs.c.state == JobStatus.WAITING) & (jobs.c.run_after <= now)
    orphaned = (jobs.c.state == JobStatus.RUNNING) & (jobs.c.leased_until < now)
    query = (
        select(jobs).where(jobs.c.kind.in_(kinds), or_(due, orphaned)).order_by(jobs.c.run_after).limit(1)
    ).with_for_update(skip_locked=True)
    async with database.transaction() as work:
        await work.execute(
            update(jobs)
            .where(jobs.c.kind.in_(kinds), orphaned, jobs.c.attempts >= MAX_ATTEMPTS)
            .values(state=JobStatus.FAILED, error=WORKER_DIED, finished_at=now)
        )
        row = (await work.execute(query)).first()
        if row is None:
            return None
        changed = {"state": JobStatus.RUNNING, "leased_until": now + LEASE, "attempts": row.attempts + 1}
        await work.execute(update(jobs).where(jobs.c.id == row.id).values(**changed))
        return _job(row)


async def report_progress(database: Database, job: Job, progress: float, now: datetime) -> None:
    """Show how far a job is and keep its lease."""
    await _change(database, job, {"progress": progress, "leased_until": now + LEASE})


async def finish(database: Database, job: Job, now: datetime) -> None:
    """The job is done."""
    done = {"state": JobStatus.DONE, "progress": 1.0, "finished_at": now, "error": ""}
    await _change(database, job, done)


async def fail(database: Database, job: Job, error: str, now: datetime) -> None:
    """Try again later, each time twice as late; after MAX_ATTEMPTS the job stays failed, with its error."""
    values: dict[str, object] = {"state": JobStatus.WAITING, "run_after": now + timedelta(seconds=5 * 2**job.attempts)}
    if job.attempts + 1 >= MAX_ATTEMPTS:
        values = {"state": JobStatus.FAILED, "finished_at": now}
    await _change(database, job, {**values, "error": error[:2000]})


async def give_back(database: Database, job: Job, now: datetime) -> None:
    """The worker is told to end: the job waits for the next one at once, and this does not count as an attempt."""
    await _change(database, job, {"state": JobStatus.WAITING, "attempts": job.attempts, "run_after": now})


async def list_unfinished(database: Database, limit: int = 200) -> list[JobState]:
    """Every job that is not done: the failed ones first, then the newest."""
    query = select(jobs).where(jobs.c.state != JobStatus.DONE)
    query = query.order_by(jobs.c.state != JobStatus.FAILED, jobs.c.created_at.desc()).limit(limit)
    async with database.read() as connection:
        rows = (await connection.execute(query)).all()
    return [JobState(_job(row), row.created_at, row.run_after) for row in rows]


async def count_unfinished(connection: AsyncConnection) -> dict[JobStatus, int]:
    """How many jobs are not done, by state."""
    query = select(jobs.c.state, func.count().label("number")).where(jobs.c.state != JobStatus.DONE)
    query = query.group_by(jobs.c.state)
    return {JobStatus(row.state): row.number for row in await connection.execute(query)}


async def retry(work: Transaction, key: str, now: datetime) -> bool:
    """Begin a failed job anew, with all its attempts before it; False if no failed job has that key."""
    again = {"state": JobStatus.WAITING, "attempts": 0, "run_after": now, "finished_at": None}
    failed = (jobs.c.key == key) & (jobs.c.state == JobStatus.FAILED)
    changed = await work.execute(update(jobs).where(failed).values(**again))
    return changed.rowcount == 1


async def _change(database: Database, job: Job, values: dict[str, object]) -> None:
    # The attempt is the fencing token: a worker that was away longer than its lease must not end another one's attempt.
    own = (jobs.c.id == job.id) & (jobs.c.state == "running") & (jobs.c.attempts == job.attempts + 1)
    async with database.transaction() as work:
        await work.execute(update(jobs).where(own).values(**values))


def _job(row: Any) -> Job:
    return Job(
        id=row.id,
        kind=row.kind,
        key=row.key,
        arguments=json.loads(row.arguments),
        state=JobStatus(row.state),
        progress=row.progress,
        attempts=row.attempts,
        error=row.error,
    )
