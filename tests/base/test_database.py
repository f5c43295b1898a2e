"""Units of work: what follows a commit cannot fail it, and a database that fails is told as such."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs

from station.base.database import Database
from station.base.errors import DatabaseAway, StorageFull
from station.base.heartbeats import beat, heartbeats, last_beat
from tests.fixtures import MONDAY_TEN
from tests.servers import pick_port


@pytest.fixture
def database(sqlite_database_url: str) -> Database:
    return Database(sqlite_database_url)


async def refuse_writes(database: Database) -> None:
    """From now on this real database takes no change, as with a full disk; reads go on."""

    def refuse(connection: object, _record: object) -> None:
        connection.execute("PRAGMA query_only=ON")  # type: ignore[attr-defined]

    await database.engine.dispose()
    event.listen(database.engine.sync_engine, "connect", refuse)


async def test_after_the_commit_nothing_fails_and_every_step_runs(database: Database) -> None:
    """A step that fails neither reaches the caller nor keeps the next step from running; the log names it."""
    ran = []

    async def fails() -> None:
        raise ConnectionError("Redis is away")

    async def runs() -> None:
        ran.append("second")

    with capture_logs() as logged:
        async with database.transaction() as work:
            await work.execute(heartbeats.insert().values(role="x", at=MONDAY_TEN))
            work.after_commit += [fails, runs]
    assert ran == ["second"]
    (failed,) = [entry for entry in logged if entry["event"] == "after_commit_failed"]
    assert "fails" in failed["step"]
    assert await last_beat(database, "x") == MONDAY_TEN
    await database.close()


async def test_what_cannot_be_stored_is_refused_whole(database: Database) -> None:
    """A write that the disk refuses is told as such, changes nothing and runs no later step; reads go on."""
    await beat(database, "web", MONDAY_TEN)
    await refuse_writes(database)
    ran = []

    async def later() -> None:
        ran.append(1)

    with pytest.raises(StorageFull):
        async with database.transaction() as work:
            work.after_commit.append(later)
            await work.execute(heartbeats.insert().values(role="second", at=MONDAY_TEN))
    assert ran == []
    async with database.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(heartbeats)) == 1
    await database.close()


async def test_a_server_that_is_away_is_told_as_such() -> None:
    """With no PostgreSQL at the address reads and writes raise one error with words for the visitor."""
    database = Database(f"postgresql+asyncpg://station@127.0.0.1:{pick_port()}/station")
    with pytest.raises(DatabaseAway):
        await last_beat(database, "web")
    with pytest.raises(DatabaseAway):
        await beat(database, "web", MONDAY_TEN)
    await database.close()


async def test_our_own_mistakes_are_not_called_an_outage(database: Database) -> None:
    """An error of a statement or of a row stays what it is: only outages are told as outages."""
    with pytest.raises(Exception, match="UNIQUE constraint"):
        async with database.transaction() as work:
            for _ in range(2):
                await work.execute(heartbeats.insert().values(role="twice", at=MONDAY_TEN))
    with pytest.raises(ZeroDivisionError):
        async with database.transaction():
            raise ZeroDivisionError
    await database.close()


async def test_it_works_on_both_databases(database_url: str) -> None:
    """A sign of life is written once and then moved, on SQLite and on PostgreSQL."""
    database = Database(database_url)
    await beat(database, "web", MONDAY_TEN)
    later = MONDAY_TEN.replace(hour=5)
    await beat(database, "web", later)
    assert await last_beat(database, "web") == later
    await database.close()


async def test_an_error_names_nobody(database_url: str) -> None:
    """What a statement was given stays out of the error's words, which stand in the log with their traceback."""
    database = Database(database_url)
    with pytest.raises(DBAPIError) as failed:
        async with database.read() as connection:
            await connection.execute(text("SELECT :words FROM nowhere"), {"words": "赵玉梅说的话"})
    assert "nowhere" in str(failed.value) and "赵玉梅" not in str(failed.value)
    await database.close()


async def test_writers_take_turns_in_the_order_of_their_coming(database: Database) -> None:
    """Of many writers at once none is passed over by one that came later, and reading goes on beside them."""
    began: list[int] = []

    async def write(number: int) -> None:
        async with database.transaction() as work:
            began.append(number)
            await work.execute(heartbeats.insert().values(role=f"r{number}", at=MONDAY_TEN))
            assert await last_beat(database, "nobody") is None

    await asyncio.gather(*(write(number) for number in range(40)))
    assert began == list(range(40))
    await database.close()


async def test_a_writer_whose_turn_does_not_come_is_told(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a write that does not end the next one fails in time, changes nothing, and the one after it succeeds."""
    monkeypatch.setattr("station.base.database.WRITE_TURN_S", 0.05)
    async with database.transaction():
        with pytest.raises(DatabaseAway):
            await beat(database, "late", MONDAY_TEN)
    await beat(database, "next", MONDAY_TEN)
    assert await last_beat(database, "late") is None
    assert await last_beat(database, "next") == MONDAY_TEN
    await database.close()


@pytest.mark.parametrize("when", ["before_commit", "after_commit"])
async def test_a_change_is_told_of_also_when_its_caller_gives_up(database_url: str, when: str) -> None:
    """Who is cancelled while it is committed, or while others are told, is so afterwards: the change is whole."""
    database = Database(database_url)
    told: list[str] = []

    async def give_up() -> None:
        asyncio.get_running_loop().call_soon(writing.cancel)

    async def tell() -> None:
        await asyncio.sleep(0)
        told.append("everybody")

    async def write() -> None:
        async with database.transaction() as work:
            await work.execute(heartbeats.insert().values(role="x", at=MONDAY_TEN))
            getattr(work, when).append(give_up)
            work.after_commit.append(tell)
            work.after_commit.append(tell)

    writing = asyncio.create_task(write())
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert told == ["everybody"] * 2
    assert database.changes == 1
    assert await last_beat(database, "x") == MONDAY_TEN
    async with database.transaction() as work:
        await work.execute(heartbeats.insert().values(role="y", at=MONDAY_TEN))
    await database.close()
