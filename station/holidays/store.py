"""The table of notices, one row a year."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Column, Integer, String, Table, Text, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from station.base.database import Transaction, UtcDateTime, metadata
from station.base.inserts import insert_or_replace
from station.holidays.notice import Break

holiday_notices = Table(
    "holiday_notices",
    metadata,
    Column("year", Integer, primary_key=True, autoincrement=False),
    Column("breaks", Text, nullable=False),  # JSON: names, first and last day off, days worked
    Column("version", Integer, nullable=False),
    Column("put_in_at", UtcDateTime, nullable=False),
    Column("put_in_by", String(80), nullable=False),
)


@dataclass(frozen=True, slots=True)
class KeptNotice:
    """A year's notice as it was put in; `version` counts how often."""

    year: int
    breaks: tuple[Break, ...]
    version: int
    put_in_at: datetime
    put_in_by: str


async def all_notices(connection: AsyncConnection) -> list[KeptNotice]:
    """Every notice, the latest year first."""
    query = select(holiday_notices).order_by(holiday_notices.c.year.desc())
    return [_to_notice(row) for row in await connection.execute(query)]


async def lock_notice(work: Transaction, year: int) -> KeptNotice | None:
    """The notice of a year, held until the end of the transaction."""
    query = select(holiday_notices).where(holiday_notices.c.year == year).with_for_update()
    row = (await work.execute(query)).first()
    return None if row is None else _to_notice(row)


async def put_notice(work: Transaction, notice: KeptNotice) -> None:
    """Keep a notice in place of what is there for its year."""
    row = {
        "year": notice.year,
        "breaks": json.dumps([_break_row(each) for each in notice.breaks], ensure_ascii=False),
        "version": notice.version,
        "put_in_at": notice.put_in_at,
        "put_in_by": notice.put_in_by,
    }
    await insert_or_replace(work, holiday_notices, [row])


async def delete_notice(work: Transaction, year: int) -> None:
    """Forget the notice of a year."""
    await work.execute(delete(holiday_notices).where(holiday_notices.c.year == year))


def _break_row(each: Break) -> dict[str, object]:
    worked = [day.isoformat() for day in each.worked]
    return {"names": each.names, "first": each.first.isoformat(), "last": each.last.isoformat(), "worked": worked}


def _to_notice(row: Any) -> KeptNotice:
    breaks = tuple(
        Break(
            names=tuple(each["names"]),
            first=date.fromisoformat(each["first"]),
            last=date.fromisoformat(each["last"]),
            worked=tuple(date.fromisoformat(day) for day in each["worked"]),
        )
        for each in json.loads(row.breaks)
    )
    return KeptNotice(row.year, breaks, row.version, row.put_in_at, row.put_in_by)
