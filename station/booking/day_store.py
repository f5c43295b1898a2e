"""Queries of the bookings of a day, a page at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from station.base.keyset import Cursor, Order, Slice, parse_moment, read_slice
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
    query = select(bookings).where(*_not_cancelled(since, until, deputies))
    return (await read_slice(connection, query, BY_TIME, cursor, size)).map(to_booking)


async def count_bookings(
    connection: AsyncConnection, since: datetime, until: datetime, deputies: Collection[str] | None
) -> int:
    """How many bookings of a span are not cancelled."""
    query = select(func.count()).select_from(bookings).where(*_not_cancelled(since, until, deputies))
    return int((await connection.execute(query)).scalar_one())


async def first_not_over(
    connection: AsyncConnection, since: datetime, until: datetime, deputies: Collection[str] | None, now: datetime
) -> datetime | None:
    """When the first booking of a span begins that has not ended; None when all have."""
    still = (*_not_cancelled(since, until, deputies), bookings.c.ends_at > now)
    found: datetime | None = (await connection.execute(select(func.min(bookings.c.starts_at)).where(*still))).scalar()
    return found


def _not_cancelled(since: datetime, until: datetime, deputies: Collection[str] | None) -> Iterator[ColumnElement[bool]]:
    yield bookings.c.starts_at >= since
    yield bookings.c.starts_at < until
    yield bookings.c.state != BookingState.CANCELLED
    if deputies is not None:
        yield bookings.c.deputy.in_(sorted(deputies))
