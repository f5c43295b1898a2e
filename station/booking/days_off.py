"""When a holiday notice comes out later than the rota was laid out: what stands on days that turned out to be off."""

from __future__ import annotations

from datetime import date, datetime
from functools import partial

from station.base.calendar import china
from station.base.clock import day_span, local_date
from station.base.one_by_one import do_each
from station.base.principal import Role
from station.base.station import Station
from station.base.working_days import Calendar, DayKind
from station.booking import days_off_store as store
from station.booking.model import Booking
from station.booking.notice_texts import gaps_of
from station.directory.service import clerks_in_charge
from station.notices.kinds import FALLS_ON_DAY_OFF
from station.notices.model import Outgoing
from station.notices.service import is_told, queue_all
from station.people.service import accounts_with


async def bookings_on_days_off(station: Station, since: date, calendar: Calendar) -> list[Booking]:
    """Bookings still to come, from that day on, that a calendar has on a holiday; the next first."""
    async with station.database.read() as connection:
        ahead = await store.bookings_after(connection, _after(station, since))
    return [booking for booking in ahead if _is_off(calendar, booking.starts_at)]


async def tell_of_days_off(station: Station, since: date) -> int:
    """Tell deputy and clerks, once, of each booking that lies on a holiday: whether to keep it is theirs to say."""
    return await do_each(await bookings_on_days_off(station, since, china()), partial(_tell, station))


async def _tell(station: Station, booking: Booking) -> bool:
    staff = [
        *await accounts_with(station, Role.DEPUTY, booking.deputy_id),
        *await clerks_in_charge(station, booking.deputy_id),
    ]
    gaps, subject = gaps_of(station, booking), f"booking:{booking.id}"
    async with station.database.transaction() as work:
        if not await store.lock_if_booked(work, booking.id) or await is_told(work, subject, FALLS_ON_DAY_OFF):
            return False
        await queue_all(station, work, [Outgoing("app", one.id, FALLS_ON_DAY_OFF, gaps, subject) for one in staff])
    return True


async def reopen_worked_days(station: Station, since: date) -> int:
    """Offer again what was closed for a holiday on days that are worked after all; returns how many slots.

    A slot that was closed because its meeting was cancelled has a booking, and stays closed.
    """
    async with station.database.read() as connection:
        closed = await store.closed_without_booking(connection, _after(station, since))
    again = [slot for slot, starts_at in closed if not _is_off(china(), starts_at)]
    if again:
        async with station.database.transaction() as work:
            await store.reopen(work, again)
    return len(again)


def _is_off(calendar: Calendar, moment: datetime) -> bool:
    return calendar.kind(local_date(moment)) is DayKind.HOLIDAY


def _after(station: Station, since: date) -> datetime:
    return max(station.clock.now(), day_span(since)[0])
