"""The outbox: a notice is a row written in the same transaction as what it tells of, so none is lost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text, select
from sqlalchemy.ext.asyncio import AsyncConnection

from station.base.database import UtcDateTime, metadata

notices = Table(
    "notices",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("channel", String(8), nullable=False),
    Column("address", String(200), nullable=False),
    Column("text", Text, nullable=False),
    Column("subject", String(60), nullable=False, default=""),
    Column("secret", Boolean, nullable=False, default=False),
    Column("state", String(10), nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("error", String(400), nullable=False, default=""),
    Column("created_at", UtcDateTime, nullable=False),
    Column("try_after", UtcDateTime, nullable=False),
    Column("sent_at", UtcDateTime),
    Index("ix_notices_state_try_after", "state", "try_after"),
    Index("ix_notices_address", "address", "created_at"),
)


@dataclass(frozen=True, slots=True)
class Notice:
    """One message on its way; `state` is waiting, sent or failed."""

    id: str
    channel: str
    address: str
    text: str
    subject: str
    state: str
    attempts: int
    created_at: datetime


async def newest(connection: AsyncConnection, limit: int, address: str | None = None) -> list[Notice]:
    """The newest notices, for the demo's outbox page or one person's list."""
    query = select(notices).order_by(notices.c.created_at.desc()).limit(limit)
    if address is not None:
        query = query.where(notices.c.address == address)
    return [
        Notice(r.id, r.channel, r.address, r.text, r.subject, r.state, r.attempts, r.created_at)
        for r in await connection.execute(query)
    ]
