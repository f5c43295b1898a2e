"""Forms that could not be taken, kept sealed for the browser that sent them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index, LargeBinary, String, Table, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from station.base.database import Transaction, UtcDateTime, metadata
from station.base.inserts import insert_or_replace

kept_forms = Table(
    "kept_forms",
    metadata,
    Column("browser_hash", String(64), primary_key=True),
    Column("action", String(200), primary_key=True),
    Column("account", String(24), nullable=False),
    Column("page", String(200), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Index("ix_kept_forms_expires_at", "expires_at"),
)


async def put_form(work: Transaction, **values: Any) -> None:
    """Keep a form, in the place of an earlier one of the same action in the same browser."""
    await insert_or_replace(work, kept_forms, [values])


async def count_forms(work: Transaction, browser_hash: str) -> int:
    """How many forms are kept for a browser."""
    query = select(func.count()).where(kept_forms.c.browser_hash == browser_hash)
    return int((await work.execute(query)).scalar_one())


async def forms_of(connection: AsyncConnection, browser_hash: str, page: str, now: datetime) -> list[Any]:
    """The rows of a browser for one page that have not expired, the newest first."""
    query = select(kept_forms).where(
        kept_forms.c.browser_hash == browser_hash, kept_forms.c.page == page, kept_forms.c.expires_at > now
    )
    return list(await connection.execute(query.order_by(kept_forms.c.expires_at.desc())))


async def set_page(work: Transaction, browser_hash: str, action: str, page: str) -> None:
    """Change on which page one form of a browser is shown."""
    this = (kept_forms.c.browser_hash == browser_hash) & (kept_forms.c.action == action)
    await work.execute(update(kept_forms).where(this).values(page=page))


async def drop_form(work: Transaction, browser_hash: str, action: str) -> None:
    """Delete what is kept of one form of a browser."""
    await work.execute(
        delete(kept_forms).where(kept_forms.c.browser_hash == browser_hash, kept_forms.c.action == action)
    )


async def drop_expired(work: Transaction, now: datetime) -> None:
    """Delete forms whose time is over."""
    await work.execute(delete(kept_forms).where(kept_forms.c.expires_at <= now))
