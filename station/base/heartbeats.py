"""Signs of life in the database: one row a process kind, and at the same time the proof that a write is taken."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, String, Table, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from station.base.database import Database, UtcDateTime, metadata
from station.base.inserts import insert_unless_there

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("role", String(40), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
)


async def beat(database: Database, role: str, now: datetime) -> None:
    """Note that the role is alive. Raises DatabaseAway, StorageFull."""
    async with database.transaction() as work:
        changed = await work.execute(update(heartbeats).where(heartbeats.c.role == role).values(at=now))
        if changed.rowcount == 0:
            await insert_unless_there(work, heartbeats, role=role, at=now)  # of two that start, one is enough


async def last_beats(connection: AsyncConnection) -> dict[str, datetime]:
    """When each role was last alive."""
    return {row.role: row.at for row in await connection.execute(select(heartbeats))}


async def last_beat(database: Database, role: str) -> datetime | None:
    """When the role was last alive; None if it never was."""
    async with database.read() as connection:
        found: datetime | None = await connection.scalar(select(heartbeats.c.at).where(heartbeats.c.role == role))
    return found
