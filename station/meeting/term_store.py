"""Queries of what time alone brings to a meeting: left open, past its term."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from station.base.database import Transaction
from station.meeting.model import Meeting, MeetingState
from station.meeting.store import MAX_LISTED, chat_messages, meetings, to_meeting


async def left_open(connection: AsyncConnection, moment: datetime) -> list[Meeting]:
    """Meetings under way that were to be over before a moment."""
    forgotten = (meetings.c.state == MeetingState.OPEN) & (meetings.c.ends_at < moment)
    query = select(meetings).where(forgotten).order_by(meetings.c.ends_at).limit(MAX_LISTED)
    return [to_meeting(row) for row in await connection.execute(query)]


async def held_before(connection: AsyncConnection, moment: datetime) -> list[str]:
    """Meetings that were over before a moment and of which not everything has been deleted yet."""
    over = func.coalesce(meetings.c.ended_at, meetings.c.ends_at) < moment
    query = select(meetings.c.id).where(over, meetings.c.expired_at.is_(None), meetings.c.state != MeetingState.OPEN)
    return list((await connection.execute(query.limit(MAX_LISTED))).scalars())


async def is_expired(connection: AsyncConnection, meeting_id: str) -> bool:
    """Whether the term of a meeting's recording is over, and all of it deleted."""
    query = select(meetings.c.id).where(meetings.c.id == meeting_id, meetings.c.expired_at.is_not(None))
    return (await connection.execute(query)).first() is not None


async def set_expired(work: Transaction, meeting_id: str, now: datetime) -> None:
    """Note that the term of a meeting's recording is over; nothing of it is public any longer."""
    values = {"expired_at": now, "published": False}
    await work.execute(update(meetings).where(meetings.c.id == meeting_id).values(**values))


async def delete_chat(work: Transaction, meeting_id: str) -> int:
    """Delete what was written in a meeting; returns how many lines."""
    return (await work.execute(delete(chat_messages).where(chat_messages.c.meeting_id == meeting_id))).rowcount
