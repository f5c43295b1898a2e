"""Tables and queries of meetings, the door and the chat."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Column, Index, String, Table, Text, UniqueConstraint, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from station.base.database import Transaction, UtcDateTime, metadata
from station.base.jobs import jobs
from station.base.principal import Role
from station.meeting.model import Admission, ChatMessage, Entry, Kind, Meeting, State

MAX_LISTED = 200

meetings = Table(
    "meetings",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("kind", String(12), nullable=False),
    Column("state", String(12), nullable=False),
    Column("title", String(200), nullable=False),
    Column("booking_id", String(24), unique=True),
    Column("deputy_id", String(24), nullable=False),
    Column("deputy_name", String(80), nullable=False),
    Column("citizen", String(24), nullable=False, default=""),
    Column("citizen_name", String(80), nullable=False, default=""),
    Column("starts_at", UtcDateTime, nullable=False),
    Column("ends_at", UtcDateTime, nullable=False),
    Column("public", Boolean, nullable=False, default=False),
    Column("published", Boolean, nullable=False, default=False),
    Column("opened_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expired_at", UtcDateTime),  # when recording, bag and chat were deleted because their term was over
    Index("ix_meetings_kind_starts_at", "kind", "starts_at"),
    Index("ix_meetings_deputy_id_state", "deputy_id", "state"),
)

lobby_entries = Table(
    "lobby_entries",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("meeting_id", String(24), nullable=False),
    Column("account", String(24), nullable=False),
    Column("name", String(80), nullable=False),
    Column("role", String(12), nullable=False),
    Column("state", String(12), nullable=False),
    Column("ready", Boolean, nullable=False, default=False),
    Column("entered_at", UtcDateTime, nullable=False),
    Column("granted_at", UtcDateTime),
    UniqueConstraint("meeting_id", "account"),
    Index("ix_lobby_entries_state", "state"),
)

chat_messages = Table(
    "chat_messages",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("meeting_id", String(24), nullable=False),
    Column("account", String(24), nullable=False),
    Column("name", String(80), nullable=False),
    Column("text", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_chat_messages_meeting_id_at", "meeting_id", "at"),
)


def to_meeting(row: Any) -> Meeting:
    """A row of `meetings` as plain data."""
    return Meeting(
        row.id, Kind(row.kind), State(row.state), row.title, row.booking_id or "", row.deputy_id, row.deputy_name,
        row.citizen, row.citizen_name, row.starts_at, row.ends_at, row.public, row.published, row.opened_at,
        row.ended_at,
    )  # fmt: skip


def to_entry(row: Any) -> Entry:
    """A row of `lobby_entries` as plain data."""
    return Entry(
        row.meeting_id, row.account, row.name, Role(row.role), Admission(row.state), row.ready, row.entered_at,
        row.granted_at,
    )  # fmt: skip


async def meeting_by(connection: AsyncConnection, *, for_update: bool = False, **equals: str) -> Meeting | None:
    """The meeting with that id or booking_id; locked until the end of the transaction when asked."""
    query = select(meetings).where(*(meetings.c[name] == value for name, value in equals.items()))
    row = (await connection.execute(query.with_for_update() if for_update else query)).first()
    return None if row is None else to_meeting(row)


async def meetings_by_booking(connection: AsyncConnection, bookings: Sequence[str]) -> dict[str, Meeting]:
    """Meetings that were made for bookings, by booking id."""
    rows = await connection.execute(select(meetings).where(meetings.c.booking_id.in_(bookings)))
    return {row.booking_id: to_meeting(row) for row in rows}


async def ended_without_job(connection: AsyncConnection, since: datetime, until: datetime) -> list[str]:
    """Meetings that ended in a span of time and that nothing has asked to be composed."""
    asked = select(jobs.c.id).where(jobs.c.key == "compose:" + meetings.c.id)
    query = select(meetings.c.id).where(meetings.c.ended_at >= since, meetings.c.ended_at < until, ~asked.exists())
    return list((await connection.execute(query.order_by(meetings.c.ended_at).limit(MAX_LISTED))).scalars())


async def held_before(connection: AsyncConnection, moment: datetime) -> list[str]:
    """Meetings that were over before a moment and of which not everything has been deleted yet."""
    over = func.coalesce(meetings.c.ended_at, meetings.c.ends_at) < moment
    query = select(meetings.c.id).where(over, meetings.c.expired_at.is_(None), meetings.c.state != State.OPEN)
    return list((await connection.execute(query.limit(MAX_LISTED))).scalars())


async def delete_chat(work: Transaction, meeting_id: str) -> int:
    """Delete what was written in a meeting; returns how many lines."""
    return (await work.execute(delete(chat_messages).where(chat_messages.c.meeting_id == meeting_id))).rowcount


async def set_expired(work: Transaction, meeting_id: str, now: datetime) -> None:
    """Note that the term of a meeting's recording is over; nothing of it is public any longer."""
    values = {"expired_at": now, "published": False}
    await work.execute(update(meetings).where(meetings.c.id == meeting_id).values(**values))


