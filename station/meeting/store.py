"""Tables and queries of meetings, the door and the chat."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, TypedDict, Unpack

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Select,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from station.base.database import Transaction, UtcDateTime, metadata
from station.base.inserts import insert_unless_there
from station.base.jobs import JobStatus, jobs
from station.base.principal import Role
from station.meeting.model import Admission, ChatMessage, Entry, Kind, Meeting, MeetingState

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
    Column("seen_at", UtcDateTime),
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
        id=row.id,
        kind=Kind(row.kind),
        state=MeetingState(row.state),
        title=row.title,
        booking_id=row.booking_id or "",
        deputy_id=row.deputy_id,
        deputy_name=row.deputy_name,
        citizen=row.citizen,
        citizen_name=row.citizen_name,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        public=row.public,
        published=row.published,
        opened_at=row.opened_at,
        ended_at=row.ended_at,
    )


def to_entry(row: Any) -> Entry:
    """A row of `lobby_entries` as plain data."""
    return Entry(
        meeting_id=row.meeting_id,
        account=row.account,
        name=row.name,
        role=Role(row.role),
        state=Admission(row.state),
        ready=row.ready,
        entered_at=row.entered_at,
        granted_at=row.granted_at,
        seen_at=row.seen_at,
    )


async def meeting_by_id(connection: AsyncConnection, meeting_id: str, *, for_update: bool = False) -> Meeting | None:
    """The meeting with that id; locked until the end of the transaction when asked."""
    query = select(meetings).where(meetings.c.id == meeting_id)
    row = (await connection.execute(query.with_for_update() if for_update else query)).first()
    return None if row is None else to_meeting(row)


async def meeting_by_booking(connection: AsyncConnection, booking_id: str) -> Meeting | None:
    """The meeting in which a booking is received, if there is one yet."""
    row = (await connection.execute(select(meetings).where(meetings.c.booking_id == booking_id))).first()
    return None if row is None else to_meeting(row)


async def find_same_hearing(connection: AsyncConnection, wanted: Meeting) -> str | None:
    """The hearing of that name, chair and times that has not been held yet: the same form sent twice."""
    c = meetings.c
    same = (c.kind == Kind.HEARING) & (c.title == wanted.title) & (c.deputy_id == wanted.deputy_id)
    same &= (c.starts_at == wanted.starts_at) & (c.ends_at == wanted.ends_at) & (c.public == wanted.public)
    same &= c.state == MeetingState.SCHEDULED
    found = (await connection.execute(select(c.id).where(same))).scalars().first()
    return None if found is None else str(found)


async def add_meeting(work: Transaction, meeting: Meeting, now: datetime) -> bool:
    """Store a new meeting; False when there is one of the same booking."""
    return await insert_unless_there(
        work,
        meetings,
        id=meeting.id,
        kind=meeting.kind,
        state=meeting.state,
        title=meeting.title,
        booking_id=meeting.booking_id or None,
        deputy_id=meeting.deputy_id,
        deputy_name=meeting.deputy_name,
        citizen=meeting.citizen,
        citizen_name=meeting.citizen_name,
        starts_at=meeting.starts_at,
        ends_at=meeting.ends_at,
        public=meeting.public,
        published=False,
        created_at=now,
    )


class MeetingColumns(TypedDict, total=False):
    """What of a meeting may change."""

    state: MeetingState
    published: bool
    opened_at: datetime
    ended_at: datetime


async def change_meeting(work: Transaction, meeting_id: str, **values: Unpack[MeetingColumns]) -> None:
    """Write columns of a meeting; the caller holds its row."""
    await work.execute(update(meetings).where(meetings.c.id == meeting_id).values(**values))


async def retitle_reception(work: Transaction, booking_id: str, title: str) -> None:
    """Call the reception of a booking otherwise, if there is one."""
    c = meetings.c
    where = (c.booking_id == booking_id) & (c.kind == Kind.RECEPTION)
    await work.execute(update(meetings).where(where).values(title=title))


async def meetings_by_booking(connection: AsyncConnection, bookings: Sequence[str]) -> dict[str, Meeting]:
    """Meetings that were made for bookings, by booking id."""
    rows = await connection.execute(select(meetings).where(meetings.c.booking_id.in_(bookings)))
    return {row.booking_id: to_meeting(row) for row in rows}


async def ended_without_job(connection: AsyncConnection, since: datetime, until: datetime) -> list[str]:
    """Meetings that ended in a span of time and that nothing has asked to be composed."""
    asked = select(jobs.c.id).where(jobs.c.key == "compose:" + meetings.c.id)
    query = select(meetings.c.id).where(meetings.c.ended_at >= since, meetings.c.ended_at < until, ~asked.exists())
    return list((await connection.execute(query.order_by(meetings.c.ended_at).limit(MAX_LISTED))).scalars())


async def uncomposed_unsealed(connection: AsyncConnection, before: datetime) -> list[str]:
    """Meetings whose video has failed for good before a moment, and that nothing has asked to be sealed."""
    seal = jobs.alias()
    asked = select(seal.c.id).where(seal.c.key == "seal:" + meetings.c.id)
    query = select(meetings.c.id).join(jobs, jobs.c.key == "compose:" + meetings.c.id)
    query = query.where(jobs.c.state == JobStatus.FAILED, jobs.c.finished_at < before, ~asked.exists())
    query = query.where(meetings.c.expired_at.is_(None)).order_by(jobs.c.finished_at).limit(MAX_LISTED)
    return list((await connection.execute(query)).scalars())


async def meetings_by_id(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, Meeting]:
    """Several meetings at once; those not found are left out."""
    rows = await connection.execute(select(meetings).where(meetings.c.id.in_(ids)))
    return {row.id: to_meeting(row) for row in rows}


async def open_hearings(
    connection: AsyncConnection, deputy_ids: Collection[str] | None, states: Sequence[MeetingState]
) -> list[Meeting]:
    """Hearings in some states, the earliest first; of some deputies only, when asked."""
    query = _hearings(deputy_ids).where(meetings.c.state.in_(states)).order_by(meetings.c.starts_at).limit(MAX_LISTED)
    return [to_meeting(row) for row in await connection.execute(query)]


async def ended_hearings(
    connection: AsyncConnection, deputy_ids: Collection[str] | None, offset: int, limit: int
) -> list[Meeting]:
    """Hearings that have been held, the newest first, a page of them."""
    query = _hearings(deputy_ids).where(meetings.c.state == MeetingState.ENDED)
    query = query.order_by(meetings.c.starts_at.desc(), meetings.c.id).offset(offset).limit(limit)
    return [to_meeting(row) for row in await connection.execute(query)]


async def hearings_between(
    connection: AsyncConnection, deputy_ids: Collection[str] | None, since: datetime, until: datetime
) -> list[Meeting]:
    """Hearings that begin in a span of time, and those that are under way, the earliest first."""
    begins = (meetings.c.starts_at >= since) & (meetings.c.starts_at < until)
    query = _hearings(deputy_ids).where(begins | (meetings.c.state == MeetingState.OPEN))
    return [to_meeting(row) for row in await connection.execute(query.order_by(meetings.c.starts_at).limit(MAX_LISTED))]


async def count_ended_receptions(
    connection: AsyncConnection, deputy_ids: Collection[str] | None, since: datetime, until: datetime
) -> int:
    """How many receptions that were to begin in a span of time are over."""
    query = (
        select(func.count())
        .select_from(meetings)
        .where(
            meetings.c.kind == Kind.RECEPTION,
            meetings.c.state == MeetingState.ENDED,
            meetings.c.starts_at >= since,
            meetings.c.starts_at < until,
        )
    )
    if deputy_ids is not None:
        query = query.where(meetings.c.deputy_id.in_(sorted(deputy_ids)))
    return int((await connection.execute(query)).scalar_one())


def _hearings(deputy_ids: Collection[str] | None) -> Select[Any]:
    query = select(meetings).where(meetings.c.kind == Kind.HEARING)
    return query if deputy_ids is None else query.where(meetings.c.deputy_id.in_(deputy_ids))


async def entry_of(
    connection: AsyncConnection, meeting_id: str, account: str, for_update: bool = False
) -> Entry | None:
    """A person's place at the door of a meeting."""
    table = lobby_entries
    query = select(table).where(table.c.meeting_id == meeting_id, table.c.account == account)
    row = (await connection.execute(query.with_for_update() if for_update else query)).first()
    return None if row is None else to_entry(row)


