"""Finding a deputy and a time: the home page, the list of deputies, one deputy's two weeks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby

from aiohttp import web

from station.base.clock import local_date
from station.base.errors import StationError
from station.base.principal import Principal, Role
from station.base.station import Station
from station.base.web import principal_of, query_number, query_text, render, station_of
from station.booking.drafts import get_draft
from station.booking.model import Booking, BookingState, Slot
from station.booking.policy import booking_policy
from station.booking.rota import Reception, earliest_slots, list_slots, receptions_of_day
from station.booking.service import my_bookings
from station.directory.service import find_deputies, get_deputy

BOARD_ROWS = 6


@dataclass(frozen=True, slots=True)
class HomeBlock:
    """A piece of the home page that another package brings: a template and what it shows."""

    template: str
    context: dict[str, object] = field(default_factory=dict)


HomeBlockMaker = Callable[[web.Request], Awaitable[HomeBlock | None]]
HOME_BLOCKS: web.AppKey[Sequence[HomeBlockMaker]] = web.AppKey("home_blocks", Sequence)


async def show_home(request: web.Request) -> web.StreamResponse:
    """One question (where do you live), who receives today, and what others bring."""
    station, who = station_of(request), principal_of(request)
    today = local_date(station.clock.now())
    async with station.database.snapshot(brief=True):
        day, receptions = await _next_receptions(station, today)
        made = [await make(request) for make in request.app.get(HOME_BLOCKS, ())]
        booking = await next_booking(station, who)
        is_empty = not receptions and not (await find_deputies(station)).total
    return render(
        request,
        "booking/home.html",
        is_empty=is_empty,
        today=today,
        day=day,
        receptions=receptions,
        blocks=[block for block in made if block is not None],
        next_booking=booking,
    )


async def _next_receptions(station: Station, today: date) -> tuple[date, list[Reception]]:
    """Today's receptions still to come, or tomorrow's when today has none left."""
    for day in (today, today + timedelta(days=1)):
        receptions = await receptions_of_day(station, day, BOARD_ROWS)
        if receptions:
            return day, receptions
    return today, []


async def next_booking(station: Station, who: Principal) -> Booking | None:
    """The citizen's next meeting, for the panel of their turn."""
    if who.role is not Role.CITIZEN:
        return None
    now = station.clock.now()
    ahead = [b for b in await my_bookings(station, who) if b.state is BookingState.BOOKED and b.ends_at > now]
    return ahead[0] if ahead else None


async def list_deputies(request: web.Request) -> web.StreamResponse:
    """Deputies by place or name, each with the earliest free time."""
    station = station_of(request)
    place, name = query_text(request, "place"), query_text(request, "name")
    page = query_number(request, "page", 1, least=1)
    async with station.database.snapshot():
        found = await find_deputies(station, place, name, page)
        earliest = await earliest_slots(station, [deputy.id for deputy in found.deputies if deputy.is_bookable])
    return render(
        request,
        "directory/deputies.html",
        found=found,
        place=place[:40],
        name=name[:40],
        by_name="name" in request.query and not place,
        earliest=earliest,
        today=local_date(station.clock.now()),
    )


async def show_deputy(request: web.Request) -> web.StreamResponse:
    """One deputy: two weeks of times first, then who they are."""
    return await answer_deputy(request, request.match_info["deputy"])


async def answer_deputy(
    request: web.Request, deputy_id: str, fault: StationError | None = None, unchosen: bool = False
) -> web.StreamResponse:
    """The deputy's page; with the reason on top when a chosen time could not be had. Raises NotFound."""
    station, who = station_of(request), principal_of(request)
    async with station.database.snapshot(brief=True):
        deputy = await get_deputy(station, deputy_id)
        draft = await get_draft(station, who) if who.role is Role.CITIZEN else None
        slots = await list_slots(station, who, deputy.id) if deputy.is_bookable else []
    return render(
        request,
        "directory/deputy.html",
        status=fault.status if fault else 422 if unchosen else 200,
        deputy=deputy,
        days=days_of(slots),
        bookable=any(not slot.full for slot in slots),
        today=local_date(station.clock.now()),
        policy=booking_policy(station),
        fault=fault,
        unchosen=unchosen,
        text_kept=draft is not None and bool(draft.topic),
        chosen=draft.slot_id if draft is not None else "",
    )


def days_of(slots: list[Slot]) -> list[tuple[date, list[Slot]]]:
    """Slots in order, a list for each day in Shanghai."""
    return [(day, list(group)) for day, group in groupby(slots, key=lambda slot: local_date(slot.starts_at))]
