"""What the figures of units are made from: counted by the database from indexes that hold all that is counted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Integer,
    Select,
    and_,
    bindparam,
    case,
    func,
    literal,
    not_,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from station.base.database import UtcDateTime
from station.cases import store
from station.cases.model import Colour
from station.cases.records import UnitCards, UnitRatings, UnitReplies

Span = tuple[datetime, datetime]


def _span(columns: Any, place: object = "") -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    since = bindparam(f"since{place}", type_=UtcDateTime)
    return columns >= since, columns < bindparam(f"until{place}", type_=UtcDateTime)


# Built once, or once for each number of spans: building a statement takes longer than running it.
@cache
def _replies_by_unit(spans: int) -> CompoundSelect[Any]:
    r = store.case_replies.c
    late = func.sum(case((r.late, 1), else_=0))
    soon = func.sum(case((and_(r.soon, not_(r.late)), 1), else_=0))
    parts = [
        select(literal(place), r.unit_id, func.count(), late, soon).where(*_span(r.at, place)).group_by(r.unit_id)
        for place in range(spans)
    ]
    return union_all(*parts)


def _build_ratings() -> Select[Any]:
    r, g = store.case_replies.c, store.case_ratings.c
    good = func.sum(case((g.grade >= bindparam("good_from", type_=Integer), 1), else_=0))
    return (
        select(r.unit_id, func.count(), good)
        .join(store.case_ratings, and_(g.case_id == r.case_id, g.round == r.round))
        .where(*_span(r.at))
        .group_by(r.unit_id)
    )


def _build_cards() -> Select[Any]:
    k = store.case_cards.c
    shown = select(k.unit_id, k.colour, func.count()).where(*_span(k.issued_at), k.withdrawn_at.is_(None))
    return shown.group_by(k.unit_id, k.colour)


_RATINGS_BY_UNIT, _CARDS_BY_UNIT = _build_ratings(), _build_cards()


async def replies_by_unit(connection: AsyncConnection, spans: Sequence[Span]) -> list[UnitReplies]:
    """Replies of each unit in each span; a span by its place in `spans`.

    One span after the other, as one index range each: grouped together they would all be sorted first.
    """
    values = {f"since{place}": span[0] for place, span in enumerate(spans)}
    values |= {f"until{place}": span[1] for place, span in enumerate(spans)}
    rows = await connection.execute(_replies_by_unit(len(spans)), values)
    return [UnitReplies(int(row[0]), row[1], int(row[2]), int(row[3]), int(row[4])) for row in rows]


async def ratings_by_unit(connection: AsyncConnection, span: Span, good_from: int) -> list[UnitRatings]:
    """How many replies of a span were rated (whenever that was), and how many of them well."""
    values = {"since": span[0], "until": span[1], "good_from": good_from}
    return [UnitRatings(row[0], int(row[1]), int(row[2])) for row in await connection.execute(_RATINGS_BY_UNIT, values)]


async def cards_by_unit(connection: AsyncConnection, span: Span) -> list[UnitCards]:
    """The cards of a span that have not been withdrawn."""
    rows = await connection.execute(_CARDS_BY_UNIT, {"since": span[0], "until": span[1]})
    return [UnitCards(row[0], Colour(row[1]), int(row[2])) for row in rows]