async def add_entry(work: Transaction, **values: object) -> None:
    """Somebody's place at the door; the caller holds the meeting's row, which stands for the door."""
    await work.execute(insert(lobby_entries).values(**values))


class EntryColumns(TypedDict, total=False):
    """What of a person's place at the door may change."""

    state: Admission
    ready: bool
    entered_at: datetime
    granted_at: datetime
    seen_at: datetime


async def change_entry(work: Transaction, meeting_id: str, account: str, **values: Unpack[EntryColumns]) -> None:
    """Write columns of a person's place at the door; nothing happens where there is none (hosts have none)."""
    table = lobby_entries
    own = (table.c.meeting_id == meeting_id) & (table.c.account == account)
    await work.execute(update(table).where(own).values(**values))


async def entries_of(connection: AsyncConnection, meeting_id: str) -> list[Entry]:
    """Everybody who ever came to the door of a meeting, in the order they came."""
    query = (
        select(lobby_entries)
        .where(lobby_entries.c.meeting_id == meeting_id)
        .order_by(lobby_entries.c.entered_at, lobby_entries.c.id)
    )
    return [to_entry(row) for row in await connection.execute(query)]


async def waiting_for(
    connection: AsyncConnection, deputy_ids: Collection[str] | None, seen_since: datetime
) -> list[tuple[Meeting, Entry]]:
    """Who waits and has given a sign of life since then, in the order of their appointments, then of their coming."""
    query = (
        select(meetings, *(column.label(f"entry_{column.name}") for column in lobby_entries.c))
        .join(lobby_entries, lobby_entries.c.meeting_id == meetings.c.id)
        .where(
            lobby_entries.c.state == Admission.WAITING,
            lobby_entries.c.seen_at >= seen_since,
            meetings.c.state != MeetingState.ENDED,
        )
        .order_by(meetings.c.starts_at, lobby_entries.c.entered_at, lobby_entries.c.id)
        .limit(MAX_LISTED)
    )
    if deputy_ids is not None:
        query = query.where(meetings.c.deputy_id.in_(deputy_ids))
    found: list[tuple[Meeting, Entry]] = []
    for row in await connection.execute(query):
        entry = Entry(
            meeting_id=row.entry_meeting_id,
            account=row.entry_account,
            name=row.entry_name,
            role=Role(row.entry_role),
            state=Admission(row.entry_state),
            ready=row.entry_ready,
            entered_at=row.entry_entered_at,
            granted_at=row.entry_granted_at,
            seen_at=row.entry_seen_at,
        )
        found.append((to_meeting(row), entry))
    return found


