"""Deputies as an administrator writes them: the person, the seat of the term that lasts, whether they receive."""

from __future__ import annotations

from functools import partial

from aiohttp import web

from station.base.idempotency import answer_at
from station.base.text import fold
from station.base.web import principal_of, query_cursor, query_text, render, station_of
from station.directory import edit_service
from station.directory.admin_forms import Values, answer_edit, as_text, differing, read_values, seen_version
from station.directory.entries_model import DeputyEntry
from station.directory.lists_service import (
    all_constituencies,
    current_row,
    list_deputies,
    seats_of,
    term_that_lasts,
)
from station.directory.lists_store import DeputyFilter
from station.directory.model import spell
from station.directory.pinyin import propose_syllables
from station.directory.service import list_stations

OF_PERSON = ("name", "syllables", "code", "station", "job", "concerns", "bio", "receiving")
FIELDS = (*OF_PERSON, "constituency", "level")
STANDINGS = ("receiving", "paused", "left")


async def list_all(request: web.Request) -> web.StreamResponse:
    """All deputies by pinyin, a page at a time, in office or not; found by name and by place."""
    station = station_of(request)
    standing = query_text(request, "standing")
    wanted = DeputyFilter(
        query_text(request, "q", 40), query_text(request, "station"), standing if standing in STANDINGS else ""
    )
    async with station.database.snapshot():
        found = await list_deputies(station, wanted, query_cursor(request))
        stations = [(one.id, one.name) for one in await list_stations(station)]
        term = await term_that_lasts(station)
    return render(
        request, "admin/deputies.html", found=found, wanted=wanted, stations=stations, term=term.name if term else ""
    )


async def ask_deputy(request: web.Request) -> web.StreamResponse:
    """The form of a new deputy, or of one who is there."""
    identity = request.match_info.get("deputy", "")
    if not identity:
        return await _show(request, "", as_text({"receiving": True, "level": "district"}, FIELDS))
    return await _show(request, identity, await _current(request, identity))


async def _current(request: web.Request, identity: str) -> Values:
    """What the form of a deputy shows when nobody has typed anything."""
    station = station_of(request)
    row = await current_row(station, "deputy", identity)
    seats = await seats_of(station, identity)
    seat = seats[0] if seats and seats[0].ends_on is None else None
    values = as_text(row, OF_PERSON) | {"syllables": row["syllables"] or _syllables_of(row["name"], row["latin"])}
    level = seat.level if seat is not None else "district"
    return values | {"constituency": seat.constituency_id if seat is not None else "", "level": level}


def _syllables_of(name: str, latin: str) -> str:
    """Of who was entered before syllables were kept: what is read from the name, where that is how it is written."""
    proposed = propose_syllables(name)
    is_same = proposed and spell(proposed)[0].lower() == latin.lower()
    return proposed if is_same else latin.lower()


async def save_deputy(request: web.Request) -> web.StreamResponse:
    """Add a deputy or change one."""
    identity = request.match_info.get("deputy", "")
    values = await read_values(request, FIELDS)
    answer_at(f"/admin/deputies/{identity or '{made}'}?saved=1")
    entry = read_deputy(values)
    seen, sure = seen_version(values), bool(values["sure"])
    save = partial(edit_service.save_deputy, station_of(request), principal_of(request), identity, entry, seen, sure)
    show = partial(_show, request, identity)
    return await answer_edit(values, save, show, lambda made: f"/admin/deputies/{made}?saved=1")


def read_deputy(values: Values) -> DeputyEntry:
    """The form as data; pinyin and code in small letters whatever the keyboard made of them."""
    plain = {name: fold(values[name]).lower() for name in ("syllables", "code")}
    kept = {name: values[name] for name in ("name", "station", "constituency", "level", "job", "concerns", "bio")}
    return DeputyEntry(**kept, **plain, receiving=values["receiving"] == "yes")


async def _show(
    request: web.Request,
    identity: str,
    values: Values,
    status: int = 200,
    fields: dict[str, str] | None = None,
    asks: bool = False,
) -> web.StreamResponse:
    station = station_of(request)
    row = await current_row(station, "deputy", identity) if identity else {}
    now = differing(values, await _current(request, identity)) if status == 409 and row else {}
    stations = [one for one in await list_stations(station) if not one.closed or one.id == values["station"]]
    return render(
        request,
        "admin/deputy.html",
        status,
        entry_id=identity,
        row=row,
        values=values,
        fields=fields or {},
        asks=asks,
        now=now,
        refused=None,
        stations=[(one.id, one.name) for one in stations],
        constituencies=await all_constituencies(station),
        seats=await seats_of(station, identity) if identity else [],
        term=await term_that_lasts(station),
        saved="saved" in request.query,
    )
