"""The ledger's tables and queries. Rows are only ever added; triggers in the database refuse anything else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from station.base.database import Transaction, UtcDateTime, metadata
from station.ledger.model import GENESIS, Event, canonical, chain_hash, hashed_fields

ledger_events = Table(
    "ledger_events",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", String(40), nullable=False),
    Column("actor_name", String(80), nullable=False),
    Column("role", String(12), nullable=False),
    Column("action", String(60), nullable=False),
    Column("subject", String(60), nullable=False),
    Column("reason", Text, nullable=False),
    Column("origin", String(80), nullable=False),
    Column("data", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Index("ix_ledger_events_subject", "subject", "seq"),
    Index("ix_ledger_events_actor", "actor", "seq"),
)

ledger_head = Table(
    "ledger_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
)


async def append_row(work: Transaction, event: Event) -> Event:
    """Add one event at the end of the chain; the head row's lock puts concurrent writers in order."""
    head = (await work.execute(select(ledger_head).where(ledger_head.c.id == 1).with_for_update())).first()
    if head is None:
        await work.execute(insert(ledger_head).values(id=1, seq=0, hash=GENESIS))
    seq, previous = (head.seq + 1, head.hash) if head is not None else (1, GENESIS)
    event = replace(event, seq=seq, previous=previous)
    event = replace(event, hash=chain_hash(previous, hashed_fields(event)))
    await work.execute(
        insert(ledger_events).values(
            seq=event.seq, at=event.at, actor=event.actor, actor_name=event.actor_name, role=event.role,
            action=event.action, subject=event.subject, reason=event.reason, origin=event.origin,
            data=canonical(event.data), previous=event.previous, hash=event.hash,
        )
    )  # fmt: skip
    await work.execute(update(ledger_head).where(ledger_head.c.id == 1).values(seq=event.seq, hash=event.hash))
    return event


async def events_of(connection: AsyncConnection, *subjects: str) -> list[Event]:
    """All events of some subjects, oldest first."""
    query = select(ledger_events).where(ledger_events.c.subject.in_(subjects)).order_by(ledger_events.c.seq)
    return [_event(row) for row in await connection.execute(query)]


async def events_between(
    connection: AsyncConnection, actions: list[str], since: datetime, until: datetime
) -> list[Event]:
    """Events of some actions in a span of time, oldest first."""
    query = (
        select(ledger_events)
        .where(ledger_events.c.action.in_(actions), ledger_events.c.at >= since, ledger_events.c.at < until)
        .order_by(ledger_events.c.seq)
    )
    return [_event(row) for row in await connection.execute(query)]


async def all_events(connection: AsyncConnection, page: int = 1000) -> AsyncIterator[Event]:
    """The whole chain, oldest first, in pages so that memory stays flat."""
    seq = 0
    while True:
        query = select(ledger_events).where(ledger_events.c.seq > seq).order_by(ledger_events.c.seq).limit(page)
        rows = (await connection.execute(query)).all()
        if not rows:
            return
        for row in rows:
            yield _event(row)
        seq = rows[-1].seq


async def head_of(connection: AsyncConnection) -> tuple[int, str]:
    """Sequence number and hash that the chain should end with."""
    row = (await connection.execute(select(ledger_head))).first()
    return (0, GENESIS) if row is None else (row.seq, row.hash)


def _event(row: Any) -> Event:
    return Event(
        row.seq, row.at, row.actor, row.actor_name, row.role, row.action, row.subject, row.reason,
        row.origin, json.loads(row.data), row.previous, row.hash,
    )  # fmt: skip
