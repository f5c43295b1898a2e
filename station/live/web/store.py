"""The table of broadcasts."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypedDict, Unpack

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, bindparam, insert, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from station.base.database import Transaction, UtcDateTime, metadata
from station.base.inserts import insert_unless_there
from station.live.web.model import Broadcast, OnAir

LISTED = 50

broadcasts = Table(
    "broadcasts",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("meeting_id", String(24), nullable=False),
    Column("title", String(200), nullable=False),
    Column("host", String(80), nullable=False, default=""),
    Column("state", String(12), nullable=False),
    Column("person", String(24), nullable=False),
    Column("source_name", String(80), nullable=False, default=""),
    Column("started_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("published", Boolean, nullable=False, default=False),
    Column("revision", Integer, nullable=False, default=0),
    Column("pending", Boolean, nullable=False, default=False),  # the live role has not been told yet
    Index("ix_broadcasts_meeting_id", "meeting_id"),
    Index("ix_broadcasts_state_started_at", "state", "started_at"),
    Index("ix_broadcasts_pending", "pending"),
    Index(
        "uq_broadcasts_on_air",
        "meeting_id",
        unique=True,
        sqlite_where=text("state = 'live'"),
        postgresql_where=text("state = 'live'"),
    ),
    Index("ix_broadcasts_started_at", "started_at"),
)

broadcast_sources = Table(
    "broadcast_sources",
    metadata,
    Column("broadcast_id", String(24), primary_key=True),
    Column("person", String(24), primary_key=True),
    Column("hidden", Boolean, nullable=False, default=False),
    Index("ix_broadcast_sources_person", "person"),
)


def to_broadcast(row: Any) -> Broadcast:
    """A row as plain data."""
    return Broadcast(
        id=row.id,
        meeting_id=row.meeting_id,
        title=row.title,
        host=row.host,
        state=OnAir(row.state),
        person=row.person,
        source_name=row.source_name,
        started_at=row.started_at,
        ended_at=row.ended_at,
        published=row.published,
        revision=row.revision,
    )


async def broadcast_by(connection: AsyncConnection, broadcast_id: str, for_update: bool = False) -> Broadcast | None:
    """The broadcast with that id."""
    query = select(broadcasts).where(broadcasts.c.id == broadcast_id)
    row = (await connection.execute(query.with_for_update() if for_update else query)).first()
    return None if row is None else to_broadcast(row)


async def on_air_among(connection: AsyncConnection, ids: list[str]) -> set[str]:
    """Those of some broadcasts that are on air by their rows."""
    query = select(broadcasts.c.id).where(broadcasts.c.id.in_(ids), broadcasts.c.state == OnAir.LIVE)
    return set((await connection.execute(query)).scalars())


async def broadcasts_of(connection: AsyncConnection, meeting_id: str) -> list[Broadcast]:
    """All broadcasts of a meeting, the newest first."""
    query = select(broadcasts).where(broadcasts.c.meeting_id == meeting_id).order_by(broadcasts.c.started_at.desc())
    return [to_broadcast(row) for row in await connection.execute(query)]


# Built once, as every view of the home page asks for what is on air.
_NEWEST = select(broadcasts).order_by(broadcasts.c.started_at.desc()).limit(LISTED)
_IN_STATE = _NEWEST.where(broadcasts.c.state == bindparam("state"))
_PUBLIC = or_(broadcasts.c.state == OnAir.LIVE, broadcasts.c.published.is_(True))
_NEWEST_PUBLIC, _PUBLIC_IN_STATE = _NEWEST.where(_PUBLIC), _IN_STATE.where(_PUBLIC)


async def newest_broadcasts(
    connection: AsyncConnection, state: OnAir | None = None, public: bool = False
) -> list[Broadcast]:
    """The newest broadcasts, optionally only those in a state, or only those that everybody may see."""
    if state is None:
        rows = await connection.execute(_NEWEST_PUBLIC if public else _NEWEST)
    else:
        rows = await connection.execute(_PUBLIC_IN_STATE if public else _IN_STATE, {"state": state})
    return [to_broadcast(row) for row in rows]


async def broadcasts_showing(connection: AsyncConnection, meeting_id: str, person: str) -> list[Broadcast]:
    """The broadcasts of a meeting in which a person has been shown, locked until the end of the transaction."""
    shown = select(broadcast_sources.c.broadcast_id).where(broadcast_sources.c.person == person)
    query = (
        select(broadcasts)
        .where(broadcasts.c.meeting_id == meeting_id, broadcasts.c.id.in_(shown))
        .order_by(broadcasts.c.id)
        .with_for_update()
    )
    return [to_broadcast(row) for row in await connection.execute(query)]


async def sources_of(connection: AsyncConnection, broadcast_id: str) -> dict[str, bool]:
    """Everybody who has been shown in a broadcast, and whether their part is hidden."""
    table = broadcast_sources
    query = select(table).where(table.c.broadcast_id == broadcast_id).order_by(table.c.person)
    return {row.person: row.hidden for row in await connection.execute(query)}


async def add_source(work: Transaction, broadcast_id: str, person: str) -> None:
    """Note that a person is shown in a broadcast. The caller has locked the broadcast, or just made it."""
    if person not in await sources_of(work.connection, broadcast_id):
        values = {"broadcast_id": broadcast_id, "person": person, "hidden": False}
        await work.execute(insert(broadcast_sources).values(**values))


async def hide_source(work: Transaction, broadcast_id: str, person: str, hidden: bool) -> bool:
    """Hide a person's part of a broadcast, or show it again; returns whether that changed anything."""
    table = broadcast_sources
    own = (table.c.broadcast_id == broadcast_id) & (table.c.person == person)
    changed = await work.execute(update(table).where(own, table.c.hidden.is_(not hidden)).values(hidden=hidden))
    return changed.rowcount > 0


