"""The page on which an administrator puts in the State Council's notice for a year."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from aiohttp import web

from station.base.calendar import ChineseCalendar, china, packaged_until
from station.base.errors import BadInput, NotFound, Phrase
from station.base.i18n import format_day
from station.base.idempotency import answer_at
from station.base.web import language_of, principal_of, read_form, render, see_other, station_of, translate
from station.booking.days_off import bookings_on_days_off
from station.cases.service import count_due_since
from station.holidays.notice import Break, Reading, as_calendar, first_change
from station.holidays.service import check_text, list_notices, put_in, withdraw, years_open
from station.holidays.store import KeptNotice

PAGE = "/admin/holidays"


async def show(request: web.Request) -> web.StreamResponse:
    """What is in force, and the form for the next year's notice."""
    return await _page(request, {"year": "", "text": ""}, {})


async def _page(
    request: web.Request,
    values: dict[str, str],
    fields: dict[str, str],
    reading: Reading | None = None,
    status: int = 200,
) -> web.StreamResponse:
    kept = await list_notices(station_of(request))
    year = next((year for year in years_open() if str(year) == values["year"]), 0)
    before = next((notice for notice in kept if notice.year == year), None)
    understood = reading is not None and not reading.faults
    faults = [_say(request, fault) for fault in reading.faults] if reading else []
    return render(
        request,
        "admin/holidays.html",
        status=status,
        values=values,
        fields=fields,
        faults=faults,
        by_hand=kept,
        years=list(years_open()),
        packaged_until=packaged_until(),
        published_until=china().published_until,
        before=before,
        breaks=reading.breaks if reading and understood else (),
        effect=await _effect(request, reading.breaks, before, year) if reading and understood else None,
    )


async def _effect(
    request: web.Request, breaks: Sequence[Break], before: KeptNotice | None, year: int
) -> dict[str, object]:
    """What would follow: how many deadlines are counted again, and who has a meeting on a day off."""
    station, after = station_of(request), as_calendar(breaks)
    since = first_change(as_calendar(before.breaks) if before else None, after, year)
    calendar = ChineseCalendar(notices={**china().notices, year: after})
    bookings = await bookings_on_days_off(station, since, calendar)
    return {"cases": await count_due_since(station, since), "bookings": bookings}


def _say(request: web.Request, phrase: str) -> str:
    """A fault in the reader's language, its days as pages write them."""
    language = language_of(request)
    gaps = phrase.params if isinstance(phrase, Phrase) else {}
    said = {name: _day(value, language) for name, value in gaps.items()}
    return translate(request, str(phrase), **said)


def _day(value: object, language: str) -> object:
    return format_day(value, language) if isinstance(value, date) else value


async def check(request: web.Request) -> web.StreamResponse:
    """Show what was understood of a pasted notice; nothing is kept yet."""
    form = await read_form(request)
    values = {"year": form.get("year", ""), "text": form.get("text", "")}
    year = next((year for year in years_open() if str(year) == values["year"]), 0)
    try:
        reading = check_text(values["text"], year)
    except BadInput as error:
        return await _page(request, values, error.fields, status=422)
    return await _page(request, values, {}, reading, status=422 if reading.faults else 200)


def _year_of(request: web.Request) -> int:
    year = request.match_info["year"]
    if not (year.isascii() and year.isdigit() and len(year) == 4):
        raise NotFound
    return int(year)


def _seen_in(form: dict[str, str]) -> int:
    """The version of the notice that the page showed; 0 for none."""
    seen = form.get("seen", "")
    return int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 9 else 0


async def keep(request: web.Request) -> web.StreamResponse:
    """Count by the notice that was shown."""
    form = await read_form(request)
    answer_at(PAGE)
    year, text = _year_of(request), form.get("text", "")
    await put_in(station_of(request), principal_of(request), year, text, _seen_in(form))
    return see_other(PAGE)


async def take_back(request: web.Request) -> web.StreamResponse:
    """Withdraw a notice, after asking."""
    form = await read_form(request)
    answer_at(PAGE)
    year = _year_of(request)
    await withdraw(station_of(request), principal_of(request), year, _seen_in(form))
    return see_other(PAGE)


async def ask_take_back(request: web.Request) -> web.StreamResponse:
    """Whether a notice is really to be withdrawn."""
    year = _year_of(request)
    kept = await list_notices(station_of(request))
    found = next((notice for notice in kept if notice.year == year), None)
    if found is None:
        return see_other(PAGE)
    return render(request, "admin/holidays_withdraw.html", notice=found)
