"""What the figures of units are made from: counted by the database from indexes that hold all that is counted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, case, func, literal, not_, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from station.cases import store
from station.cases.model import Colour
from station.cases.records import UnitCards, UnitRatings, UnitReplies

Span = tuple[datetime, datetime]


async def replies_by_unit(connection: AsyncConnection, spans: Sequence[Span]) -> list[UnitReplies]:
    """Replies of each unit in each span; a span by its place in `spans`.

    One span after the other, as one index range each: grouped together they would all be sorted first.
    """
    r = store.case_replies.c
    late = func.sum(case((r.late, 1), else_=0))
    soon = func.sum(case((and_(r.soon, not_(r.late)), 1), else_=0))
    parts = [
        select(literal(place), r.unit_id, func.count(), late, soon)
        .where(r.at >= since, r.at < until)
        .group_by(r.unit_id)
        for place, (since, until) in enumerate(spans)
    ]
    rows = await connection.execute(union_all(*parts))
    return [UnitReplies(int(row[0]), row[1], int(row[2]), int(row[3]), int(row[4])) for row in rows]


async def ratings_by_unit(connection: AsyncConnection, span: Span, good_from: int) -> list[UnitRatings]:
    """How many replies of a span were rated (whenever that was), and how many of them well."""
    r, g = store.case_replies.c, store.case_ratings.c
    good = func.sum(case((g.grade >= good_from, 1), else_=0))
    query = (
        select(r.unit_id, func.count(), good)
        .join(store.case_ratings, and_(g.case_id == r.case_id, g.round == r.round))
        .where(r.at >= span[0], r.at < span[1])
        .group_by(r.unit_id)
    )
    return [UnitRatings(row[0], int(row[1]), int(row[2])) for row in await connection.execute(query)]


async def cards_by_unit(connection: AsyncConnection, span: Span) -> list[UnitCards]:
    """The cards of a span that have not been withdrawn."""
    k = store.case_cards.c
    query = (
        select(k.unit_id, k.colour, func.count())
        .where(k.issued_at >= span[0], k.issued_at < span[1], k.withdrawn_at.is_(None))
        .group_by(k.unit_id, k.colour)
    )
    return [UnitCards(row[0], Colour(row[1]), int(row[2])) for row in await connection.execute(query)]
