"""Append to the ledger inside a transaction, tell the bus after it, watch its head, clear people's words."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

import structlog

from station.base.database import Database, Transaction
from station.base.principal import Principal
from station.base.station import Station
from station.ledger import store
from station.ledger.model import Event, batches, hash_words
from station.ledger.witness import Head, keep_head, newest_kept_head

log = structlog.get_logger()
_LAST = object()


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

    After the commit the bus topic named like the subject gets {"action", "seq"}. `data` must hold no secret, no
    phone number and nothing that somebody typed: the chain can never forget. What somebody gave as a reason is kept
    beside the chain, where it can be cleared; the chain holds a salted hash of it.
    """
    salt = secrets.token_hex(16)
    event = Event(
        seq=0,
        at=station.clock.now(),
        actor=who.account,
        actor_name=who.name,
        role=who.role,
        action=action,
        subject=subject,
        chained_reason=hash_words(salt, reason) if reason else "",
        origin=who.origin,
        data=data or {},
        previous="",
        hash="",
    )
    event = await store.append_row(work, event)
    if reason:
        await store.keep_words(work, event.seq, salt, reason)

    async def tell() -> None:
        await station.bus.publish(subject, {"action": action, "seq": event.seq, "data": event.data})

    if _LAST not in work.kept:
        work.after_commit.append(partial(_keep_head, station, work))
    work.kept[_LAST] = event
    work.after_commit.append(tell)
    return replace(event, reason=reason)


async def _keep_head(station: Station, work: Transaction) -> None:
    """Note the newest event of the transaction outside of the database: its hash covers those before it."""
    event: Event = work.kept[_LAST]
    try:
        await asyncio.to_thread(keep_head, station.settings.ledger_heads, event.seq, event.hash)
    except OSError as error:  # the change stands; a later event's head covers this one too
        log.warning("ledger_head_not_kept", error=str(error))


async def hold_head(work: Transaction) -> None:
    """Let nobody else append until the end of the transaction; for steps whose rows others lock in any order."""
    await store.lock_head(work)


async def append_once(
    station: Station, work: Transaction, who: Principal, action: str, subject: str, data: dict[str, Any] | None = None
) -> bool:
    """`append` unless the subject has such an event; for steps that may be done again after a crash."""
    await store.lock_head(work)  # whoever else is about to do it waits here, and then finds the event
    if await store.has_event(work, action, subject):
        return False
    await append(station, work, who, action, subject, data)
    return True


async def subjects_with(station: Station, action: str, subjects: list[str]) -> set[str]:
    """Those of some subjects that have an event of an action."""
    found: set[str] = set()
    async with station.database.read() as connection:
        for some in batches(subjects):
            found |= await store.subjects_with(connection, action, some)
    return found


async def timeline(station: Station, *subjects: str) -> list[Event]:
    """All events of the subjects, oldest first."""
    async with station.database.read() as connection:
        return await store.events_of(connection, *subjects)


async def head_of(station: Station) -> tuple[int, str]:
    """Number and hash of the newest event."""
    async with station.database.read() as connection:
        return await store.head_of(connection)


async def clear_words(station: Station, who: Principal, subject: str) -> int:
    """Forget for good what people typed as reasons about a subject; returns how many texts. The chain stays whole."""
    async with station.database.transaction() as work:
        cleared = await store.clear_words(work, subject)
        if cleared:
            await append(station, work, who, "ledger.words-cleared", subject, {"texts": cleared})
    return cleared


async def clear_words_before(station: Station, moment: datetime) -> int:
    """Forget all reasons given before a moment; returns how many texts."""
    async with station.database.transaction() as work:
        return await store.clear_words_before(work, moment)


async def find_cut(database: Database, head: Head) -> bool:
    """Whether the database does not hold an event noted outside of it: it was cut, or an older one restored."""
    async with database.read() as connection:
        found = await store.hashes_of(connection, [head.seq])
    return found.get(head.seq) != head.hash


async def watch_head(station: Station) -> bool:
    """Say in the log when the newest event noted outside of the database is not in it; returns whether it is so."""
    head = await asyncio.to_thread(newest_kept_head, station.settings.ledger_heads)
    if head is None or not await find_cut(station.database, head):
        return False
    log.error("ledger_cut", missing=head.seq, noted_in=head.source)
    return True
