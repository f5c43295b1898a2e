"""Long jobs as rows: enqueued in the transaction that wants them, taken by the work role, progress visible."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Float, Index, Integer, String, Table, Text, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from station.base.database import Database, Transaction, UtcDateTime, metadata
from station.base.ids import new_id
from station.base.inserts import insert_unless_there

MAX_ATTEMPTS = 5
LEASE = timedelta(seconds=30)

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


@dataclass(frozen=True, slots=True)
class Job:
    """One job as a page or the worker sees it; progress runs from 0 to 1."""

    id: str
    kind: str
    key: str
    arguments: dict[str, Any]
    state: str
    progress: float
    attempts: int
    error: str


async def enqueue(work: Transaction, kind: str, key: str, arguments: dict[str, Any], now: datetime) -> None:
    """Ask for a job once: the same key a second time changes nothing."""
    await insert_unless_there(
        work,
        jobs,
        id=new_id("jb"),
        kind=kind,
        key=key,
        arguments=json.dumps(arguments),
        state="waiting",
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
    """Take the oldest due job, or one whose worker died (its lease ran out)."""
    due = (jobs.c.state == "waiting") & (jobs.c.run_after <= now)
    orphaned = (jobs.c.state == "running") & (jobs.c.leased_until < now)
    query = (
        select(jobs).where(jobs.c.kind.in_(kinds), or_(due, orphaned)).order_by(jobs.c.run_after).limit(1)
    ).with_for_update(skip_locked=True)
    async with database.transaction() as work:
        row = (await work.execute(query)).first()
        if row is None:
            return None
        changed = {"state": "running", "leased_until": now + LEASE, "attempts": row.attempts + 1}
        await work.execute(update(jobs).where(jobs.c.id == row.id).values(**changed))
        return _job(row)


async def report_progress(database: Database, job: Job, progress: float, now: datetime) -> None:
    """Show how far a job is and keep its lease."""
    async with database.transaction() as work:
        await work.execute(update(jobs).where(jobs.c.id == job.id).values(progress=progress, leased_until=now + LEASE))


async def finish(database: Database, job: Job, now: datetime) -> None:
    """The job is done."""
    async with database.transaction() as work:
        done = {"state": "done", "progress": 1.0, "finished_at": now, "error": ""}
        await work.execute(update(jobs).where(jobs.c.id == job.id).values(**done))


async def fail(database: Database, job: Job, error: str, now: datetime) -> None:
    """Try again later, each time twice as late; after MAX_ATTEMPTS the job stays failed, with its error."""
    final = job.attempts + 1 >= MAX_ATTEMPTS
    again = now + timedelta(seconds=5 * 2**job.attempts)
    async with database.transaction() as work:
        values = {"state": "failed" if final else "waiting", "error": error[:2000], "run_after": again}
        await work.execute(update(jobs).where(jobs.c.id == job.id).values(**values))


def _job(row: Any) -> Job:
    return Job(row.id, row.kind, row.key, json.loads(row.arguments), row.state, row.progress, row.attempts, row.error)
