"""The citizen's own page: the next meeting, then the cases, what waits for them first."""

from __future__ import annotations

from aiohttp import web

from station.base.clock import local_date
from station.base.principal import Role
from station.base.web import principal_of, render, station_of
from station.booking.model import BookingState
from station.booking.policy import booking_policy
from station.booking.service import may_enter, my_bookings
from station.cases.service import my_cases
from station.meeting.service import meetings_of_bookings
from station.people.model import mask_phone
from station.people.pages import my_home
from station.people.service import get_account

PAST_SHOWN = 5


async def show_my(request: web.Request) -> web.StreamResponse:
    """A citizen's page; everybody else is sent to their own desk."""
    station, who = station_of(request), principal_of(request)
    if who.role is not Role.CITIZEN:
        return await my_home(request)
    now = station.clock.now()
    async with station.database.snapshot():
        bookings = await my_bookings(station, who)
        ahead = [b for b in bookings if b.state is BookingState.BOOKED and b.ends_at > now]
        past = [b for b in reversed(bookings) if b not in ahead][:PAST_SHOWN]
        meetings = await meetings_of_bookings(station, [booking.id for booking in past])
        cases = await my_cases(station, who)
        account = await get_account(station, who.account)
    return render(
        request,
        "my/my.html",
        next_booking=ahead[0] if ahead else None,
        may_enter=bool(ahead) and may_enter(station, ahead[0]),
        enter_from=ahead[0].enter_from(booking_policy(station)) if ahead else None,
        days_left=(local_date(ahead[0].starts_at) - local_date(now)).days if ahead else 0,
        later=ahead[1:],
        past=past,
        held={booking for booking, meeting in meetings.items() if meeting.ended_at is not None},
        cases=cases,
        phone=mask_phone(account.phone),
        today=local_date(now),
    )
