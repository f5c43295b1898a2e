"""The day as its people see it: the deputy's receptions, the clerk's desk."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from aiohttp import web

from station.base.clock import day_span, local_date
from station.base.errors import NotFound
from station.base.idempotency import answer_at
from station.base.keyset import Cursor, Slice
from station.base.principal import Principal, Role
from station.base.station import Station
from station.base.web import principal_of, query_cursor, query_number, read_form, render, see_other, station_of
from station.booking.model import Booking
from station.booking.service import page_of_day
from station.cases.service import due_cases, my_cases
from station.directory.service import deputies_under, deputy_of_account
from station.live.web.service import list_broadcasts
from station.meeting import lobby, service
from station.meeting.model import Kind, Meeting, MeetingState
from station.photos.model import booking_holder
from station.photos.service import count_photos

DUE_SHOWN = 6
BOARD_SHOWN, TOMORROW_SHOWN = 30, 6
DAY_OF_ONE = 100  # more than one deputy can receive in a day
MOST_DAYS_AHEAD = 60


@dataclass(frozen=True, slots=True)
class Appointment:
    """A booking of the day with its meeting, once somebody has come."""

    booking: Booking
    meeting: Meeting | None
    waiting: lobby.Waiting | None
    now: bool
    past: bool
    photos: int = 0  # that the citizen added

    @property
    def ended(self) -> bool:
        """Whether the meeting was held and ended."""
        return self.meeting is not None and self.meeting.state is MeetingState.ENDED


@dataclass(frozen=True, slots=True)
class Board:
    """A page of a day's appointments, how many the day has, and how many of them are over."""

    lines: Slice[Appointment]
    total: int
    ended: int


async def day_board(
    station: Station,
    waiting: list[lobby.Waiting],
    deputies: Collection[str] | None,
    days: int = 0,
    cursor: Cursor | None = None,
    size: int = BOARD_SHOWN,
) -> Board:
    """The bookings of today (or of a day to come) in order, with who waits for them; of some deputies, or of all."""
    day = local_date(station.clock.now()) + timedelta(days=days)
    found, total = await page_of_day(station, day, deputies, cursor, size)
    ended = await service.count_ended(station, day, deputies)
    lines = await _appointments(station, waiting, list(found.items))
    return Board(Slice(tuple(lines), found.before, found.after), total, ended)


async def _appointments(station: Station, waiting: list[lobby.Waiting], bookings: list[Booking]) -> list[Appointment]:
    now = station.clock.now()
    meetings = await service.meetings_of_bookings(station, [b.id for b in bookings])
    at_door = {w.meeting.booking_id: w for w in waiting if w.meeting.booking_id}
    photos = await count_photos(station, [booking_holder(b.id) for b in bookings])
    lines: list[Appointment] = []
    for booking in bookings:
        meeting = meetings.get(booking.id)
        running = meeting is not None and meeting.state is MeetingState.OPEN
        current = booking.starts_at <= now < booking.ends_at
        over = booking.ends_at <= now and not running
        waits, added = at_door.get(booking.id), 0 if booking.use_withdrawn else photos[booking_holder(booking.id)]
        lines.append(
            Appointment(
                booking=booking, meeting=meeting, waiting=waits, now=running or current, past=over, photos=added
            )
        )
    return lines


async def show_deputy_day(request: web.Request) -> web.StreamResponse:
    """The deputy's own day: who waits, today's receptions, their cases."""
    station, who = station_of(request), principal_of(request)
    async with station.database.snapshot():
        deputy = await deputy_of_account(station, who.account)
        waiting = await lobby.list_waiting(station, [deputy.id])
        shown: dict[str, Any] = {
            "deputy": deputy,
            "waiting": waiting,
            "today": (await day_board(station, waiting, {deputy.id}, size=DAY_OF_ONE)).lines.items,
            "tomorrow": (await day_board(station, [], {deputy.id}, days=1, size=DAY_OF_ONE)).lines.items,
            "hearings": [h for h in await _hearings_today(station, who) if h.deputy_id == deputy.id or h.open],
            "cases": await my_cases(station, who, DUE_SHOWN),
        }
    return render(request, "desk/deputy.html", **shown)


async def show_today(request: web.Request) -> web.StreamResponse:
    """The clerk's desk: who waits now, today as a timetable, what is due."""
    station, who = station_of(request), principal_of(request)
    days = query_number(request, "day", 0, most=MOST_DAYS_AHEAD)
    async with station.database.snapshot():
        deputies = await deputies_under(station, who.scope) if who.role is Role.CLERK else None
        waiting = await lobby.list_waiting(station, deputies)
        shown: dict[str, Any] = {
            "waiting": waiting,
            "board_of_day": await day_board(station, waiting, deputies, days, query_cursor(request)),
            "tomorrow": await day_board(station, [], deputies, days=1, size=TOMORROW_SHOWN),
            "hearings": await _hearings_today(station, who) if not days else [],
            "on_air": {b.meeting_id for b in await list_broadcasts(station) if b.live},
            "due": await due_cases(station, who, DUE_SHOWN),
        }
    day_shown = station.clock.now() + timedelta(days=days)
    return render(request, "desk/today.html", days=days, day_shown=day_shown, may_enter=_may_enter(who), **shown)


def _may_enter(who: Principal) -> bool:
    return who.role is Role.CLERK


async def _hearings_today(station: Station, who: Principal) -> list[Meeting]:
    since, until = day_span(local_date(station.clock.now()))
    return await service.hearings_of_day(station, who, since, until)


async def admit_from_desk(request: web.Request) -> web.StreamResponse:
    """「请进」 on a desk: works without script. A deputy goes into the room with them, a clerk stays."""
    station, who = station_of(request), principal_of(request)
    form = await read_form(request)
    meeting_id = request.match_info["meeting"]
    if not form.get("person"):
        raise NotFound
    meeting = await service.get_meeting(station, who, meeting_id)
    if who.role is Role.DEPUTY:
        location = f"/meet/{meeting_id}"
    else:
        location = "/desk" if meeting.kind is Kind.RECEPTION else f"/desk/hearings/{meeting_id}"
    answer_at(location)
    await lobby.admit(station, who, meeting_id, form["person"])
    return see_other(location)
