"""Reading cases: queries that return plain data. Nothing here changes a row."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, String, and_, bindparam, cast, exists, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from station.base.errors import NotFound
from station.base.keyset import Cursor, Order, PagedQuery, Slice, parse_moment, parse_small
from station.base.station import Station
from station.cases import cards_store, store
from station.cases.model import OPEN, CaseState, Colour, Grade
from station.cases.records import Card, Case, Extension, Note, Rating, Reply

c = store.cases.c
_DAY_OF_KEY = re.compile(r":(\d{4}-\d{2}-\d{2}):")
NEWEST_NUMBER = Order((c.year, c.serial, c.id), ("year", "serial", "id"), (parse_small, parse_small, str), True)
MOST_URGENT = Order((c.due_at, c.id), ("due_at", "id"), (parse_moment, str))
NEWEST = Order((c.opened_at, c.id), ("opened_at", "id"), (parse_moment, str), True)


# Built once, as every view of a case asks them: building a statement takes longer than running it.
_ID: BindParameter[str] = bindparam("case")
_CASE = select(store.cases).where(c.id == _ID)
_CO_UNITS = (
    select(store.case_co_units.c.unit_id, store.case_co_units.c.unit_name)
    .where(store.case_co_units.c.case_id == _ID)
    .order_by(store.case_co_units.c.unit_name)
)
_REPLIES = select(store.case_replies).where(store.case_replies.c.case_id == _ID).order_by(store.case_replies.c.round)
_RATINGS = select(store.case_ratings).where(store.case_ratings.c.case_id == _ID).order_by(store.case_ratings.c.round)
_NOTES = (
    select(store.case_notes)
    .where(store.case_notes.c.case_id == _ID)
    .order_by(store.case_notes.c.at, store.case_notes.c.id)
)
_EXTENSIONS = (
    select(store.case_extensions)
    .where(store.case_extensions.c.case_id == _ID)
    .order_by(store.case_extensions.c.asked_at, store.case_extensions.c.id)
)
_CARDS = (
    select(store.case_cards)
    .where(store.case_cards.c.case_id == _ID)
    .order_by(store.case_cards.c.issued_at.desc(), store.case_cards.c.id)
)


def _of(case_id: str) -> dict[str, str]:
    return {"case": case_id}


async def read_case(station: Station, case_id: str) -> Case:
    """One case as it stands. Raises NotFound."""
    async with station.database.read() as connection:
        return await case_row(connection, case_id)


async def case_row(connection: AsyncConnection, case_id: str) -> Case:
    """The same on an open connection."""
    row = (await connection.execute(_CASE, _of(case_id))).first()
    if row is None:
        raise NotFound
    return store.to_case(row)


async def cases_where(
    connection: AsyncConnection, *conditions: ColumnElement[bool], newest: bool = True, limit: int | None = None
) -> list[Case]:
    """Cases that fit all conditions, newest first or by due day."""
    order = (c.opened_at.desc(), c.id) if newest else (c.due_at, c.id)
    query = select(store.cases).where(*conditions).order_by(*order).limit(limit)
    return [store.to_case(row) for row in await connection.execute(query)]


async def count_due_after(connection: AsyncConnection, moment: datetime) -> int:
    """How many open cases are due after a moment."""
    query = select(func.count()).select_from(store.cases).where(c.due_at > moment, in_states(OPEN))
    return int((await connection.execute(query)).scalar_one())


def paged_cases(order: Order, *conditions: ColumnElement[bool]) -> PagedQuery:
    """The cases that fit all conditions, in an order for which there is an index; to be built once."""
    return PagedQuery(select(c.id).where(*conditions), order, whole=store.cases)


async def slice_of(
    connection: AsyncConnection, query: PagedQuery, cursor: Cursor | None, size: int, **values: object
) -> Slice[Case]:
    """A page of cases."""
    return (await query.read(connection, cursor, size, values)).map(store.to_case)


def in_states(states: Iterable[CaseState]) -> ColumnElement[bool]:
    """Cases in one of the states. Written out: a list of values is put into the statement's text each time it runs."""
    return c.state.in_([literal(str(s)) for s in sorted(states)])


def _card_exists(colour: Colour) -> ColumnElement[bool]:
    """Whether the clock has issued this card for this due day: by the key that `card_key` composes."""
    key = c.id + ":" + cast(c.round, String) + ":" + cast(c.due_day, String) + f":{colour}"
    return exists().where(store.case_cards.c.key == key)


