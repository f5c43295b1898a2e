"""Constituencies with their places as an administrator writes them."""

from __future__ import annotations

from functools import partial

from aiohttp import web

from station.base.idempotency import answer_at
from station.base.web import principal_of, query_cursor, query_text, read_form, render, see_other, station_of
from station.directory import edit_service
from station.directory.admin_forms import Values, answer_edit, differing, seen_version
from station.directory.entries_model import (
    MAX_PLACES,
    ChangedMeanwhile,
    ConstituencyEntry,
    PlaceEntry,
    StillNeeded,
    split_names,
)
from station.directory.lists_service import current_constituency, list_entries
from station.directory.model import PlaceKind

EMPTY_ROWS = 4


async def list_constituencies(request: web.Request) -> web.StreamResponse:
    """All constituencies by name, a page at a time; found by their places too."""
    query = query_text(request, "q")
    found = await list_entries(station_of(request), "constituency", query, query_cursor(request))
    return render(request, "admin/constituencies.html", found=found, q=query)


async def ask_constituency(request: web.Request) -> web.StreamResponse:
    """The form of a new constituency, or of one that is there."""
    identity = request.match_info.get("constituency", "")
    entry = ConstituencyEntry(name="")
    if identity:
        entry, _ = await current_constituency(station_of(request), identity)
    return await _show(request, identity, _as_values(entry))


async def save_constituency(request: web.Request) -> web.StreamResponse:
    """Add a constituency or change it with its places."""
    identity = request.match_info.get("constituency", "")
    form = await read_form(request)
    entry = read_constituency(form)
    values = _as_values(entry) | {"seen": form.get("seen", ""), "sure": form.get("sure", "")}
    answer_at(f"/admin/constituencies/{identity or '{made}'}?saved=1")
    save = partial(
        edit_service.save_constituency,
        station_of(request),
        principal_of(request),
        identity,
        entry,
        seen_version(values),
        bool(values["sure"]),
    )
    show = partial(_show, request, identity)
    return await answer_edit(values, save, show, lambda made: f"/admin/constituencies/{made}?saved=1")


def read_constituency(form: Values) -> ConstituencyEntry:
    """The form as data: a row whose name was emptied is a place taken away."""
    rows = [(form.get(f"kind-{n}", ""), form.get(f"name-{n}", ""), form.get(f"aliases-{n}", "")) for n in _numbers()]
    places = [PlaceEntry(kind=kind, name=name, aliases=split_names(aliases)) for kind, name, aliases in rows if name]
    return ConstituencyEntry(
        name=form.get("name", ""), whole_district=form.get("whole_district") == "yes", places=tuple(places)
    )


def _numbers() -> range:
    return range(MAX_PLACES + EMPTY_ROWS)


def _as_values(entry: ConstituencyEntry) -> Values:
    values = {"name": entry.name, "whole_district": "yes" if entry.whole_district else "", "seen": "", "sure": ""}
    for number, place in enumerate(entry.places):
        values |= {f"kind-{number}": place.kind, f"name-{number}": place.name}
        values[f"aliases-{number}"] = "、".join(place.aliases)
    return values


def places_in_words(entry: ConstituencyEntry) -> str:
    """The places as one line, for showing what somebody else has saved."""
    return "、".join(
        place.name + (f"（{'、'.join(place.aliases)}）" if place.aliases else "") for place in entry.places
    )


async def _show(
    request: web.Request,
    identity: str,
    values: Values,
    status: int = 200,
    fields: dict[str, str] | None = None,
    asks: bool = False,
    refused: StillNeeded | ChangedMeanwhile | None = None,
) -> web.StreamResponse:
    row: dict[str, object] = {}
    now: Values = {}
    if identity:
        entry, version = await current_constituency(station_of(request), identity)
        row = {"name": entry.name, "version": version}
        if status == 409 and refused is None:
            current = _as_values(entry)
            now = differing({"name": values["name"]}, {"name": entry.name})
            if {k: v for k, v in values.items() if k not in ("seen", "sure")} != {
                k: v for k, v in current.items() if k not in ("seen", "sure")
            }:
                now["places"] = places_in_words(entry)
    count = sum(1 for name in values if name.startswith("name-"))
    return render(
        request,
        "admin/constituency.html",
        status,
        entry_id=identity,
        row=row,
        values=values,
        fields=fields or {},
        asks=asks,
        now=now,
        rows=range(min(count + EMPTY_ROWS, MAX_PLACES)),
        kinds=[kind.value for kind in PlaceKind],
        refused=refused,
        saved="saved" in request.query,
    )


async def remove_constituency(request: web.Request) -> web.StreamResponse:
    """Take out a constituency that no deputy ever had; with the reason where that cannot be."""
    identity, form = request.match_info["constituency"], await read_form(request)
    answer_at("/admin/constituencies")
    station, who = station_of(request), principal_of(request)
    try:
        await edit_service.remove_constituency(station, who, identity, seen_version(form))
    except (StillNeeded, ChangedMeanwhile) as error:
        entry, _ = await current_constituency(station, identity)
        return await _show(request, identity, _as_values(entry), error.status, refused=error)
    return see_other("/admin/constituencies")
