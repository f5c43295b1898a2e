"""The tables of cases and the statements that change them. Reading for pages is in queries.py."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    insert,
    select,
    update,
)

from station.base.database import Transaction, UtcDateTime, metadata
from station.base.errors import NotFound
from station.base.inserts import insert_unless_there
from station.cases.model import State
from station.cases.records import Case, Due

case_numbers = Table(
    "case_numbers",
    metadata,
    Column("prefix", String(40), primary_key=True),
    Column("year", Integer, primary_key=True, autoincrement=False),
    Column("last", Integer, nullable=False),
)

cases = Table(
    "cases",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("number", String(60), nullable=False, unique=True),
    Column("year", Integer, nullable=False),
    Column("serial", Integer, nullable=False),
    Column("title", String(120), nullable=False),
    Column("description", Text, nullable=False),
    Column("state", String(12), nullable=False),
    Column("category", String(20), nullable=False),
    Column("deputy_id", String(24), nullable=False),
    Column("deputy_name", String(80), nullable=False),
    Column("station_id", String(24), nullable=False),
    Column("citizen", String(24)),
    Column("citizen_name", String(80), nullable=False),
    Column("booking_id", String(24)),
    Column("meeting_id", String(24)),
    Column("recorded_at_s", Float),
    Column("suggested_unit", String(24)),
    Column("unit_id", String(24)),
    Column("unit_name", String(120), nullable=False),
    Column("round", Integer, nullable=False),
    Column("extensions", Integer, nullable=False),
    Column("opened_by", String(40), nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("assigned_on", Date),
    Column("due_day", Date),
    Column("due_at", UtcDateTime),
    Column("due_start", Date),
    Column("due_amount", Integer, nullable=False),
    Column("due_unit", String(8), nullable=False),
    Column("due_article", String(200), nullable=False),
    Column("due_provisional", Boolean, nullable=False),
    Column("published", Boolean, nullable=False),
    Column("public_title", String(200), nullable=False),
    Column("public_reply", Text, nullable=False),
    Column("citizen_topic", String(200), nullable=False, server_default=""),
    Column("citizen_words", Text, nullable=False, server_default=""),
    Column("citizen_help", String(40), nullable=False, server_default=""),
    Column("search_text", String(240), nullable=False, server_default=""),  # the published title, folded
    Index("ix_cases_year_serial", "year", "serial"),
    Index("ix_cases_serial", "serial"),
    Index("ix_cases_due_provisional", "due_provisional", "due_at"),
    Index("ix_cases_state_due_at", "state", "due_at"),
    Index("ix_cases_unit_id", "unit_id", "state"),
    Index("ix_cases_citizen", "citizen"),
    Index("ix_cases_deputy_id", "deputy_id"),
    Index("ix_cases_meeting_id", "meeting_id"),
)

case_co_units = Table(
    "case_co_units",
    metadata,
    Column("case_id", String(24), ForeignKey("cases.id"), primary_key=True),
    Column("unit_id", String(24), primary_key=True),
    Column("unit_name", String(120), nullable=False),
    Index("ix_case_co_units_unit_id", "unit_id"),
)

case_replies = Table(
    "case_replies",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("case_id", String(24), ForeignKey("cases.id"), nullable=False),
    Column("round", Integer, nullable=False),
    Column("unit_id", String(24), nullable=False),
    Column("unit_name", String(120), nullable=False),
    Column("author_name", String(80), nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("text", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("late", Boolean, nullable=False),
    Column("soon", Boolean, nullable=False),
    UniqueConstraint("case_id", "round"),
    Index("ix_case_replies_at", "at"),
)

case_ratings = Table(
    "case_ratings",
    metadata,
    Column("case_id", String(24), ForeignKey("cases.id"), primary_key=True),
    Column("round", Integer, primary_key=True, autoincrement=False),
    Column("grade", Integer, nullable=False),
    Column("remark", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

case_notes = Table(
    "case_notes",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("case_id", String(24), ForeignKey("cases.id"), nullable=False),
    Column("author", String(40), nullable=False),
    Column("author_name", String(80), nullable=False),
    Column("role", String(12), nullable=False),
    Column("text", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_case_notes_case_id", "case_id", "at"),
)

case_extensions = Table(
    "case_extensions",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("case_id", String(24), ForeignKey("cases.id"), nullable=False),
    Column("reason", Text, nullable=False),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("granted", Boolean),
    Index("ix_case_extensions_case_id", "case_id"),
)

case_cards = Table(
    "case_cards",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("key", String(80), nullable=False, unique=True),  # the clock issues each card once
    Column("case_id", String(24), ForeignKey("cases.id"), nullable=False),
    Column("unit_id", String(24), nullable=False),
    Column("unit_name", String(120), nullable=False),
    Column("colour", String(8), nullable=False),
    Column("by_clock", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("issued_at", UtcDateTime, nullable=False),
    Column("withdrawn_at", UtcDateTime),
    Column("withdrawn_reason", Text, nullable=False),
    Index("ix_case_cards_unit_id", "unit_id", "issued_at"),
    Index("ix_case_cards_case_id", "case_id"),
)


async def lock_serials(work: Transaction, prefix: str, year: int) -> int:
    """The last number of that year; its row stays locked until the commit, so there are no gaps."""
    await insert_unless_there(work, case_numbers, prefix=prefix, year=year, last=0)
    where = (case_numbers.c.prefix == prefix) & (case_numbers.c.year == year)
    return int((await work.execute(select(case_numbers.c.last).where(where).with_for_update())).scalar_one())


async def take_serial(work: Transaction, prefix: str, year: int) -> int:
    """The next number of that year."""
    last = await lock_serials(work, prefix, year)
    where = (case_numbers.c.prefix == prefix) & (case_numbers.c.year == year)
    await work.execute(update(case_numbers).where(where).values(last=last + 1))
    return last + 1


async def lock_case(work: Transaction, case_id: str) -> Case:
    """The case, its row locked until the commit. Raises NotFound."""
    row = (await work.execute(select(cases).where(cases.c.id == case_id).with_for_update())).first()
    if row is None:
        raise NotFound
    return to_case(row)


async def change_case(work: Transaction, case_id: str, **values: Any) -> None:
    """Set some columns of a case."""
    await work.execute(update(cases).where(cases.c.id == case_id).values(**values))


async def add(work: Transaction, table: Table, **values: Any) -> None:
    """One new row."""
    await work.execute(insert(table).values(**values))


def due_columns(due: Due | None) -> dict[str, Any]:
    """How a due day is kept in the columns of a case."""
    if due is None:
        return {
            "due_day": None, "due_at": None, "due_start": None, "due_amount": 0, "due_unit": "",
            "due_article": "", "due_provisional": False,
        }  # fmt: skip
    return {
        "due_day": due.day, "due_at": due.at, "due_start": due.start, "due_amount": due.amount,
        "due_unit": due.unit, "due_article": due.article, "due_provisional": due.provisional,
    }  # fmt: skip


def to_case(row: Any) -> Case:
    """A row of `cases` as plain data."""
    due = None
    if row.due_day is not None:
        due = Due(
            row.due_day, row.due_at, row.due_start, row.due_amount, row.due_unit, row.due_article,
            row.due_provisional,
        )  # fmt: skip
    return Case(
        row.id, row.number, row.year, row.serial, row.title, row.description, State(row.state), row.category,
        row.deputy_id, row.deputy_name, row.citizen, row.citizen_name, row.booking_id, row.meeting_id,
        row.recorded_at_s, row.suggested_unit, row.unit_id, row.unit_name, row.round, row.extensions,
        row.opened_at, row.changed_at, row.assigned_on, due, row.published, row.public_title, row.public_reply,
        row.citizen_topic, row.citizen_words, row.citizen_help,
    )  # fmt: skip
