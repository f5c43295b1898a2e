"""Insert unless it is there: of several at once one wins, and the others get an answer instead of an error."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio
from sqlalchemy import func, select

from station.base.database import Database
from station.base.inserts import insert_missing, insert_unless_there
from station.base.jobs import enqueue, jobs
from station.booking.store import drafts
from tests.fixtures import MONDAY_TEN

EMPTY = {"key": "", "slot": "", "held_until": None, "mode": "", "topic": "", "description": "", "help": ""}


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    made = Database(database_url)
    yield made
    await made.close()


async def test_exactly_one_of_several_inserts_the_row(database: Database) -> None:
    """Five who insert the same key at once: one is told that the row is new."""

    async def insert() -> bool:
        async with database.transaction() as work:
            return await insert_unless_there(work, drafts, citizen="ac_1", **EMPTY)

    assert sorted(await asyncio.gather(*(insert() for _ in range(5)))) == [False] * 4 + [True]


async def test_only_what_was_inserted_is_named(database: Database) -> None:
    """Of many rows the keys of the new ones come back, each once; of none, none."""
    rows = [{"citizen": f"ac_{number}", **EMPTY} for number in range(1200)]
    async with database.transaction() as work:
        assert await insert_missing(work, drafts, []) == []
        assert len(await insert_missing(work, drafts, rows[:700])) == 700
        found = await insert_missing(work, drafts, rows)
    assert {row.citizen for row in found} == {row["citizen"] for row in rows[700:]}


async def test_a_job_asked_for_by_several_at_once_is_one(database: Database) -> None:
    """The same key from four callers makes one job, and none of them fails."""

    async def ask() -> None:
        async with database.transaction() as work:
            await enqueue(work, "compose", "compose:mt_1", {"meeting": "mt_1"}, MONDAY_TEN)

    await asyncio.gather(*(ask() for _ in range(4)))
    async with database.read() as connection:
        assert (await connection.execute(select(func.count()).select_from(jobs))).scalar_one() == 1
