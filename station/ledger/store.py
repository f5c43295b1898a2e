"""The ledger's tables and queries. Rows are only ever added; triggers in the database refuse anything else."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    Row,
    Select,
    String,
    Table,
    Text,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from station.base.database import Transaction, UtcDateTime, metadata
from station.base.inserts import insert_missing
from station.ledger.model import (
    GENESIS,
    Event,
    StoredEvent,
    canonical,
    chain_hash,
    hashed_fields,
    is_words_hash,
    spell_time,
)

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

# What people typed as reasons. Not under the triggers: it must be possible to clear, and the chain holds a hash only.
ledger_words = Table(
    "ledger_words",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("salt", String(64), nullable=False),
    Column("words", Text, nullable=False),
)


_HEAD = object()
# Built once, as every change of the station appends an event: building a statement takes longer than running it.
_LOCK_HEAD = select(ledger_head).where(ledger_head.c.id == 1).with_for_update()
_WRITE_HEAD = update(ledger_head).where(ledger_head.c.id == 1)
_ADD_EVENT = insert(ledger_events)


async def lock_head(work: Transaction) -> Row[Any]:
    """The chain's head, held until the end of the transaction: it puts concurrent writers in order."""
    head = (await work.execute(_LOCK_HEAD)).first()
    if head is None:  # the first event of all; somebody else may be writing it at this moment
        await insert_missing(work, ledger_head, [{"id": 1, "seq": 0, "hash": GENESIS}])
        head = (await work.execute(_LOCK_HEAD)).one()
    return head


async def append_row(work: Transaction, event: Event) -> Event:
    """Add one event at the end of the chain."""
    seq, previous = await _head_in(work)
    event = replace(event, seq=seq + 1, previous=previous)
    event = replace(event, hash=chain_hash(previous, hashed_fields(event)))
    await work.execute(
        _ADD_EVENT,
        {
            "seq": event.seq,
            "at": event.at,
            "actor": event.actor,
            "actor_name": event.actor_name,
            "role": event.role,
            "action": event.action,
            "subject": event.subject,
            "reason": event.chained_reason,
            "origin": event.origin,
            "data": canonical(event.data),
            "previous": event.previous,
            "hash": event.hash,
        },
    )
    work.kept[_HEAD] = (event.seq, event.hash)
    return event


async def _head_in(work: Transaction) -> tuple[int, str]:
    """The chain's end as this unit of work sees it: locked and read with its first event, written once before the
    commit. Nobody else can move it between.
    """
    if _HEAD not in work.kept:
        head = await lock_head(work)
        work.kept[_HEAD] = (head.seq, head.hash)

        async def write_head() -> None:
            seq, newest = work.kept[_HEAD]
            await work.execute(_WRITE_HEAD, {"seq": seq, "hash": newest})

        work.before_commit.append(write_head)
    end: tuple[int, str] = work.kept[_HEAD]
    return end


async def has_event(work: Transaction, action: str, subject: str) -> bool:
    """Whether a subject has an event of an action."""
    query = select(ledger_events.c.seq).where(ledger_events.c.subject == subject, ledger_events.c.action == action)
    return (await work.execute(query.limit(1))).first() is not None


async def subjects_with(connection: AsyncConnection, action: str, subjects: list[str]) -> set[str]:
    """Those of some subjects that have an event of an action."""
    found = ledger_events.c.subject.in_(subjects), ledger_events.c.action == action
    return set((await connection.execute(select(ledger_events.c.subject).where(*found))).scalars())


async def keep_words(work: Transaction, seq: int, salt: str, words: str) -> None:
    """Keep what somebody typed as the reason of an event, beside the chain."""
    await work.execute(insert(ledger_words).values(seq=seq, salt=salt, words=words))


async def clear_words(work: Transaction, subject: str) -> int:
    """Delete the words and their salts of a subject's events; returns how many."""
    of_subject = select(ledger_events.c.seq).where(ledger_events.c.subject == subject)
    return (await work.execute(delete(ledger_words).where(ledger_words.c.seq.in_(of_subject)))).rowcount


