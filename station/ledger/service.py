"""Append to the ledger inside a transaction, tell the bus after it, prove the chain."""

from __future__ import annotations

from typing import Any

from station.base.database import Database, Transaction
from station.base.principal import Principal
from station.base.station import Station
from station.ledger.model import GENESIS, Event, VerifyResult, chain_hash, hashed_fields
from station.ledger.store import all_events, append_row, events_of, head_of


async def append(
    station: Station,
    work: Transaction,
    who: Principal,
    action: str,
    subject: str,
    data: dict[str, Any] | None = None,
    reason: str = "",
) -> Event:
    """Record that `who` did `action` ("case.assigned") to `subject` ("case:cs_…") in the same transaction.

    After the commit the bus topic named like the subject gets {"action", "seq"}. `data` must hold no secret and
    no phone number: the chain can never forget.
    """
    event = Event(
        0,
        station.clock.now(),
        who.account,
        who.name,
        who.role,
        action,
        subject,
        reason,
        who.origin,
        data or {},
        "",
        "",
    )
    event = await append_row(work, event)

    async def tell() -> None:
        await station.bus.publish(subject, {"action": action, "seq": event.seq, "data": event.data})

    work.after_commit.append(tell)
    return event


async def timeline(station: Station, *subjects: str) -> list[Event]:
    """All events of the subjects, oldest first."""
    async with station.database.read() as connection:
        return await events_of(connection, *subjects)


async def verify_chain(database: Database) -> VerifyResult:
    """Walk the whole chain and recompute every hash."""
    previous, count = GENESIS, 0
    async with database.read() as connection:
        head_seq, head_hash = await head_of(connection)
        async for event in all_events(connection):
            count += 1
            fits = event.seq == count and event.previous == previous
            if not fits or event.hash != chain_hash(previous, hashed_fields(event)):
                return VerifyResult(count, previous, event.seq)
            previous = event.hash
    if (count, previous) != (head_seq, head_hash):
        return VerifyResult(count, previous, head_seq)
    return VerifyResult(count, previous, None)
