"""The outbox: a notice is a row written in the same transaction as what it tells of, so none is lost."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Index,
    Integer,
    String,
    Table,
    Text,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from station.base.database import Transaction, UtcDateTime, metadata
from station.notices.model import LEASE, Notice, NoticeState

notices = Table(
    "notices",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("channel", String(8), nullable=False),
    Column("address", String(200), nullable=False),
    Column("account", String(24), nullable=False, server_default=""),
    Column("text", Text, nullable=False),
    Column("kind", String(40), nullable=False, server_default=""),
    Column("gaps", JSON, nullable=False, server_default="{}"),
    Column("subject", String(60), nullable=False, default=""),
    Column("secret", Boolean, nullable=False, default=False),
    Column("state", String(10), nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("error", String(400), nullable=False, default=""),
    Column("created_at", UtcDateTime, nullable=False),
    Column("try_after", UtcDateTime, nullable=False),
    Column("sent_at", UtcDateTime),
    Column("read_at", UtcDateTime),
    Index("ix_notices_state_try_after", "state", "try_after"),
    Index("ix_notices_address", "address", "created_at"),
    Index("ix_notices_account", "account", "created_at"),
    Index("ix_notices_created_at", "created_at"),
    Index("ix_notices_state_created_at", "state", "created_at", "id"),
)


_ADD_NOTICE = insert(notices)  # built once, as each booking adds two


async def insert_notices(work: Transaction, rows: Sequence[dict[str, Any]]) -> None:
    """Put notices into the outbox."""
    await work.execute(_ADD_NOTICE, rows)


async def claim_next(work: Transaction, channels: Sequence[str], now: datetime) -> Notice | None:
    """Take the longest waiting notice that is due, codes first, for LEASE: until then no other worker gets it.

    The attempt is counted when it begins, so that a notice that kills its worker is not tried for ever.
    """
    due = (
        select(notices)
        .where(notices.c.state == NoticeState.WAITING, notices.c.try_after <= now, notices.c.channel.in_(channels))
        # Somebody is waiting for a code, whatever else waits; of what waited for the morning the last word comes last.
        .order_by(notices.c.secret.desc(), notices.c.try_after, notices.c.created_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = (await work.execute(due)).first()
    if row is None:
        return None
    taken = {"attempts": row.attempts + 1, "try_after": now + LEASE}
    await work.execute(update(notices).where(notices.c.id == row.id).values(**taken))
    return to_notice(row, attempts=row.attempts + 1)


async def is_told(connection: AsyncConnection, subject: str, kind: str) -> bool:
    """Whether anybody was sent a notice of this kind about a subject."""
    query = select(notices.c.id).where(notices.c.subject == subject, notices.c.kind == kind).limit(1)
    return (await connection.execute(query)).first() is not None


async def drop_waiting(work: Transaction, subject: str, kinds: Collection[str]) -> None:
    """Give up notices of these kinds that have not gone out: what they tell of has changed."""
    waiting = (notices.c.subject == subject) & notices.c.kind.in_(kinds) & (notices.c.state == NoticeState.WAITING)
    values = {"state": NoticeState.FAILED, "error": "overtaken by what happened since"}
    await work.execute(update(notices).where(waiting).values(**values))


async def change_claimed(work: Transaction, notice: Notice, **values: Any) -> None:
    """Note how a delivery ended, unless its lease ran out and another worker has begun since."""
    still = (notices.c.id == notice.id) & (notices.c.attempts == notice.attempts)
    await work.execute(update(notices).where(still, notices.c.state == NoticeState.WAITING).values(**values))


async def newest(connection: AsyncConnection, limit: int, address: str | None = None) -> list[Notice]:
    """The newest notices, for the demo's outbox page."""
    query = select(notices).order_by(notices.c.created_at.desc()).limit(limit)
    if address is not None:
        query = query.where(notices.c.address == address)
    return [to_notice(row) for row in await connection.execute(query)]


async def of_account(connection: AsyncConnection, account: str, limit: int, skip: int) -> list[Notice]:
    """A person's own notices, newest first."""
    query = select(notices).where(notices.c.account == account).order_by(notices.c.created_at.desc(), notices.c.id)
    return [to_notice(row) for row in await connection.execute(query.limit(limit).offset(skip))]


# Built once: every page of who is signed in asks this.
_COUNT_UNREAD = select(func.count()).where(notices.c.account == bindparam("account"), notices.c.read_at.is_(None))


async def count_unread(connection: AsyncConnection, account: str) -> int:
    """How many of a person's notices they have not looked at."""
    return int((await connection.execute(_COUNT_UNREAD, {"account": account})).scalar_one())


async def notice_of(connection: AsyncConnection, account: str, notice_id: str) -> Notice | None:
    """One of a person's own notices."""
    query = select(notices).where(notices.c.id == notice_id, notices.c.account == account)
    row = (await connection.execute(query)).first()
    return None if row is None else to_notice(row)


async def mark_read(work: Transaction, account: str, now: datetime, notice_id: str | None = None) -> None:
    """Note that a person has looked at one of their notices, or at all of them."""
    unread = (notices.c.account == account) & notices.c.read_at.is_(None)
    if notice_id is not None:
        unread &= notices.c.id == notice_id
    await work.execute(update(notices).where(unread).values(read_at=now))


async def delete_before(work: Transaction, moment: datetime) -> int:
    """Delete notices older than a moment; returns how many."""
    return (await work.execute(delete(notices).where(notices.c.created_at < moment))).rowcount


async def count_unsent(connection: AsyncConnection) -> dict[tuple[str, str], int]:
    """How many notices have not been sent, by channel and state."""
    columns = notices.c.channel, notices.c.state
    query = select(*columns, func.count().label("number")).where(notices.c.state != NoticeState.SENT)
    rows = await connection.execute(query.group_by(*columns))
    return {(row.channel, row.state): row.number for row in rows}


def to_notice(row: Any, attempts: int | None = None) -> Notice:
    """A notice from its row."""
    return Notice(
        id=row.id,
        channel=row.channel,
        address=row.address,
        account=row.account,
        text=row.text,
        kind=row.kind,
        gaps=row.gaps,
        subject=row.subject,
        secret=row.secret,
        state=NoticeState(row.state),
        attempts=row.attempts if attempts is None else attempts,
        created_at=row.created_at,
        read_at=row.read_at,
    )
