"""The lists of the desks: each read from an index in its order, counted without reading a case."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    CompoundSelect,
    and_,
    bindparam,
    case,
    func,
    literal,
    or_,
    select,
    text,
    true,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from station.base.database import UtcDateTime
from station.base.keyset import Cursor, Order, PagedQuery, Slice, parse_moment
from station.cases import store
from station.cases.model import OPEN, CaseState
from station.cases.queries import MOST_URGENT, NEWEST, c, in_states, paged_cases, slice_of, to_card
from station.cases.records import Card, Case

k = store.case_cards.c
NEWEST_CARD = Order((k.issued_at, k.id), ("issued_at", "id"), (parse_moment, str), True)


class DeskList(StrEnum):
    """What a clerk has to do: accept, assign, decide on more time, review for the public, conclude; watch the units."""

    ACCEPT = "accept"
    ASSIGN = "assign"
    EXTEND = "extend"
    REVIEW = "review"
    CONCLUDE = "conclude"
    UNITS = "units"


_ASKED = select(store.case_extensions.c.case_id).where(text(store.UNDECIDED))
_UNREVIEWED: ColumnElement[bool] = text(store.UNREVIEWED)  # type: ignore[assignment]  # stands for one in where()
_REDONE: ColumnElement[bool] = text(store.REDONE)  # type: ignore[assignment]


# Everything is built once: building a statement takes longer than running it. What varies is bound by these names.
_NOW = bindparam("now", type_=UtcDateTime)
_SOON = bindparam("soon", type_=UtcDateTime)
_UNIT: BindParameter[str] = bindparam("unit")
_AT_STATIONS = c.station_id.in_(bindparam("served", expanding=True))  # the liaison stations that look after cases
_OF_STATES = {
    DeskList.ACCEPT: in_states([CaseState.NOTED]),
    DeskList.ASSIGN: in_states([CaseState.ACCEPTED, CaseState.RETURNED]),
    DeskList.EXTEND: in_states([CaseState.ASSIGNED]) & c.id.in_(_ASKED),
    DeskList.REVIEW: _UNREVIEWED,
    # Rated, or its time to be rated is over.
    DeskList.CONCLUDE: in_states([CaseState.RATED, CaseState.REPLIED])
    & or_(c.state == CaseState.RATED, c.due_at <= _NOW),
    DeskList.UNITS: in_states([CaseState.ASSIGNED]),
}


def _of_stations(served: frozenset[str] | None) -> dict[str, object]:
    return {} if served is None else {"served": sorted(served)}


def _own(of_all: bool) -> ColumnElement[bool]:
    return true() if of_all else _AT_STATIONS


@cache
def _count_desk(of_all: bool) -> CompoundSelect[Any]:
    overdue = func.sum(case((c.due_at <= _NOW, 1), else_=0))
    by_state = select(c.state, func.count(), overdue).where(in_states(OPEN), _own(of_all)).group_by(c.state)
    others = [
        select(literal(str(which)), func.count(), literal(0))
        .select_from(store.cases)
        .where(_OF_STATES[which], _own(of_all))
        for which in (DeskList.EXTEND, DeskList.REVIEW)
    ]
    return union_all(by_state, *others)


async def count_desk(connection: AsyncConnection, served: frozenset[str] | None, now: datetime) -> dict[DeskList, int]:
    """How many cases stand in each list, of the liaison stations served; in one statement."""
    rows = await connection.execute(_count_desk(served is None), {"now": now, **_of_stations(served)})
    counts = {row[0]: (row[1], row[2]) for row in rows}

    def of(state: str) -> int:
        return int(counts.get(state, (0, 0))[0])

    return {
        DeskList.ACCEPT: of(CaseState.NOTED),
        DeskList.ASSIGN: of(CaseState.ACCEPTED) + of(CaseState.RETURNED),
        DeskList.EXTEND: of(DeskList.EXTEND),
        DeskList.REVIEW: of(DeskList.REVIEW),
        DeskList.CONCLUDE: of(CaseState.RATED) + int(counts.get(CaseState.REPLIED, (0, 0))[1]),
        DeskList.UNITS: of(CaseState.ASSIGNED),
    }


@cache
def _desk_list(which: DeskList, of_all: bool) -> PagedQuery:
    order = NEWEST if which is DeskList.REVIEW else MOST_URGENT
    return paged_cases(order, _OF_STATES[which], _own(of_all))


async def desk_slice(
    connection: AsyncConnection,
    which: DeskList,
    served: frozenset[str] | None,
    now: datetime,
    cursor: Cursor | None,
    size: int,
) -> Slice[Case]:
    """A page of one of the lists, the most urgent first; to be reviewed, the newest first."""
    values = _of_stations(served) | ({"now": now} if which is DeskList.CONCLUDE else {})
    return await slice_of(connection, _desk_list(which, served is None), cursor, size, **values)


_TO_ANSWER = (c.unit_id == _UNIT) & in_states([CaseState.ASSIGNED])


@cache
def _due_soonest(of_unit: bool, of_all: bool) -> PagedQuery:
    return paged_cases(MOST_URGENT, _TO_ANSWER if of_unit else in_states(OPEN), _own(of_all))


async def due_soonest(
    connection: AsyncConnection, served: frozenset[str] | None, unit_id: str | None, count: int
) -> list[Case]:
    """Open cases, those due soonest first: of liaison stations, or those that a unit has to answer."""
    query = _due_soonest(unit_id is not None, served is None)
    values = _of_stations(served) | ({} if unit_id is None else {"unit": unit_id})
    return list((await slice_of(connection, query, None, count, **values)).items)


def _beside() -> ColumnElement[bool]:
    """What a unit has answered and what is not concluded, or takes part in beside another."""
    led = select(c.id).where(c.unit_id == _UNIT, in_states(OPEN - {CaseState.ASSIGNED}))
    co = store.case_co_units.c
    helped = select(co.case_id).where(co.unit_id == _UNIT)
    return in_states(OPEN) & or_(c.id.in_(led), c.id.in_(helped) & (c.unit_id != _UNIT))


_COUNT_UNIT = (
    select(
        func.count(),
        func.coalesce(func.sum(case((c.due_at <= _NOW, 1), else_=0)), 0),
        func.coalesce(func.sum(case(((c.due_at > _NOW) & (c.due_at <= _SOON), 1), else_=0)), 0),
    )
    .where(_TO_ANSWER)
    .select_from(store.cases)
)
_LATE = in_states([CaseState.ASSIGNED]) & (c.due_at <= _NOW)
_AGAIN = and_(_REDONE, c.due_at > _NOW)
_COUNT_PRESSING = select(
    select(func.count()).select_from(store.cases).where(_LATE).scalar_subquery(),
    select(func.count()).select_from(store.cases).where(_AGAIN).scalar_subquery(),
)
_COUNT_CARDS = select(func.count()).select_from(store.case_cards)
_CARDS_HELD = (
    select(store.case_cards)
    .where(k.case_id.in_(bindparam("cases", expanding=True)), k.withdrawn_at.is_(None))
    .order_by(k.issued_at.desc(), k.id)
)
_CASES_BY_ID = select(store.cases).where(c.id.in_(bindparam("cases", expanding=True)))
_ALL_TO_ANSWER = paged_cases(MOST_URGENT, _TO_ANSWER)
_ALL_BESIDE = paged_cases(MOST_URGENT, _beside())
_ALL_LATE = paged_cases(MOST_URGENT, _LATE)
_ALL_REDONE = paged_cases(MOST_URGENT, _AGAIN)
_ALL_CARDS = PagedQuery(select(k.id), NEWEST_CARD, whole=store.case_cards)


async def count_unit(connection: AsyncConnection, unit_id: str, now: datetime, soon: datetime) -> tuple[int, int, int]:
    """What a unit has to answer: all of it, what is late, and what is due before `soon` without being late."""
    row = (await connection.execute(_COUNT_UNIT, {"unit": unit_id, "now": now, "soon": soon})).one()
    return int(row[0]), int(row[1]), int(row[2])


async def unit_slice(connection: AsyncConnection, unit_id: str, cursor: Cursor | None, size: int) -> Slice[Case]:
    """A page of what a unit has to answer, by due day."""
    return await slice_of(connection, _ALL_TO_ANSWER, cursor, size, unit=unit_id)


async def beside_slice(connection: AsyncConnection, unit_id: str, cursor: Cursor | None, size: int) -> Slice[Case]:
    """A page of a unit's other open cases."""
    return await slice_of(connection, _ALL_BESIDE, cursor, size, unit=unit_id)


