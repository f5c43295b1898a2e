"""SQLite is asked in few visits to its thread, and its transactions are whole all the same."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiosqlite
import pytest
import pytest_asyncio
from sqlalchemy import AsyncAdaptedQueuePool, func, select, text

from station.base.database import Database, Transaction, migrate_url
from station.base.errors import DatabaseAway
from station.base.heartbeats import heartbeats
from station.base.sqlite_driver import SqliteConnection
from tests.fixtures import MONDAY_TEN


@pytest_asyncio.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A database with the newest tables in a file."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'station.db'}"
    await asyncio.to_thread(migrate_url, url, tmp_path)
    made = Database(url)
    yield made
    await made.close()


async def add(work: Transaction, role: str) -> None:
    """One row."""
    await work.execute(heartbeats.insert().values(role=role, at=MONDAY_TEN))


async def count(database: Database) -> int:
    """How many rows there are."""
    async with database.read() as connection:
        return int(await connection.scalar(select(func.count()).select_from(heartbeats)) or 0)


def count_visits(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What connections' threads are asked for from now on."""
    visits: list[object] = []
    plain = SqliteConnection.run

    def run(self: SqliteConnection, work: object) -> object:
        visits.append(work)
        return plain(self, work)  # type: ignore[arg-type]

    monkeypatch.setattr(SqliteConnection, "run", run)
    return visits


async def test_a_statement_is_one_visit(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A read is as many visits as statements; a write one more, to commit; nothing asked is none at all."""
    await count(database)  # the connection is prepared once
    visits = count_visits(monkeypatch)
    await count(database)
    assert len(visits) == 1
    async with database.transaction() as work:
        await add(work, "web")
        await add(work, "work")
    assert len(visits) == 4
    async with database.transaction():
        pass
    async with database.read():
        pass
    assert len(visits) == 4
    assert await count(database) == 2


async def test_a_transaction_is_whole(database: Database) -> None:
    """What fails in its midst leaves no row behind, and the connection is good for the next one."""
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as work:
            await add(work, "web")
            raise ZeroDivisionError
    assert await count(database) == 0
    async with database.transaction() as work:
        await add(work, "web")
    assert await count(database) == 1


async def test_a_read_sees_one_moment(database: Database) -> None:
    """Two statements of one read see the same rows, whoever writes between them; the next read sees the new ones."""
    query = select(func.count()).select_from(heartbeats)
    async with database.read() as connection:
        assert await connection.scalar(query) == 0
        async with database.transaction() as work:
            await add(work, "web")
        assert await connection.scalar(query) == 0
    assert await count(database) == 1


async def test_no_statement_runs_outside_of_its_transaction(database: Database, tmp_path: Path) -> None:
    """While another process writes, neither the first statement nor one that follows it in spite of that takes hold."""
    other = sqlite3.connect(tmp_path / "station.db", isolation_level=None)
    async with database.read() as connection:
        await connection.execute(text("PRAGMA busy_timeout=0"))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseAway):
        async with database.transaction() as work:
            try:
                await add(work, "web")
            except Exception:
                await add(work, "work")
    other.execute("ROLLBACK")
    other.close()
    assert await count(database) == 0


async def test_who_gives_up_waiting_leaves_nothing_running(database: Database) -> None:
    """A read and a write whose caller is gone in their midst end; others go on, and no row is half there."""
    endless = text(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT count(*) FROM n"
    )

    async def read() -> None:
        async with database.read() as connection:
            await connection.execute(endless)

    async def write() -> None:
        async with database.transaction() as work:
            await add(work, "web")
            await work.execute(endless)

    for unit in (read, write):
        task = asyncio.create_task(unit())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    async with database.transaction() as work:
        await add(work, "work")
    assert await count(database) == 1


async def test_a_brief_read_makes_no_visit_and_sees_what_is_committed(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Statements of a brief read run where they are asked for; the next one sees what was written since."""
    query = select(func.count()).select_from(heartbeats)
    async with database.read(brief=True) as connection:
        assert await connection.scalar(query) == 0
    sent: list[object] = []
    plain = aiosqlite.Connection._execute

    async def count_sent(self: aiosqlite.Connection, *arguments: Any, **named: Any) -> object:
        sent.append(arguments)
        return await plain(self, *arguments, **named)  # type: ignore[no-untyped-call]

    monkeypatch.setattr(aiosqlite.Connection, "_execute", count_sent)
    async with database.read(brief=True) as connection:
        assert await connection.scalar(query) == 0
    assert sent == []
    async with database.transaction() as work:
        await add(work, "web")
    async with database.read(brief=True) as connection:
        assert await connection.scalar(query) == 1


async def test_a_brief_read_waits_off_the_loop(database: Database, tmp_path: Path) -> None:
    """While somebody has a file for themselves a brief read of it waits, others of the loop go on; it is answered."""
    other = sqlite3.connect(tmp_path / "other.db", isolation_level=None)
    other.execute("CREATE TABLE one AS SELECT 1 AS n")
    async with database.read(brief=True) as connection:
        await connection.execute(text(f"ATTACH '{tmp_path / 'other.db'}' AS other"))
    other.execute("BEGIN EXCLUSIVE")

    asked = asyncio.Event()

    async def read() -> object:
        async with database.read(brief=True) as connection:
            asked.set()
            return await connection.scalar(text("SELECT n FROM other.one"))

    waiting = asyncio.create_task(read())
    await asked.wait()
    assert await brief_count(database) == 0  # by another connection
    assert not waiting.done()
    other.execute("ROLLBACK")
    assert await waiting == 1
    assert await read() == 1
    other.close()


async def brief_count(database: Database) -> int:
    """How many rows there are, by a brief read."""
    async with database.read(brief=True) as connection:
        return int(await connection.scalar(select(func.count()).select_from(heartbeats)) or 0)


async def test_a_brief_read_that_fails_leaves_a_good_connection(database: Database) -> None:
    """A wrong statement is told as such, and the next brief read is answered."""
    for _ in range(3):
        with pytest.raises(Exception, match="no such table"):
            async with database.read(brief=True) as connection:
                await connection.execute(text("SELECT 1 FROM nowhere"))
        assert await brief_count(database) == 0


async def test_reads_of_a_snapshot_share_a_connection(database: Database) -> None:
    """They see one moment, whoever writes between them; what the task starts reads on its own; nothing is changed."""
    async with database.snapshot():
        assert await count(database) == 0

        async def write() -> None:
            async with database.transaction() as work:
                await add(work, "web")

        await asyncio.create_task(write())
        assert await count(database) == 0
        assert await asyncio.create_task(count(database)) == 1
        with pytest.raises(RuntimeError):
            await write()
    assert await count(database) == 1


async def test_brief_reads_that_wait_open_no_more_connections(database: Database) -> None:
    """While eight wait, what comes is a read like any other, of the pool's connections; then it is brief again."""
    pool = database.engine.pool
    assert isinstance(pool, AsyncAdaptedQueuePool)
    for _ in range(2):
        async with AsyncExitStack() as waiting:
            for _ in range(8):
                await waiting.enter_async_context(database.read(brief=True))
            assert pool.checkedout() == 0
            async with database.read(brief=True) as connection:
                assert pool.checkedout() == 1
                assert await connection.scalar(select(func.count()).select_from(heartbeats)) == 0
    with pytest.raises(ZeroDivisionError):
        async with database.read(brief=True):
            assert pool.checkedout() == 0
            raise ZeroDivisionError