async def let_in_elsewhere(connection: AsyncConnection, deputy_id: str, except_meeting: str) -> set[tuple[str, str]]:
    """(meeting, account) of all who have been let in to the deputy's other meetings under way."""
    query = (
        select(meetings.c.id, lobby_entries.c.account)
        .join(lobby_entries, lobby_entries.c.meeting_id == meetings.c.id)
        .where(
            meetings.c.deputy_id == deputy_id,
            meetings.c.state == MeetingState.OPEN,
            meetings.c.id != except_meeting,
            lobby_entries.c.state == Admission.ADMITTED,
        )
        .limit(MAX_LISTED)
    )
    return {(row.id, row.account) for row in await connection.execute(query)}


async def add_chat(work: Transaction, meeting_id: str, message: ChatMessage) -> None:
    """One line more of what people write to each other."""
    values = {"name": message.name, "text": message.text, "at": message.at}
    row = {"id": message.id, "meeting_id": meeting_id, "account": message.account, **values}
    await work.execute(insert(chat_messages).values(row))


async def chat_of(connection: AsyncConnection, meeting_id: str) -> list[ChatMessage]:
    """Everything written in a meeting, the oldest first."""
    table = chat_messages
    query = select(table).where(table.c.meeting_id == meeting_id).order_by(table.c.at, table.c.id)
    return [_to_message(row) for row in await connection.execute(query)]


async def chat_message(connection: AsyncConnection, message_id: str) -> ChatMessage | None:
    """One line of a chat; None once it was deleted."""
    row = (await connection.execute(select(chat_messages).where(chat_messages.c.id == message_id))).first()
    return None if row is None else _to_message(row)


def _to_message(row: Any) -> ChatMessage:
    return ChatMessage(row.id, row.account, row.name, row.text, row.at)
