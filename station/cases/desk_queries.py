"""The lists of the desks: each read from an index in its order, counted without reading a case."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, case, func, literal, or_, select, text, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from station.base.keyset import Cursor, Order, Slice, parse_moment, read_slice
from station.cases import store
from station.cases.model import OPEN, CaseState
from station.cases.queries import MOST_URGENT, NEWEST, at_stations, c, cards_where, in_states, slice_of, to_card
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


def _condition(which: DeskList, now: datetime) -> ColumnElement[bool]:
    states = {
        DeskList.ACCEPT: [CaseState.NOTED],
        DeskList.ASSIGN: [CaseState.ACCEPTED, CaseState.RETURNED],
        DeskList.EXTEND: [CaseState.ASSIGNED],
        DeskList.CONCLUDE: [CaseState.RATED, CaseState.REPLIED],
        DeskList.UNITS: [CaseState.ASSIGNED],
    }
    if which is DeskList.REVIEW:
        return _UNREVIEWED
    found = in_states(states[which])
    if which is DeskList.EXTEND:
        return found & c.id.in_(_ASKED)
    if which is DeskList.CONCLUDE:  # rated, or its time to be rated is over
        return found & or_(c.state == CaseState.RATED, c.due_at <= now)
    return found


async def count_desk(connection: AsyncConnection, served: frozenset[str] | None, now: datetime) -> dict[DeskList, int]:
    """How many cases stand in each list, of the liaison stations served; in one statement."""
    own = at_stations(served)
    overdue = func.sum(case((c.due_at <= now, 1), else_=0))
    by_state = select(c.state, func.count(), overdue).where(in_states(OPEN), own).group_by(c.state)
    others = [
        select(literal(str(which)), func.count(), literal(0))
        .select_from(store.cases)
        .where(_condition(which, now), own)
        for which in (DeskList.EXTEND, DeskList.REVIEW)
    ]
    counts = {row[0]: (row[1], row[2]) for row in await connection.execute(union_all(by_state, *others))}

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


async def desk_slice(
    connection: AsyncConnection,
    which: DeskList,
    served: frozenset[str] | None,
    now: datetime,
    cursor: Cursor | None,
    size: int,
) -> Slice[Case]:
    """A page of one of the lists, the most urgent first; to be reviewed, the newest first."""
    order = NEWEST if which is DeskList.REVIEW else MOST_URGENT
    return await slice_of(connection, order, cursor, size, _condition(which, now), at_stations(served))


async def due_soonest(
    connection: AsyncConnection, served: frozenset[str] | None, unit_id: str | None, count: int
) -> list[Case]:
    """Open cases, those due soonest first: of liaison stations, or those that a unit has to answer."""
    own = in_states(OPEN) if unit_id is None else in_states([CaseState.ASSIGNED]) & (c.unit_id == unit_id)
    return list((await slice_of(connection, MOST_URGENT, None, count, own, at_stations(served))).items)


def _to_answer(unit_id: str) -> ColumnElement[bool]:
    return (c.unit_id == unit_id) & in_states([CaseState.ASSIGNED])


def _beside(unit_id: str) -> ColumnElement[bool]:
    """What a unit has answered and what is not concluded, or takes part in beside another."""
    led = select(c.id).where(c.unit_id == unit_id, in_states(OPEN - {CaseState.ASSIGNED}))
    co = store.case_co_units.c
    helped = select(co.case_id).where(co.unit_id == unit_id)
    return in_states(OPEN) & or_(c.id.in_(led), c.id.in_(helped) & (c.unit_id != unit_id))


async def count_unit(connection: AsyncConnection, unit_id: str, now: datetime, soon: datetime) -> tuple[int, int, int]:
    """What a unit has to answer: all of it, what is late, and what is due before `soon` without being late."""
    late = func.sum(case((c.due_at <= now, 1), else_=0))
    today = func.sum(case(((c.due_at > now) & (c.due_at <= soon), 1), else_=0))
    query = select(func.count(), func.coalesce(late, 0), func.coalesce(today, 0)).where(_to_answer(unit_id))
    row = (await connection.execute(query.select_from(store.cases))).one()
    return int(row[0]), int(row[1]), int(row[2])


async def unit_slice(connection: AsyncConnection, unit_id: str, cursor: Cursor | None, size: int) -> Slice[Case]:
    """A page of what a unit has to answer, by due day."""
    return await slice_of(connection, MOST_URGENT, cursor, size, _to_answer(unit_id))


async def beside_slice(connection: AsyncConnection, unit_id: str, cursor: Cursor | None, size: int) -> Slice[Case]:
    """A page of a unit's other open cases."""
    return await slice_of(connection, MOST_URGENT, cursor, size, _beside(unit_id))


async def count_pressing(connection: AsyncConnection, now: datetime) -> tuple[int, int]:
    """How many cases are late, and how many are being done again without being late."""
    late = select(func.count()).select_from(store.cases).where(in_states([CaseState.ASSIGNED]), c.due_at <= now)
    redone = select(func.count()).select_from(store.cases).where(_REDONE, c.due_at > now)
    row = (await connection.execute(select(late.scalar_subquery(), redone.scalar_subquery()))).one()
    return int(row[0]), int(row[1])


async def late_slice(connection: AsyncConnection, now: datetime, cursor: Cursor | None, size: int) -> Slice[Case]:
    """A page of the late cases, the longest late first."""
    return await slice_of(connection, MOST_URGENT, cursor, size, in_states([CaseState.ASSIGNED]), c.due_at <= now)


async def redone_first(connection: AsyncConnection, now: datetime, count: int) -> list[Case]:
    """Cases that are being done again and are not late, by due day."""
    return list((await slice_of(connection, MOST_URGENT, None, count, _REDONE, c.due_at > now)).items)


async def cards_slice(connection: AsyncConnection, cursor: Cursor | None, size: int) -> Slice[Card]:
    """A page of all cards, withdrawn ones too, the newest first."""
    query = select(k.id)
    return (await read_slice(connection, query, NEWEST_CARD, cursor, size, whole=store.case_cards)).map(to_card)


async def count_cards(connection: AsyncConnection) -> int:
    """How many cards have been issued, withdrawn ones too."""
    return int((await connection.execute(select(func.count()).select_from(store.case_cards))).scalar_one())


async def cards_held(connection: AsyncConnection, case_ids: Collection[str]) -> dict[str, tuple[Card, ...]]:
    """The cards of some cases that are not withdrawn, by case."""
    found = await cards_where(connection, k.case_id.in_(case_ids), k.withdrawn_at.is_(None)) if case_ids else []
    return {case_id: tuple(card for card in found if card.case_id == case_id) for case_id in case_ids}


async def cases_by_id(connection: AsyncConnection, case_ids: Collection[str]) -> dict[str, Case]:
    """Some cases, by id."""
    rows: Any = await connection.execute(select(store.cases).where(c.id.in_(case_ids))) if case_ids else ()
    return {row.id: store.to_case(row) for row in rows}