async def hearings_since(connection: AsyncConnection, since: datetime) -> list[Meeting]:
    """Hearings from a moment on, the earliest first."""
    query = (
        select(meetings)
        .where(meetings.c.kind == Kind.HEARING, meetings.c.starts_at >= since)
        .order_by(meetings.c.starts_at)
        .limit(MAX_LISTED)
    )
    return [to_meeting(row) for row in await connection.execute(query)]


async def entry_of(
    connection: AsyncConnection, meeting_id: str, account: str, for_update: bool = False
) -> Entry | None:
    """A person's place at the door of a meeting."""
    table = lobby_entries
    query = select(table).where(table.c.meeting_id == meeting_id, table.c.account == account)
    row = (await connection.execute(query.with_for_update() if for_update else query)).first()
    return None if row is None else to_entry(row)


async def entries_of(connection: AsyncConnection, meeting_id: str) -> list[Entry]:
    """Everybody who ever came to the door of a meeting, in the order they came."""
    query = (
        select(lobby_entries)
        .where(lobby_entries.c.meeting_id == meeting_id)
        .order_by(lobby_entries.c.entered_at, lobby_entries.c.id)
    )
    return [to_entry(row) for row in await connection.execute(query)]


async def waiting_for(connection: AsyncConnection, deputy_id: str | None = None) -> list[tuple[Meeting, Entry]]:
    """Who waits now, for one deputy or for all, in the order of their appointments, then of their coming."""
    query = (
        select(meetings, *(column.label(f"entry_{column.name}") for column in lobby_entries.c))
        .join(lobby_entries, lobby_entries.c.meeting_id == meetings.c.id)
        .where(lobby_entries.c.state == Admission.WAITING, meetings.c.state != State.ENDED)
        .order_by(meetings.c.starts_at, lobby_entries.c.entered_at, lobby_entries.c.id)
        .limit(MAX_LISTED)
    )
    if deputy_id is not None:
        query = query.where(meetings.c.deputy_id == deputy_id)
    found: list[tuple[Meeting, Entry]] = []
    for row in await connection.execute(query):
        entry = Entry(
            row.entry_meeting_id, row.entry_account, row.entry_name, Role(row.entry_role),
            Admission(row.entry_state), row.entry_ready, row.entry_entered_at, row.entry_granted_at,
        )  # fmt: skip
        found.append((to_meeting(row), entry))
    return found


async def deputy_is_busy(connection: AsyncConnection, deputy_id: str, except_meeting: str) -> bool:
    """Whether the deputy sits in another meeting with somebody let in."""
    query = (
        select(meetings.c.id)
        .join(lobby_entries, lobby_entries.c.meeting_id == meetings.c.id)
        .where(
            meetings.c.deputy_id == deputy_id,
            meetings.c.state == State.OPEN,
            meetings.c.id != except_meeting,
            lobby_entries.c.state == Admission.ADMITTED,
        )
        .limit(1)
    )
    return (await connection.execute(query)).first() is not None


async def chat_of(connection: AsyncConnection, meeting_id: str) -> list[ChatMessage]:
    """Everything written in a meeting, the oldest first."""
    table = chat_messages
    query = select(table).where(table.c.meeting_id == meeting_id).order_by(table.c.at, table.c.id)
    return [ChatMessage(r.id, r.account, r.name, r.text, r.at) for r in await connection.execute(query)]
