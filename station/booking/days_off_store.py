"""Bookings and closed slots to come, looked at again when the calendar changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import exists, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from station.base.database import Transaction
from station.booking.model import Booking, BookingState
from station.booking.store import bookings, slots, to_booking


async def bookings_after(connection: AsyncConnection, moment: datetime) -> list[Booking]:
    """Bookings that stand and begin after a moment; no more than are laid out."""
    stands = bookings.c.state == BookingState.BOOKED
    query = select(bookings).where(bookings.c.starts_at > moment, stands).order_by(bookings.c.starts_at, bookings.c.id)
    return [to_booking(row) for row in await connection.execute(query)]


async def lock_if_booked(work: Transaction, booking_id: str) -> bool:
    """Hold a booking until the end of the transaction; False when it no longer stands."""
    stands = (bookings.c.id == booking_id) & (bookings.c.state == BookingState.BOOKED)
    return (await work.execute(select(bookings.c.id).where(stands).with_for_update())).first() is not None


async def closed_without_booking(connection: AsyncConnection, moment: datetime) -> list[tuple[str, datetime]]:
    """Closed slots after a moment that nobody ever booked: id and beginning."""
    booked = exists().where(bookings.c.slot == slots.c.id)
    query = select(slots.c.id, slots.c.starts_at).where(slots.c.starts_at > moment, slots.c.closed.is_(True), ~booked)
    return [(row.id, row.starts_at) for row in await connection.execute(query)]


async def reopen(work: Transaction, slot_ids: Sequence[str]) -> None:
    """Offer these slots again."""
    await work.execute(update(slots).where(slots.c.id.in_(slot_ids)).values(closed=False))
