"""An administrator writes the directory: each edit is one transaction with one event, held against what was shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from station.base.database import ReadConnection, Transaction
from station.base.errors import N_, BadInput, Conflict, NotFound, Phrase
from station.base.idempotency import claim_key, keep_made
from station.base.ids import new_id
from station.base.principal import Principal
from station.base.station import Station
from station.directory import edit_store, store
from station.directory.entries_model import (
    AskAgain,
    ChangedMeanwhile,
    ConstituencyEntry,
    DeputyEntry,
    PlaceEntry,
    StationEntry,
    StillNeeded,
    UnitEntry,
    check_constituency,
    check_deputy,
    check_station,
    check_unit,
    name_key,
    propose_code,
)
from station.directory.model import PlaceKind, spell
from station.directory.pinyin import propose_syllables
from station.ledger.service import append, hold_head

PREFIXES = {"station": "st", "unit": "un", "constituency": "co", "deputy": "dp"}
_WIDE_FIRST = {kind.value: place for place, kind in enumerate(PlaceKind)}
_NAMES_SHOWN = 6


class NoTerm(Conflict):
    """A deputy has a seat in a term, and there is no term yet."""

    code = "no-term"
    message = N_("还没有届次，先到“换届”里写这一届的名称和第一天")


async def begin_edit(station: Station, work: Transaction) -> None:
    """First of all in an edit: edits of the directory follow one another, so that what is checked stays so."""
    await claim_key(work, station.clock.now())
    await hold_head(work)


async def save_station(
    station: Station, who: Principal, station_id: str, entry: StationEntry, seen: int = 0, sure: bool = False
) -> str:
    """Add a liaison station ("" as id) or change it; returns its id.

    Raises BadInput, AskAgain (another one of that name, unless `sure`), NotFound, ChangedMeanwhile.
    """
    async with station.database.transaction() as work:
        await begin_edit(station, work)
        known = await store.all_stations(work.connection)
        _refuse(check_station(entry, station_id, known))
        _ask_about(entry.name, [(one.id, one.name) for one in known], station_id, sure)
        return await _write(station, work, who, "station", station_id, seen, station_values(entry))


async def set_station_closed(station: Station, who: Principal, station_id: str, closed: bool, seen: int) -> None:
    """Close a station or open it again. Raises NotFound, ChangedMeanwhile, StillNeeded with who needs it."""
    async with station.database.transaction() as work:
        await begin_edit(station, work)
        if closed:
            await _check_unneeded(work.connection, station_id)
        await _write(station, work, who, "station", station_id, seen, {"closed": closed})


async def _check_unneeded(connection: ReadConnection, station_id: str) -> None:
    names = await edit_store.receiving_at(connection, station_id)
    if names:
        words = N_("还有 %(n)s 位代表在这里接待：%(names)s。先给他们换一个站，才能关")
        raise StillNeeded(words, n=len(names), names="、".join(names[:_NAMES_SHOWN]))
    below = [one.name for one in await store.all_stations(connection) if one.parent == station_id and not one.closed]
    if below:
        words = N_("下面还有 %(n)s 个站开着：%(names)s。先给它们换一个上级站，才能关")
        raise StillNeeded(words, n=len(below), names="、".join(below[:_NAMES_SHOWN]))


async def save_unit(
    station: Station, who: Principal, unit_id: str, entry: UnitEntry, seen: int = 0, sure: bool = False
) -> str:
    """Add a handling unit or change it; returns its id. Raises like `save_station`."""
    async with station.database.transaction() as work:
        await begin_edit(station, work)
        _refuse(check_unit(entry))
        known = await store.all_units(work.connection)
        _ask_about(entry.name, [(one.id, one.name) for one in known], unit_id, sure)
        return await _write(station, work, who, "unit", unit_id, seen, asdict(entry))


async def set_unit_retired(station: Station, who: Principal, unit_id: str, retired: bool, seen: int) -> None:
    """Give a unit nothing new any more, or again. Raises NotFound, ChangedMeanwhile."""
    async with station.database.transaction() as work:
        await begin_edit(station, work)
        await _write(station, work, who, "unit", unit_id, seen, {"retired": retired})


async def save_constituency(
    station: Station, who: Principal, constituency_id: str, entry: ConstituencyEntry, seen: int = 0, sure: bool = False
) -> str:
    """Add a constituency or change it with all of its places; returns its id. Raises like `save_station`."""
    async with station.database.transaction() as work:
        await begin_edit(station, work)
        _refuse(check_constituency(entry))
        rows = await edit_store.all_rows(work.connection, "constituency")
        _ask_about(entry.name, [(row["id"], row["name"]) for row in rows], constituency_id, sure)
        before = await get_constituency(work.connection, constituency_id) if constituency_id else None
        is_moved = before is not None and set(before.places) != set(entry.places)
        values = {"name": entry.name, "whole_district": entry.whole_district}
        identity = await _write(station, work, who, "constituency", constituency_id, seen, values, touched=is_moved)
        if before is None or is_moved:
            await write_places(work, identity, entry.places)
        return identity


async def remove_constituency(station: Station, who: Principal, constituency_id: str, seen: int) -> None:
    """Take out a constituency that no deputy ever had. Raises NotFound, ChangedMeanwhile, StillNeeded."""
    async with station.database.transaction() as work:
        await begin_edit(station, work)
        if count := await edit_store.count_seats(work.connection, constituency_id):
            words = N_("有 %(n)s 个席位（包括以前各届的）属于这个选区，不能去掉。不用了可以改名")
            raise StillNeeded(words, n=count)
        row = await edit_store.find_row(work.connection, "constituency", constituency_id)
        if row is None:
            raise NotFound
        if row["version"] != seen:
            raise ChangedMeanwhile
        await edit_store.delete_constituency(work, constituency_id)
        await append(station, work, who, "directory.constituency-removed", f"constituency:{constituency_id}")


async def write_places(work: Transaction, constituency_id: str, places: Sequence[PlaceEntry]) -> None:
    """Set the places of a constituency; those that stay keep their id."""
    there = await edit_store.places_with_names(work.connection, [constituency_id])
    ids = {(row.kind, row.name): row.id for row, _ in there}
    await edit_store.replace_places(
        work,
        constituency_id,
        [
            {
                "id": ids.get((place.kind, place.name)) or new_id("pl"),
                "kind": place.kind,
                "name": place.name,
                "aliases": place.aliases,
            }
            for place in places
        ],
    )


async def get_constituency(connection: ReadConnection, constituency_id: str) -> ConstituencyEntry:
    """A constituency as it is written now. Raises NotFound."""
    row = await edit_store.find_row(connection, "constituency", constituency_id)
    if row is None:
        raise NotFound
    there = await edit_store.places_with_names(connection, [constituency_id])
    return ConstituencyEntry(name=row["name"], whole_district=row["whole_district"], places=place_entries(there))


def place_entries(there: Iterable[tuple[Any, list[str]]]) -> tuple[PlaceEntry, ...]:
    """Places as they are written, the wide ones first."""
    made = [PlaceEntry(kind=row.kind, name=row.name, aliases=tuple(names)) for row, names in there]
    return tuple(sorted(made, key=lambda place: (_WIDE_FIRST[place.kind], place.name)))


async def save_deputy(
    station: Station, who: Principal, deputy_id: str, entry: DeputyEntry, seen: int = 0, sure: bool = False
) -> str:
    """Add a deputy with a seat in the term that lasts, or change both; returns the id.

    Without syllables or a code they are proposed. Raises like `save_station`, and NoTerm.
    """
    async with station.database.transaction() as work:
        await begin_edit(station, work)
        term = await edit_store.current_term(work.connection)
        if term is None:
            raise NoTerm
        rows = {row["id"]: row for row in await edit_store.all_rows(work.connection, "deputy")}
        if deputy_id and deputy_id not in rows:
            raise NotFound
        seats = await edit_store.seats_of_term(work.connection, term.id)
        await _check_deputy(work.connection, entry, rows.get(deputy_id), not deputy_id or deputy_id in seats)
        _check_code(entry.code, rows.values(), deputy_id)
        namesakes = [
            (row["id"], row["name"])
            for row in rows.values()
            if row["id"] in seats and seats[row["id"]].constituency == entry.constituency
        ]
        _ask_about(entry.name, namesakes, deputy_id, sure)
        values = deputy_values(entry, [row["code"] for row in rows.values()])
        seat = seats.get(deputy_id)
        is_moved = bool(entry.constituency) and (
            seat is None or (seat.constituency, seat.level) != (entry.constituency, entry.level)
        )
        identity = await _write(station, work, who, "deputy", deputy_id, seen, values, touched=is_moved)
        if is_moved:
            await write_seat(work, identity, term.id, entry)
        return identity


async def _check_deputy(
    connection: ReadConnection, entry: DeputyEntry, row: Mapping[str, Any] | None, is_seated: bool
) -> None:
    own = row["station"] if row is not None else ""
    open_ids = [one.id for one in await store.all_stations(connection) if not one.closed or one.id == own]
    constituencies = [row["id"] for row in await edit_store.all_rows(connection, "constituency")]
    _refuse(check_deputy(entry, open_ids, constituencies, is_seated))


def _check_code(code: str, rows: Iterable[Mapping[str, Any]], deputy_id: str) -> None:
    other = next((row for row in rows if code and row["code"] == code and row["id"] != deputy_id), None)
    if other is not None:
        raise BadInput(fields={"code": Phrase(N_("这个代码已经是%(name)s代表的了，请换一个"), name=other["name"])})


async def write_seat(work: Transaction, deputy_id: str, term_id: str, entry: DeputyEntry) -> None:
    """Give a deputy the seat of a term, or change it."""
    if not await edit_store.update_seat(work, deputy_id, term_id, entry.constituency, entry.level):
        seat = {"id": new_id("se"), "deputy": deputy_id, "term": term_id}
        await edit_store.insert_seats(work, [seat | {"constituency": entry.constituency, "level": entry.level}])


def station_values(entry: StationEntry) -> dict[str, Any]:
    """A station's columns."""
    return asdict(entry) | {"parent": entry.parent or None}


