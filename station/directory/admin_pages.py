"""Stations and units as an administrator writes them."""

from __future__ import annotations

from functools import partial
from typing import Any

from aiohttp import web

from station.base.idempotency import answer_at
from station.base.web import principal_of, query_cursor, query_text, read_form, render, see_other, station_of
from station.directory import edit_service
from station.directory.admin_forms import Values, answer_edit, as_text, differing, read_values, seen_version
from station.directory.entries_model import ChangedMeanwhile, StationEntry, StillNeeded, UnitEntry
from station.directory.lists_service import current_row, list_entries
from station.directory.service import list_stations as all_stations

STATION_FIELDS = ("name", "tier", "parent", "address", "phone", "hours", "directions", "accessibility")
UNIT_FIELDS = ("name", "phone", "contacts")
NEW_STATION = {"tier": "street"}


async def list_stations(request: web.Request) -> web.StreamResponse:
    """All liaison stations by name, a page at a time, closed ones too."""
    query = query_text(request, "q")
    found = await list_entries(station_of(request), "station", query, query_cursor(request))
    return render(request, "admin/stations.html", found=found, q=query)


async def ask_station(request: web.Request) -> web.StreamResponse:
    """The form of a new station, or of one that is there."""
    identity = request.match_info.get("station", "")
    row = await current_row(station_of(request), "station", identity) if identity else {}
    return await _show_station(request, identity, as_text(row or NEW_STATION, STATION_FIELDS))


async def save_station(request: web.Request) -> web.StreamResponse:
    """Add a station or change it."""
    identity = request.match_info.get("station", "")
    values = await read_values(request, STATION_FIELDS)
    answer_at(f"/admin/stations/{identity or '{made}'}?saved=1")
    entry = StationEntry(**{name: values[name] for name in STATION_FIELDS})
    seen, sure = seen_version(values), bool(values["sure"])
    save = partial(edit_service.save_station, station_of(request), principal_of(request), identity, entry, seen, sure)
    show = partial(_show_station, request, identity)
    return await answer_edit(values, save, show, lambda made: f"/admin/stations/{made}?saved=1")


async def _show_station(
    request: web.Request,
    identity: str,
    values: Values,
    status: int = 200,
    fields: dict[str, str] | None = None,
    asks: bool = False,
    refused: StillNeeded | ChangedMeanwhile | None = None,
) -> web.StreamResponse:
    station = station_of(request)
    row: dict[str, Any] = await current_row(station, "station", identity) if identity else {}
    above = [one for one in await all_stations(station) if not one.closed or one.id == values["parent"]]
    now = differing(values, as_text(row, STATION_FIELDS)) if status == 409 and row else {}
    return render(
        request,
        "admin/station.html",
        status,
        entry_id=identity,
        row=row,
        values=values,
        fields=fields or {},
        asks=asks,
        now=now,
        others=[(one.id, one.name) for one in above if one.id != identity],
        refused=refused,
        saved="saved" in request.query,
    )


async def close_station(request: web.Request) -> web.StreamResponse:
    """Close a station or open it again; with the reason where that cannot be."""
    identity, form = request.match_info["station"], await read_form(request)
    answer_at(f"/admin/stations/{identity}?saved=1")
    closed = form.get("closed") == "yes"
    station, who = station_of(request), principal_of(request)
    try:
        await edit_service.set_station_closed(station, who, identity, closed, seen_version(form))
    except (StillNeeded, ChangedMeanwhile) as error:
        row = await current_row(station, "station", identity)
        return await _show_station(request, identity, as_text(row, STATION_FIELDS), error.status, refused=error)
    return see_other(f"/admin/stations/{identity}?saved=1")


async def list_units(request: web.Request) -> web.StreamResponse:
    """All handling units by name, retired ones too."""
    query = query_text(request, "q")
    found = await list_entries(station_of(request), "unit", query, query_cursor(request))
    return render(request, "admin/units.html", found=found, q=query)


async def ask_unit(request: web.Request) -> web.StreamResponse:
    """The form of a new unit, or of one that is there."""
    identity = request.match_info.get("unit", "")
    row = await current_row(station_of(request), "unit", identity) if identity else {}
    return await _show_unit(request, identity, as_text(row, UNIT_FIELDS))


async def save_unit(request: web.Request) -> web.StreamResponse:
    """Add a unit or change it."""
    identity = request.match_info.get("unit", "")
    values = await read_values(request, UNIT_FIELDS)
    answer_at(f"/admin/units/{identity or '{made}'}?saved=1")
    entry = UnitEntry(**{name: values[name] for name in UNIT_FIELDS})
    seen, sure = seen_version(values), bool(values["sure"])
    save = partial(edit_service.save_unit, station_of(request), principal_of(request), identity, entry, seen, sure)
    show = partial(_show_unit, request, identity)
    return await answer_edit(values, save, show, lambda made: f"/admin/units/{made}?saved=1")


async def _show_unit(
    request: web.Request,
    identity: str,
    values: Values,
    status: int = 200,
    fields: dict[str, str] | None = None,
    asks: bool = False,
    refused: ChangedMeanwhile | None = None,
) -> web.StreamResponse:
    row: dict[str, Any] = await current_row(station_of(request), "unit", identity) if identity else {}
    now = differing(values, as_text(row, UNIT_FIELDS)) if status == 409 and row else {}
    return render(
        request,
        "admin/unit.html",
        status,
        entry_id=identity,
        row=row,
        values=values,
        fields=fields or {},
        asks=asks,
        now=now,
        refused=refused,
        saved="saved" in request.query,
    )


async def retire_unit(request: web.Request) -> web.StreamResponse:
    """Give a unit nothing new any more, or again."""
    identity, form = request.match_info["unit"], await read_form(request)
    answer_at(f"/admin/units/{identity}?saved=1")
    retired = form.get("retired") == "yes"
    station, who = station_of(request), principal_of(request)
    try:
        await edit_service.set_unit_retired(station, who, identity, retired, seen_version(form))
    except ChangedMeanwhile as error:
        row = await current_row(station, "unit", identity)
        return await _show_unit(request, identity, as_text(row, UNIT_FIELDS), error.status, refused=error)
    return see_other(f"/admin/units/{identity}?saved=1")
