"""Which bookings want a reminder, and that they had it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from station.base.database import Transaction, UtcDateTime
from station.booking.model import Booking, BookingState
from station.booking.store import bookings, to_booking

_TO_REMIND = (
    select(bookings)
    .where(
        bookings.c.starts_at > bindparam("after", type_=UtcDateTime),
        bookings.c.starts_at <= bindparam("until", type_=UtcDateTime),
        bookings.c.state == literal(str(BookingState.BOOKED)),
        bookings.c.reminded < bindparam("reminder"),
    )
    .order_by(bookings.c.starts_at)
    .limit(bindparam("most"))
)


async def bookings_to_remind(
    connection: AsyncConnection, after: datetime, until: datetime, reminder: int, most: int
) -> list[Booking]:
    """Bookings that begin in a span (not at its first moment) and have not had that reminder, the next first."""
    span = {"after": after, "until": until, "reminder": reminder, "most": most}
    return [to_booking(row) for row in await connection.execute(_TO_REMIND, span)]


async def mark_reminded(work: Transaction, booking_id: str, reminder: int) -> bool:
    """Note that reminder; False when it was noted already, or the booking no longer stands."""
    due = (bookings.c.id == booking_id) & (bookings.c.reminded < reminder)
    stands = bookings.c.state == BookingState.BOOKED
    return (await work.execute(update(bookings).where(due, stands).values(reminded=reminder))).rowcount == 1
