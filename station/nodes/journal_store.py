"""What the media role told: where we are in its journal, who was in the room when, when it recorded."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Index, String, Table, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from station.base.database import Transaction, UtcDateTime, metadata
from station.base.inserts import insert_unless_there

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


async def lock_cursor(work: Transaction, journal: str) -> int:
    """The number of the last event applied (0 for a new journal), held until the end of the transaction.

    Two readers of one journal come one after another; the rows that two journals both change are no matter of it.
    """
    await insert_unless_there(work, media_cursors, journal=journal, seq=0)
    query = select(media_cursors.c.seq).where(media_cursors.c.journal == journal).with_for_update()
    return int((await work.execute(query)).scalar_one())


async def move_cursor(work: Transaction, journal: str, seq: int) -> None:
    """Note the last event applied; the caller holds the cursor."""
    await work.execute(update(media_cursors).where(media_cursors.c.journal == journal).values(seq=seq))


async def cursor_of(connection: AsyncConnection, journal: str) -> int:
    """The number of the last event applied; 0 for a journal that was never read."""
    query = select(media_cursors.c.seq).where(media_cursors.c.journal == journal)
    return int((await connection.execute(query)).scalar() or 0)


async def add_stays(work: Transaction, stays: list[dict[str, Any]]) -> None:
    """New rows of attendance, each with all its columns."""
    await work.execute(insert(attendance), stays)


async def end_stay_at(work: Transaction, room: str, person: str, moment: datetime) -> None:
    """End the stay of a person that lasted over a moment, if there is one, at that moment."""
    own = (attendance.c.room == room) & (attendance.c.person == person)
    open_then = attendance.c.left_at.is_(None) | (attendance.c.left_at > moment)
    over = own & open_then & (attendance.c.joined_at <= moment)
    await work.execute(update(attendance).where(over).values(left_at=moment))


async def next_joined_at(work: Transaction, room: str, person: str, moment: datetime) -> datetime | None:
    """When the person joined the room again after a moment; None if they did not."""
    own = (attendance.c.room == room) & (attendance.c.person == person)
    query = select(func.min(attendance.c.joined_at)).where(own, attendance.c.joined_at > moment)
    found: datetime | None = (await work.execute(query)).scalar()
    return found


async def end_open_stays(
    work: Transaction, room: str, at: datetime, person: str | None = None, session: str = ""
) -> None:
    """End the open stays in a room: all, or a person's, or those of one session.

    The session matters where it is known: the same person may be back already, at another process.
    """
    here = (attendance.c.room == room) & attendance.c.left_at.is_(None)
    if person is not None:
        here &= attendance.c.person == person
    if session:
        here &= attendance.c.session == session
    await work.execute(update(attendance).where(here).values(left_at=at))


async def add_mark(work: Transaction, **values: Any) -> None:
    """A moment at which a recording began, paused, went on or ended."""
    await work.execute(insert(recording_marks).values(**values))


async def attendance_of(connection: AsyncConnection, room: str) -> list[Attended]:
    """Everybody who was in the room, in the order they came."""
    query = select(attendance).where(attendance.c.room == room).order_by(attendance.c.joined_at)
    return [Attended(r.person, r.name, r.joined_at, r.left_at) for r in await connection.execute(query)]


async def blank_names(work: Transaction, room: str) -> int:
    """Leave who was in a room without their names, so that the stays still count; returns how many had one."""
    named = (attendance.c.room == room) & (attendance.c.name != "")
    return (await work.execute(update(attendance).where(named).values(name=""))).rowcount


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