def deputy_values(entry: DeputyEntry, taken: Iterable[str]) -> dict[str, Any]:
    """A deputy's columns; what is not written is proposed."""
    syllables = entry.syllables or propose_syllables(entry.name) or "x"
    latin, letters, initials = spell(syllables)
    return {
        "name": entry.name,
        "syllables": syllables,
        "latin": latin[:60],
        "letters": letters[:60],
        "initials": initials[:12],
        "code": entry.code or propose_code(syllables, taken),
        "station": entry.station,
        "job": entry.job,
        "concerns": entry.concerns,
        "bio": entry.bio,
        "receiving": entry.receiving,
    }


def _refuse(faults: Mapping[str, str]) -> None:
    if faults:
        raise BadInput(fields=dict(faults))


def _ask_about(name: str, known: Iterable[tuple[str, str]], own_id: str, sure: bool) -> None:
    if not sure:
        for identity, other in known:
            if identity != own_id and name_key(other) == name_key(name):
                raise AskAgain(other)


async def _write(
    station: Station,
    work: Transaction,
    who: Principal,
    kind: str,
    identity: str,
    seen: int,
    values: dict[str, Any],
    touched: bool = False,
) -> str:
    """Add or change one row and say so in the ledger, by the names of the columns alone: their words are people's."""
    if not identity:
        return await _add(station, work, who, kind, values)
    row = await edit_store.find_row(work.connection, kind, identity)
    if row is None:
        raise NotFound
    changed = sorted(name for name, value in values.items() if row[name] != value)
    if not changed and not touched:
        return identity
    if not await edit_store.update_row(work, kind, identity, seen, values):
        raise ChangedMeanwhile
    await append(station, work, who, f"directory.{kind}-changed", f"{kind}:{identity}", {"fields": changed})
    return identity


async def _add(station: Station, work: Transaction, who: Principal, kind: str, values: dict[str, Any]) -> str:
    identity = new_id(PREFIXES[kind])
    if kind in ("station", "constituency"):
        values = values | {"district": await district_id(station, work)}
    await edit_store.insert_rows(work, kind, [{"id": identity, **values}])
    await keep_made(work, identity)
    await append(station, work, who, f"directory.{kind}-added", f"{kind}:{identity}")
    return identity


async def district_id(station: Station, work: Transaction) -> str:
    """The district of this installation; made with the first station or constituency."""
    found = await edit_store.first_district(work.connection)
    if found is None:
        found = new_id("di")
        await edit_store.insert_district(work, found, station.identity.district)
    return found
