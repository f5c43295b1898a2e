"""The tables of cases and the statements that change them. Reading for pages is in queries.py."""

from __future__ import annotations

from datetime import datetime
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
    delete,
    insert,
    select,
    text,
    update,
)

from station.base.database import Transaction, UtcDateTime, metadata
from station.base.errors import NotFound
from station.base.inserts import insert_unless_there
from station.cases.model import CaseState
from station.cases.records import Case, Due, OpenCase

# Conditions of partial indexes: a query must say the same words to use one, and a bound value is not the same.
# "NOT IN", as SQLite would take the index of states for "IN" and read half of all cases.
UNREVIEWED = "public_reply = '' AND state NOT IN ('noted', 'accepted', 'declined', 'assigned', 'returned')"
REDONE = "round > 1 AND state NOT IN ('noted', 'accepted', 'declined', 'returned', 'replied', 'rated', 'concluded')"
UNDECIDED = "granted IS NULL"
# Compared byte by byte on both databases, so that a range of words holds all that begin alike.
WORD = String(2).with_variant(String(2, collation="C"), "postgresql")

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
    Index("ix_cases_year_serial", "year", "serial", "id"),
    Index("ix_cases_serial", "serial"),
    Index("ix_cases_due_provisional", "due_provisional", "due_at"),
    # What follows the sorted columns in an index is there to be counted or filtered without reading the case.
    Index("ix_cases_state_due_at", "state", "due_at", "id", "station_id"),
    Index("ix_cases_unit_id", "unit_id", "state", "due_at", "id"),
    Index("ix_cases_citizen", "citizen", "opened_at", "id"),
    Index("ix_cases_deputy_id", "deputy_id", "opened_at", "id"),
    Index("ix_cases_meeting_id", "meeting_id"),
    Index("ix_cases_booking_id", "booking_id"),
    Index(
        "ix_cases_unreviewed", "opened_at", "id", "station_id", "state", "public_reply",
        sqlite_where=text(UNREVIEWED), postgresql_where=text(UNREVIEWED),
    ),
    Index(
        "ix_cases_redone", "due_at", "id", "state", "round",
        sqlite_where=text(REDONE), postgresql_where=text(REDONE),
    ),
)  # fmt: skip

# Two signs that stand beside each other in a published title, its last one alone too: what a search goes by. With year
# and serial, so that the newest are found without reading the others.
case_words = Table(
    "case_words",
    metadata,
    Column("word", WORD, primary_key=True),
    Column("year", Integer, primary_key=True, autoincrement=False),
    Column("serial", Integer, primary_key=True, autoincrement=False),
    Column("case_id", String(24), ForeignKey("cases.id"), primary_key=True),
    Index("ix_case_words_case_id", "case_id"),
    sqlite_with_rowid=False,
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
    Index("ix_case_replies_at", "at", "unit_id", "late", "soon", "case_id", "round"),
)