async def add_broadcast(work: Transaction, broadcast: Broadcast) -> bool:
    """Store a broadcast that goes on air; False when another of its meeting is on air (an index says so)."""
    return await insert_unless_there(
        work,
        broadcasts,
        id=broadcast.id,
        meeting_id=broadcast.meeting_id,
        title=broadcast.title,
        host=broadcast.host,
        state=OnAir.LIVE,
        person=broadcast.person,
        source_name=broadcast.source_name,
        started_at=broadcast.started_at,
    )


class BroadcastColumns(TypedDict, total=False):
    """What of a broadcast may change."""

    state: OnAir
    person: str
    source_name: str
    published: bool
    ended_at: datetime | None


async def set_columns(work: Transaction, broadcast_id: str, **values: Unpack[BroadcastColumns]) -> None:
    """Write columns of a locked broadcast of which the live role knows already."""
    await work.execute(update(broadcasts).where(broadcasts.c.id == broadcast_id).values(**values))


async def change_broadcast(work: Transaction, broadcast: Broadcast, **values: Unpack[BroadcastColumns]) -> None:
    """Change a locked broadcast; the live role is to be told."""
    changed = {**values, "revision": broadcast.revision + 1, "pending": True}
    await work.execute(update(broadcasts).where(broadcasts.c.id == broadcast.id).values(**changed))


async def pending_broadcasts(connection: AsyncConnection) -> list[str]:
    """The broadcasts of which the live role does not know the newest yet."""
    query = select(broadcasts.c.id).where(broadcasts.c.pending.is_(True)).limit(LISTED)
    return list((await connection.execute(query)).scalars())


async def mark_told(work: Transaction, broadcast: Broadcast) -> bool:
    """The live role knows this revision; False when a newer one is to be told."""
    same = (broadcasts.c.id == broadcast.id) & (broadcasts.c.revision == broadcast.revision)
    return (await work.execute(update(broadcasts).where(same).values(pending=False))).rowcount == 1
