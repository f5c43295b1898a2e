"""The ledger: one chain, and nothing in it can be changed unseen."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from station.base.principal import SYSTEM
from station.base.station import Station
from station.ledger.service import append, timeline, verify_chain


async def add(station: Station, count: int, subject: str = "case:cs_1") -> None:
    for number in range(count):
        async with station.database.transaction() as work:
            await append(station, work, SYSTEM, "case.touched", subject, {"n": number, "字": "话"})


async def test_a_whole_chain_verifies(station: Station) -> None:
    """What was appended is there in order, and the chain proves it."""
    await add(station, 5)
    result = await verify_chain(station.database)
    assert result.ok
    assert [event.data["n"] for event in await timeline(station, "case:cs_1")] == [0, 1, 2, 3, 4]


async def test_concurrent_writers_make_one_chain(station: Station) -> None:
    """Twenty writers at once leave no gap and no fork."""
    await asyncio.gather(*(add(station, 1, f"case:cs_{n}") for n in range(20)))
    assert (await verify_chain(station.database)).ok


@pytest.mark.parametrize("statement", ["UPDATE ledger_events SET actor_name = 'x'", "DELETE FROM ledger_events"])
async def test_the_database_refuses_to_change_the_ledger(station: Station, statement: str) -> None:
    """Not even a query by hand edits or deletes an event."""
    await add(station, 1)
    with pytest.raises(DatabaseError):
        async with station.database.transaction() as work:
            await work.execute(text(statement))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_events SET actor_name = 'x' WHERE seq = (SELECT max(seq) - 1 FROM ledger_events)",
        "UPDATE ledger_events SET data = '{}' WHERE seq = (SELECT max(seq) FROM ledger_events)",
        "DELETE FROM ledger_events WHERE seq = (SELECT max(seq) FROM ledger_events)",
        "DELETE FROM ledger_events WHERE seq = (SELECT max(seq) - 1 FROM ledger_events)",
    ],
)
async def test_a_change_behind_our_back_is_found(station: Station, statement: str) -> None:
    """Somebody with the file in hand drops the triggers and changes a row: verify names the place."""
    await add(station, 4)
    async with station.database.transaction() as work:
        for trigger in ("ledger_events_no_update", "ledger_events_no_delete"):
            await work.execute(text(f"DROP TRIGGER {trigger}"))
        await work.execute(text(statement))
    result = await verify_chain(station.database)
    assert not result.ok
    assert result.broken_at is not None


async def test_a_failed_transaction_leaves_no_event(station: Station) -> None:
    """The event and the change stand or fall together."""
    before = (await verify_chain(station.database)).events
    with pytest.raises(RuntimeError):
        async with station.database.transaction() as work:
            await append(station, work, SYSTEM, "case.touched", "case:cs_1")
            raise RuntimeError
    assert (await verify_chain(station.database)).events == before
