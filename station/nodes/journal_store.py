"""What the media role told: where we are in its journal, who was in the room when, when it recorded."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Column, Index, String, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from station.base.database import UtcDateTime, metadata

media_cursors = Table(
    "media_cursors",
    metadata,
    Column("journal", String(64), primary_key=True),
    Column("seq", BigInteger, nullable=False),
)

attendance = Table(
    "attendance",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("room", String(64), nullable=False),
    Column("person", String(64), nullable=False),
    Column("name", String(120), nullable=False),
    Column("session", String(64), nullable=False),
    Column("joined_at", UtcDateTime, nullable=False),
    Column("left_at", UtcDateTime),
    Index("ix_attendance_room", "room", "joined_at"),
)

recording_marks = Table(
    "recording_marks",
    metadata,
    Column("journal", String(64), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("room", String(64), nullable=False),
    Column("mark", String(20), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Index("ix_recording_marks_room", "room", "at_ms"),
)


@dataclass(frozen=True, slots=True)
class Attended:
    """One stay of one person in a room."""

    person: str
    name: str
    joined_at: datetime
    left_at: datetime | None


async def attendance_of(connection: AsyncConnection, room: str) -> list[Attended]:
    """Everybody who was in the room, in the order they came."""
    query = select(attendance).where(attendance.c.room == room).order_by(attendance.c.joined_at)
    return [Attended(r.person, r.name, r.joined_at, r.left_at) for r in await connection.execute(query)]


async def here_now(connection: AsyncConnection, rooms: Collection[str]) -> set[tuple[str, str]]:
    """(room, person) of all who are connected to one of these rooms now."""
    query = select(attendance.c.room, attendance.c.person).where(
        attendance.c.room.in_(rooms), attendance.c.left_at.is_(None)
    )
    return {(row.room, row.person) for row in await connection.execute(query)}


async def was_recorded(connection: AsyncConnection, room: str) -> bool:
    """Whether anything of the room has ever been recorded."""
    query = select(recording_marks.c.seq).where(recording_marks.c.room == room, recording_marks.c.mark == "started")
    return (await connection.execute(query.limit(1))).first() is not None


async def marks_of(connection: AsyncConnection, room: str) -> list[tuple[str, int]]:
    """When recording began, paused, went on and ended: (mark, Unix ms), oldest first."""
    query = select(recording_marks).where(recording_marks.c.room == room)
    query = query.order_by(recording_marks.c.at_ms, recording_marks.c.seq)
    return [(row.mark, row.at_ms) for row in await connection.execute(query)]