async def clear_words_before(work: Transaction, moment: datetime) -> int:
    """Delete the words and their salts of all events before a moment; returns how many."""
    old = select(ledger_events.c.seq).where(ledger_events.c.at < moment)
    return (await work.execute(delete(ledger_words).where(ledger_words.c.seq.in_(old)))).rowcount


def _with_words() -> Select[Any]:
    join = ledger_events.outerjoin(ledger_words, ledger_words.c.seq == ledger_events.c.seq)
    return select(ledger_events, ledger_words.c.words, ledger_words.c.salt).select_from(join)


# Built once, as every view of a case asks the first.
_IN_ORDER = _with_words().order_by(ledger_events.c.seq)
_EVENTS_OF_ONE = _IN_ORDER.where(ledger_events.c.subject == bindparam("subject"))
_EVENTS_OF_SOME = _IN_ORDER.where(ledger_events.c.subject.in_(bindparam("subjects", expanding=True)))


async def events_of(connection: AsyncConnection, *subjects: str) -> list[Event]:
    """All events of some subjects, oldest first."""
    if len(subjects) == 1:
        rows = await connection.execute(_EVENTS_OF_ONE, {"subject": subjects[0]})
    else:
        rows = await connection.execute(_EVENTS_OF_SOME, {"subjects": subjects})
    return [_event(row) for row in rows]


# Without the types of the columns: a million dates and JSON texts taken apart only to be spelled again take a minute.
_STORED = text(
    "SELECT e.seq, e.at, e.actor, e.actor_name, e.role, e.action, e.subject, e.reason, e.origin, e.data,"
    " e.previous, e.hash, w.words, w.salt FROM ledger_events e LEFT JOIN ledger_words w ON w.seq = e.seq"
    " WHERE e.seq BETWEEN :first AND :last ORDER BY e.seq"
)


async def stored_events(connection: AsyncConnection, first: int, last: int) -> list[StoredEvent]:
    """The events of these numbers, both included, oldest first, as the chain hashes them."""
    rows = (await connection.execute(_STORED, {"first": first, "last": last})).all()
    return [
        StoredEvent(
            seq=row[0],
            previous=row[10],
            hash=row[11],
            words=row[12],
            salt=row[13],
            fields=(str(row[0]), _spell(row[1]), *row[2:10]),
        )
        for row in rows
    ]


def _spell(at: str | datetime) -> str:
    """A moment as it is hashed. SQLite gives the text that it holds: 2026-11-30 08:00:00.000000."""
    return f"{at[:10]}T{at[11:]}+00:00" if isinstance(at, str) else spell_time(at)


async def last_number(connection: AsyncConnection) -> int:
    """The highest number of an event; 0 when there is none."""
    return (await connection.execute(select(func.max(ledger_events.c.seq)))).scalar() or 0


async def head_of(connection: AsyncConnection) -> tuple[int, str]:
    """Sequence number and hash that the chain should end with."""
    row = (await connection.execute(select(ledger_head))).first()
    return (0, GENESIS) if row is None else (row.seq, row.hash)


async def hashes_of(connection: AsyncConnection, numbers: list[int]) -> dict[int, str]:
    """The hashes of some events, by their numbers."""
    query = select(ledger_events.c.seq, ledger_events.c.hash).where(ledger_events.c.seq.in_(numbers))
    return {row.seq: row.hash for row in await connection.execute(query)}


def _event(row: Any) -> Event:
    words = "" if is_words_hash(row.reason) else row.reason  # an older release put the words into the chain
    return Event(
        seq=row.seq,
        at=row.at,
        actor=row.actor,
        actor_name=row.actor_name,
        role=row.role,
        action=row.action,
        subject=row.subject,
        chained_reason=row.reason,
        origin=row.origin,
        data=json.loads(row.data),
        previous=row.previous,
        hash=row.hash,
        reason=words if row.words is None else row.words,
    )