case_ratings = Table(
    "case_ratings",
    metadata,
    Column("case_id", String(24), ForeignKey("cases.id"), primary_key=True),
    Column("round", Integer, primary_key=True, autoincrement=False),
    Column("grade", Integer, nullable=False),
    Column("remark", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_case_ratings_grade", "case_id", "round", "grade"),
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
    Index(
        "ix_case_extensions_undecided",
        "case_id",
        sqlite_where=text(UNDECIDED),
        postgresql_where=text(UNDECIDED),
    ),
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
    Index("ix_case_cards_issued_at", "issued_at", "id", "unit_id", "colour", "withdrawn_at"),
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


async def find_duplicate(work: Transaction, opened_by: str, request: OpenCase, since: datetime) -> Case | None:
    """The case that the same person has made of the same words after `since`."""
    c = cases.c
    same = (
        (c.opened_by == opened_by)
        & (c.title == request.title)
        & (c.description == request.description)
        & (c.deputy_id == request.deputy_id)
        & (c.opened_at > since)
    )
    same &= c.meeting_id == request.meeting_id if request.meeting_id else c.meeting_id.is_(None)
    same &= c.citizen == request.citizen if request.citizen else c.citizen.is_(None)
    row = (await work.execute(select(cases).where(same))).first()
    return None if row is None else to_case(row)


async def co_unit_ids(work: Transaction, case_id: str) -> set[str]:
    """The units that take part beside the lead."""
    table = case_co_units
    return set((await work.execute(select(table.c.unit_id).where(table.c.case_id == case_id))).scalars())


async def replace_co_units(work: Transaction, case_id: str, names: dict[str, str]) -> None:
    """Let these units (id → name), and no others, take part beside the lead."""
    await work.execute(delete(case_co_units).where(case_co_units.c.case_id == case_id))
    for unit_id, name in names.items():
        await add(work, case_co_units, case_id=case_id, unit_id=unit_id, unit_name=name)


async def open_request(work: Transaction, case_id: str) -> str | None:
    """The id of the request for more time that nobody has decided."""
    table = case_extensions
    query = select(table.c.id).where(table.c.case_id == case_id, table.c.granted.is_(None))
    found: str | None = (await work.execute(query)).scalar_one_or_none()
    return found


async def decide_request(work: Transaction, request_id: str, granted: bool) -> None:
    """Put down what was decided on a request for more time."""
    await work.execute(update(case_extensions).where(case_extensions.c.id == request_id).values(granted=granted))


async def refuse_open_requests(work: Transaction, case_id: str) -> None:
    """A request for time that nobody decided is void once the unit has acted."""
    table = case_extensions
    undecided = (table.c.case_id == case_id) & table.c.granted.is_(None)
    await work.execute(update(table).where(undecided).values(granted=False))


async def is_rated(work: Transaction, case_id: str, round_: int) -> bool:
    """Whether the reply of that round has its grade."""
    table = case_ratings
    done = select(table.c.grade).where(table.c.case_id == case_id, table.c.round == round_)
    return (await work.execute(done)).first() is not None


async def has_card(work: Transaction, key: str) -> bool:
    """Whether the clock has issued the card of that key, withdrawn since or not."""
    return (await work.execute(select(case_cards.c.id).where(case_cards.c.key == key))).first() is not None


async def withdraw_card(work: Transaction, card_id: str, at: datetime, reason: str) -> bool:
    """Mark a card as withdrawn; False when it is already."""
    still = case_cards.c.id == card_id, case_cards.c.withdrawn_at.is_(None)
    values = {"withdrawn_at": at, "withdrawn_reason": reason}
    return (await work.execute(update(case_cards).where(*still).values(**values))).rowcount == 1


def due_columns(due: Due | None) -> dict[str, Any]:
    """How a due day is kept in the columns of a case."""
    if due is None:
        return {
            "due_day": None,
            "due_at": None,
            "due_start": None,
            "due_amount": 0,
            "due_unit": "",
            "due_article": "",
            "due_provisional": False,
        }
    return {
        "due_day": due.day,
        "due_at": due.at,
        "due_start": due.start,
        "due_amount": due.amount,
        "due_unit": due.unit,
        "due_article": due.article,
        "due_provisional": due.provisional,
    }


def to_case(row: Any) -> Case:
    """A row of `cases` as plain data."""
    due = None
    if row.due_day is not None:
        due = Due(
            day=row.due_day,
            at=row.due_at,
            start=row.due_start,
            amount=row.due_amount,
            unit=row.due_unit,
            article=row.due_article,
            provisional=row.due_provisional,
        )
    return Case(
        id=row.id,
        number=row.number,
        year=row.year,
        serial=row.serial,
        title=row.title,
        description=row.description,
        state=CaseState(row.state),
        category=row.category,
        deputy_id=row.deputy_id,
        deputy_name=row.deputy_name,
        station_id=row.station_id,
        citizen=row.citizen,
        citizen_name=row.citizen_name,
        booking_id=row.booking_id,
        meeting_id=row.meeting_id,
        recorded_at_s=row.recorded_at_s,
        suggested_unit=row.suggested_unit,
        unit_id=row.unit_id,
        unit_name=row.unit_name,
        round=row.round,
        extensions=row.extensions,
        opened_at=row.opened_at,
        changed_at=row.changed_at,
        assigned_on=row.assigned_on,
        due=due,
        published=row.published,
        public_title=row.public_title,
        public_reply=row.public_reply,
        citizen_topic=row.citizen_topic,
        citizen_words=row.citizen_words,
        citizen_help=row.citizen_help,
    )
