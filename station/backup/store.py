"""Which backups were made, as rows; and whether a PostgreSQL database is one to restore into."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Index, String, Table, Text, delete, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from station.backup.model import Backup, BackupState
from station.base.database import Transaction, UtcDateTime, metadata

backups = Table(
    "backups",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("target", String(400), nullable=False),
    Column("state", String(12), nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("files", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sent", BigInteger, nullable=False),
    Column("error", Text, nullable=False),
    Index("ix_backups_started_at", "started_at"),
)
ASIDE = "before_restore_"  # how the schema begins that held what was there before


async def add(work: Transaction, backup: Backup) -> None:
    """A new row."""
    values = {column.name: getattr(backup, column.name) for column in backups.columns}
    await work.execute(insert(backups).values(**values))


async def change(work: Transaction, identifier: str, **values: Any) -> None:
    """Of one row."""
    await work.execute(update(backups).where(backups.c.id == identifier).values(**values))


async def delete_before(work: Transaction, moment: datetime) -> None:
    """Rows of backups that began before it."""
    await work.execute(delete(backups).where(backups.c.started_at < moment))


async def newest(connection: AsyncConnection, limit: int, state: BackupState | None = None) -> list[Backup]:
    """The last ones that began, the newest first."""
    query = select(backups).order_by(backups.c.started_at.desc(), backups.c.id.desc()).limit(limit)
    if state is not None:
        query = query.where(backups.c.state == state)
    return [_to_backup(row) for row in await connection.execute(query)]


def _to_backup(row: Any) -> Backup:
    return Backup(**{**row._mapping, "state": BackupState(row.state)})


async def tables_of(connection: AsyncConnection) -> list[str]:
    """The tables that PostgreSQL has where ours go."""
    query = text("SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1")
    return list(await connection.scalars(query))


async def holds_rows(connection: AsyncConnection, tables: list[str]) -> bool:
    """Whether any of them has a row, but for the note of the tables' revision."""
    quote = connection.dialect.identifier_preparer.quote
    for table in tables:
        if table in ("alembic_version", "ledger_head"):  # filled when they are made
            continue
        if await connection.scalar(text(f"SELECT EXISTS (SELECT 1 FROM {quote(table)})")):  # noqa: S608  names of tables
            return True
    return False


async def set_aside(work: Transaction, stamp: str) -> str:
    """Rename the schema with all tables, and make an empty one in its place; returns the new name of the old one."""
    schema = await work.connection.scalar(text("SELECT current_schema()"))
    quoted = work.connection.dialect.identifier_preparer.quote(str(schema))
    await work.execute(text(f"ALTER SCHEMA {quoted} RENAME TO {ASIDE}{stamp}"))
    await work.execute(text(f"CREATE SCHEMA {quoted}"))
    return f"{ASIDE}{stamp}"


async def put_back(work: Transaction, aside: str) -> None:
    """Undo `set_aside`; what was restored into the new schema meanwhile goes."""
    schema = await work.connection.scalar(text("SELECT current_schema()"))
    quoted = work.connection.dialect.identifier_preparer.quote(str(schema))
    await work.execute(text(f"DROP SCHEMA {quoted} CASCADE"))
    await work.execute(text(f"ALTER SCHEMA {aside} RENAME TO {quoted}"))
