"""Queries of the bookings of a day, a page at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from station.base.database import UtcDateTime
from station.base.keyset import Cursor, Order, PagedQuery, Slice, parse_moment
from station.booking.model import Booking, BookingState
from station.booking.store import bookings, to_booking

BY_TIME = Order((bookings.c.starts_at, bookings.c.id), ("starts_at", "id"), (parse_moment, str))


async def bookings_page(
    connection: AsyncConnection,
    since: datetime,
    until: datetime,
    deputies: Collection[str] | None,
    cursor: Cursor | None,
    size: int,
) -> Slice[Booking]:
    """A page of the bookings of a span that are not cancelled, in order; of some deputies, or with None of all."""
    values = _values(since, until, deputies)
    return (await _page(deputies is None).read(connection, cursor, size, values)).map(to_booking)


async def count_bookings(
    connection: AsyncConnection, since: datetime, until: datetime, deputies: Collection[str] | None
) -> int:
    """How many bookings of a span are not cancelled."""
    return int((await connection.execute(_count(deputies is None), _values(since, until, deputies))).scalar_one())


async def first_not_over(
    connection: AsyncConnection, since: datetime, until: datetime, deputies: Collection[str] | None, now: datetime
) -> datetime | None:
    """When the first booking of a span begins that has not ended; None when all have."""
    values = _values(since, until, deputies) | {"now": now}
    found: datetime | None = (await connection.execute(_first_not_over(deputies is None), values)).scalar()
    return found


# Each is built once for all deputies and once for some: building a statement takes longer than running it.
@cache
def _page(of_all: bool) -> PagedQuery:
    return PagedQuery(select(bookings).where(*_not_cancelled(of_all)), BY_TIME)


@cache
def _count(of_all: bool) -> Select[Any]:
    return select(func.count()).select_from(bookings).where(*_not_cancelled(of_all))


@cache
def _first_not_over(of_all: bool) -> Select[Any]:
    still = (*_not_cancelled(of_all), bookings.c.ends_at > bindparam("now", type_=UtcDateTime))
    return select(func.min(bookings.c.starts_at)).where(*still)


def _not_cancelled(of_all: bool) -> Iterator[ColumnElement[bool]]:
    yield bookings.c.starts_at >= bindparam("since", type_=UtcDateTime)
    yield bookings.c.starts_at < bindparam("until", type_=UtcDateTime)
    yield bookings.c.state != BookingState.CANCELLED
    if not of_all:
        yield bookings.c.deputy.in_(bindparam("deputies", expanding=True))


def _values(since: datetime, until: datetime, deputies: Collection[str] | None) -> dict[str, object]:
    some = {} if deputies is None else {"deputies": sorted(deputies)}
    return {"since": since, "until": until, **some}