async def cases_without_cards(
    connection: AsyncConnection, now: datetime, today: date, yellow_days: int, yellow_until: datetime
) -> list[Case]:
    """Cases with units for which the clock has a card to issue (`deadlines.card_due`), by due day.

    Red once they are over; yellow when they are due by `yellow_until`, unless the period began today or is no longer
    than the warning, or a red card was issued by hand. A case whose red card is out has had all.
    """
    is_long = or_(c.due_unit != "wd", c.due_amount > yellow_days)
    yellow = and_(
        c.due_at > now, is_long, c.due_start != today, ~_card_exists(Colour.YELLOW), ~cards_store.red_stands()
    )
    query = (
        select(store.cases)
        .where(in_states([CaseState.ASSIGNED]), c.due_at <= yellow_until, c.unit_id.is_not(None))
        .where(or_(c.due_at <= now, yellow), ~_card_exists(Colour.RED))
        .order_by(c.due_at, c.id)
    )
    return [store.to_case(row) for row in await connection.execute(query)]


async def bookings_with_cases(connection: AsyncConnection, booking_ids: Collection[str]) -> set[str]:
    """Those of some bookings from which a matter came."""
    query = select(c.booking_id).where(c.booking_id.in_(booking_ids))
    return {str(found) for found in (await connection.execute(query)).scalars()}


async def count_open(connection: AsyncConnection, due_before: datetime | None = None) -> int:
    """How many cases are open; with a moment, those due before it."""
    query = select(func.count()).select_from(store.cases).where(in_states(OPEN))
    if due_before is not None:
        query = query.where(c.due_at < due_before)
    return int((await connection.execute(query)).scalar_one())


async def co_units_of(connection: AsyncConnection, case_id: str) -> list[tuple[str, str]]:
    """Id and name of each co-unit."""
    return [(row.unit_id, row.unit_name) for row in await connection.execute(_CO_UNITS, _of(case_id))]


async def replies_of(connection: AsyncConnection, case_id: str) -> list[Reply]:
    """All replies, oldest first."""
    return [to_reply(row) for row in await connection.execute(_REPLIES, _of(case_id))]


def to_reply(row: Any) -> Reply:
    """A row of `case_replies` as plain data."""
    return Reply(
        id=row.id,
        case_id=row.case_id,
        round=row.round,
        unit_id=row.unit_id,
        unit_name=row.unit_name,
        author_name=row.author_name,
        outcome=row.outcome,
        text=row.text,
        at=row.at,
        due_on=row.due_on,
        late=row.late,
        soon=row.soon,
    )


async def ratings_of(connection: AsyncConnection, case_id: str) -> list[Rating]:
    """All ratings, oldest first."""
    return [to_rating(row) for row in await connection.execute(_RATINGS, _of(case_id))]


def to_rating(row: Any) -> Rating:
    """A row of `case_ratings` as plain data."""
    return Rating(row.case_id, row.round, Grade(row.grade), row.remark, row.at)


async def notes_of(connection: AsyncConnection, case_id: str) -> list[Note]:
    """What was added to a case, oldest first."""
    rows = await connection.execute(_NOTES, _of(case_id))
    return [Note(r.id, r.author_name, r.role, r.text, r.at) for r in rows]


async def extensions_of(connection: AsyncConnection, case_id: str) -> list[Extension]:
    """Requests for more time, oldest first."""
    rows = await connection.execute(_EXTENSIONS, _of(case_id))
    return [Extension(r.id, r.reason, r.asked_at, r.granted) for r in rows]


async def card_row(connection: AsyncConnection, card_id: str) -> Card:
    """One card, withdrawn or not. Raises NotFound."""
    table = store.case_cards
    row = (await connection.execute(select(table).where(table.c.id == card_id))).first()
    if row is None:
        raise NotFound
    return to_card(row)


async def cards_of(connection: AsyncConnection, case_id: str) -> list[Card]:
    """All cards of a case, withdrawn ones too, newest first."""
    return [to_card(row) for row in await connection.execute(_CARDS, _of(case_id))]


def to_card(row: Any) -> Card:
    """A row of `case_cards` as plain data."""
    return Card(
        id=row.id,
        case_id=row.case_id,
        round=int(row.key.split(":")[1]),
        unit_id=row.unit_id,
        unit_name=row.unit_name,
        colour=Colour(row.colour),
        by_clock=row.by_clock,
        reason=row.reason,
        issued_at=row.issued_at,
        withdrawn_at=row.withdrawn_at,
        withdrawn_reason=row.withdrawn_reason,
        due_day=_due_day_of_key(row.key) if row.by_clock else None,
    )


def _due_day_of_key(key: str) -> date | None:
    """The due day in a key that `steps.cards.card_key` made."""
    found = _DAY_OF_KEY.search(key)
    return date.fromisoformat(found[1]) if found else None
