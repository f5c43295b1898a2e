"""The administrator's lists, and what one entry is now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from station.base.errors import NotFound
from station.base.keyset import Cursor, Slice
from station.base.station import Station
from station.directory import edit_store, lists_store
from station.directory.edit_service import get_constituency
from station.directory.entries_model import ConstituencyEntry
from station.directory.lists_store import DeputyFilter

PAGES = {
    "station": lists_store.page_of_stations,
    "unit": lists_store.page_of_units,
    "constituency": lists_store.page_of_constituencies,
}


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of a list, and how many there are in all."""

    page: Slice[Any]
    total: int


async def list_entries(station: Station, kind: str, query: str, cursor: Cursor | None) -> Listed:
    """A page of stations, units or constituencies."""
    async with station.database.read() as connection:
        return Listed(*await PAGES[kind](connection, query, cursor))


async def list_deputies(station: Station, wanted: DeputyFilter, cursor: Cursor | None) -> Listed:
    """A page of deputies, in office or not."""
    async with station.database.read() as connection:
        return Listed(*await lists_store.page_of_deputies(connection, wanted, cursor))


async def current_row(station: Station, kind: str, identity: str) -> dict[str, Any]:
    """One row as it is now. Raises NotFound."""
    async with station.database.read() as connection:
        row = await edit_store.find_row(connection, kind, identity)
    if row is None:
        raise NotFound
    return row


async def current_constituency(station: Station, identity: str) -> tuple[ConstituencyEntry, int]:
    """A constituency with its places, and its version. Raises NotFound."""
    async with station.database.read() as connection:
        entry = await get_constituency(connection, identity)
        row = await edit_store.find_row(connection, "constituency", identity)
    assert row is not None
    return entry, int(row["version"])


async def all_constituencies(station: Station) -> list[tuple[str, str]]:
    """Id and name of each constituency, by name."""
    async with station.database.read() as connection:
        rows = await edit_store.all_rows(connection, "constituency")
    return sorted(((row["id"], row["name"]) for row in rows), key=lambda pair: pair[1])


async def seats_of(station: Station, deputy_id: str) -> list[Any]:
    """A deputy's seats, the newest first."""
    async with station.database.read() as connection:
        return await edit_store.seats_of_deputy(connection, deputy_id)


async def term_that_lasts(station: Station) -> Any | None:
    """The term that lasts now; None before the first."""
    async with station.database.read() as connection:
        return await edit_store.current_term(connection)