async def count_pressing(connection: AsyncConnection, now: datetime) -> tuple[int, int]:
    """How many cases are late, and how many are being done again without being late."""
    row = (await connection.execute(_COUNT_PRESSING, {"now": now})).one()
    return int(row[0]), int(row[1])


async def late_slice(connection: AsyncConnection, now: datetime, cursor: Cursor | None, size: int) -> Slice[Case]:
    """A page of the late cases, the longest late first."""
    return await slice_of(connection, _ALL_LATE, cursor, size, now=now)


async def redone_first(connection: AsyncConnection, now: datetime, count: int) -> list[Case]:
    """Cases that are being done again and are not late, by due day."""
    return list((await slice_of(connection, _ALL_REDONE, None, count, now=now)).items)


async def cards_slice(connection: AsyncConnection, cursor: Cursor | None, size: int) -> Slice[Card]:
    """A page of all cards, withdrawn ones too, the newest first."""
    return (await _ALL_CARDS.read(connection, cursor, size)).map(to_card)


async def count_cards(connection: AsyncConnection) -> int:
    """How many cards have been issued, withdrawn ones too."""
    return int((await connection.execute(_COUNT_CARDS)).scalar_one())


async def cards_held(connection: AsyncConnection, cases: Collection[Case]) -> dict[str, tuple[Card, ...]]:
    """The cards that stand against the units which have some cases (`Card.stands`), by case, newest first."""
    rows: Any = await connection.execute(_CARDS_HELD, {"cases": [case.id for case in cases]}) if cases else ()
    found = [to_card(row) for row in rows]
    return {case.id: tuple(card for card in found if card.case_id == case.id and card.stands(case)) for case in cases}


async def cases_by_id(connection: AsyncConnection, case_ids: Collection[str]) -> dict[str, Case]:
    """Some cases, by id."""
    rows: Any = await connection.execute(_CASES_BY_ID, {"cases": list(case_ids)}) if case_ids else ()
    return {row.id: store.to_case(row) for row in rows}
