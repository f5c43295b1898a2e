"""Reading cases: queries that return plain data. Nothing here changes a row."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, String, and_, cast, exists, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from station.base.errors import NotFound
from station.base.station import Station
from station.cases import store
from station.cases.model import CLOSED, CaseState, Colour, Grade, parse_number, search_words
from station.cases.records import Card, Case, Extension, Note, Rating, Reply

c = store.cases.c


async def read_case(station: Station, case_id: str) -> Case:
    """One case as it stands. Raises NotFound."""
    async with station.database.read() as connection:
        return await case_row(connection, case_id)


async def case_row(connection: AsyncConnection, case_id: str) -> Case:
    """The same on an open connection."""
    row = (await connection.execute(select(store.cases).where(c.id == case_id))).first()
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


def of_unit(unit_id: str, as_co_unit: bool = True) -> ColumnElement[bool]:
    """Cases that a unit leads or takes part in."""
    leads = c.unit_id == unit_id
    if not as_co_unit:
        return leads
    co = store.case_co_units.c
    helps: Select[Any] = select(co.case_id).where(co.unit_id == unit_id)
    return or_(leads, c.id.in_(helps))


def at_stations(served: frozenset[str] | None) -> ColumnElement[bool]:
    """Cases that one of these liaison stations looks after; None stands for all."""
    return true() if served is None else c.station_id.in_(sorted(served))


def in_states(states: Iterable[CaseState]) -> ColumnElement[bool]:
    """Cases in one of the states."""
    return c.state.in_([str(s) for s in states])


def matching(words: str) -> ColumnElement[bool] | None:
    """What somebody typed into the search field: words of the published title, or a number if it is nothing else."""
    wanted = search_words(words)
    if not wanted:
        return None
    titled = and_(c.published.is_(True), *(c.search_text.contains(word, autoescape=True) for word in wanted))
    number = parse_number(words)
    if number is None:
        return titled
    year, serial = number
    return or_(and_(c.serial == serial, c.year == year) if year else c.serial == serial, titled)


def _card_exists(colour: Colour) -> ColumnElement[bool]:
    """Whether the clock has issued this card for this due day: by the key that `card_key` composes."""
    key = c.id + ":" + cast(c.round, String) + ":" + cast(c.due_day, String) + f":{colour}"
    return exists().where(store.case_cards.c.key == key)


async def cases_without_cards(connection: AsyncConnection, now: datetime, before: datetime) -> list[Case]:
    """Cases with units, due before a moment, for which the clock may still have a card to issue.

    A case whose red card is out has had all; one with a yellow card is asked for again when it is over.
    """
    query = (
        select(store.cases)
        .where(in_states([CaseState.ASSIGNED]), c.due_at.is_not(None), c.due_at < before, ~_card_exists(Colour.RED))
        .where(or_(c.due_at <= now, ~_card_exists(Colour.YELLOW)))
        .order_by(c.due_at, c.id)
    )
    return [store.to_case(row) for row in await connection.execute(query)]


async def bookings_with_cases(connection: AsyncConnection, booking_ids: Collection[str]) -> set[str]:
    """Those of some bookings from which a matter came."""
    query = select(c.booking_id).where(c.booking_id.in_(booking_ids))
    return {str(found) for found in (await connection.execute(query)).scalars()}


async def count_open(connection: AsyncConnection, due_before: datetime | None = None) -> int:
    """How many cases are open; with a moment, those due before it."""
    query = select(func.count()).select_from(store.cases).where(~in_states(CLOSED))
    if due_before is not None:
        query = query.where(c.due_at < due_before)
    return int((await connection.execute(query)).scalar_one())


async def page_of(
    connection: AsyncConnection, condition: ColumnElement[bool] | None, page: int, size: int
) -> tuple[list[Case], int]:
    """One page of cases, newest number first, and how many there are in all."""
    query, total = select(store.cases), select(func.count()).select_from(store.cases)
    if condition is not None:
        query, total = query.where(condition), total.where(condition)
    query = query.order_by(c.year.desc(), c.serial.desc()).limit(size).offset((page - 1) * size)
    found = [store.to_case(row) for row in await connection.execute(query)]
    return found, int((await connection.execute(total)).scalar_one())


async def co_units_of(connection: AsyncConnection, case_id: str) -> list[tuple[str, str]]:
    """Id and name of each co-unit."""
    co = store.case_co_units.c
    query = select(co.unit_id, co.unit_name).where(co.case_id == case_id).order_by(co.unit_name)
    return [(row.unit_id, row.unit_name) for row in await connection.execute(query)]


async def replies_of(connection: AsyncConnection, case_id: str) -> list[Reply]:
    """All replies, oldest first."""
    table = store.case_replies
    query = select(table).where(table.c.case_id == case_id).order_by(table.c.round)
    return [to_reply(row) for row in await connection.execute(query)]


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
    table = store.case_ratings
    query = select(table).where(table.c.case_id == case_id).order_by(table.c.round)
    return [to_rating(row) for row in await connection.execute(query)]


def to_rating(row: Any) -> Rating:
    """A row of `case_ratings` as plain data."""
    return Rating(row.case_id, row.round, Grade(row.grade), row.remark, row.at)


async def replies_between(
    connection: AsyncConnection, since: datetime, until: datetime
) -> tuple[list[Reply], list[Rating]]:
    """The replies given from `since` to before `until`, and the ratings they got (whenever those came)."""
    table, rating = store.case_replies, store.case_ratings
    span = (table.c.at >= since) & (table.c.at < until)
    joined = (table.c.case_id == rating.c.case_id) & (table.c.round == rating.c.round)
    replies = [to_reply(row) for row in await connection.execute(select(table).where(span))]
    ratings = [to_rating(row) for row in await connection.execute(select(rating).join(table, joined).where(span))]
    return replies, ratings


async def notes_of(connection: AsyncConnection, case_id: str) -> list[Note]:
    """What was added to a case, oldest first."""
    table = store.case_notes
    query = select(table).where(table.c.case_id == case_id).order_by(table.c.at, table.c.id)
    return [Note(r.id, r.author_name, r.role, r.text, r.at) for r in await connection.execute(query)]


async def extensions_of(connection: AsyncConnection, case_id: str) -> list[Extension]:
    """Requests for more time, oldest first."""
    table = store.case_extensions
    query = select(table).where(table.c.case_id == case_id).order_by(table.c.asked_at, table.c.id)
    return [Extension(r.id, r.reason, r.asked_at, r.granted) for r in await connection.execute(query)]


async def cases_asking_time(connection: AsyncConnection) -> set[str]:
    """Ids of the cases with a request for more time that nobody has decided."""
    table = store.case_extensions
    return set((await connection.execute(select(table.c.case_id).where(table.c.granted.is_(None)))).scalars())


async def card_row(connection: AsyncConnection, card_id: str) -> Card:
    """One card, withdrawn or not. Raises NotFound."""
    table = store.case_cards
    row = (await connection.execute(select(table).where(table.c.id == card_id))).first()
    if row is None:
        raise NotFound
    return to_card(row)


async def cards_where(connection: AsyncConnection, *conditions: ColumnElement[bool], limit: int = 500) -> list[Card]:
    """Cards that fit all conditions, newest first."""
    table = store.case_cards
    query = select(table).where(*conditions).order_by(table.c.issued_at.desc(), table.c.id).limit(limit)
    return [to_card(row) for row in await connection.execute(query)]


def to_card(row: Any) -> Card:
    """A row of `case_cards` as plain data."""
    return Card(
        id=row.id,
        case_id=row.case_id,
        unit_id=row.unit_id,
        unit_name=row.unit_name,
        colour=Colour(row.colour),
        by_clock=row.by_clock,
        reason=row.reason,
        issued_at=row.issued_at,
        withdrawn_at=row.withdrawn_at,
        withdrawn_reason=row.withdrawn_reason,
    )
