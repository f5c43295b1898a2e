"""The table of broadcasts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Index, String, Table, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from station.base.database import UtcDateTime, metadata
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
    Index("ix_broadcasts_meeting_id", "meeting_id"),
    Index("ix_broadcasts_state_started_at", "state", "started_at"),
    Index(
        "uq_broadcasts_on_air",
        "meeting_id",
        unique=True,
        sqlite_where=text("state = 'live'"),
        postgresql_where=text("state = 'live'"),
    ),
    Index("ix_broadcasts_started_at", "started_at"),
)


def to_broadcast(row: Any) -> Broadcast:
    """A row as plain data."""
    return Broadcast(
        row.id, row.meeting_id, row.title, row.host, OnAir(row.state), row.person, row.source_name, row.started_at,
        row.ended_at,
    )  # fmt: skip


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


async def newest_broadcasts(connection: AsyncConnection, state: OnAir | None = None) -> list[Broadcast]:
    """The newest broadcasts, optionally only those on air or only ended ones."""
    query = select(broadcasts).order_by(broadcasts.c.started_at.desc()).limit(LISTED)
    if state is not None:
        query = query.where(broadcasts.c.state == state)
    return [to_broadcast(row) for row in await connection.execute(query)]
