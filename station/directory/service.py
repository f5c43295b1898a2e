"""Looking people and places up. The directory is public: reads need no principal."""

from __future__ import annotations

from station.base.database import Transaction
from station.base.errors import BadInput, NotFound
from station.base.principal import Role
from station.base.station import Station
from station.directory import store
from station.directory.model import (
    Deputy,
    DeputyPage,
    DirectoryCounts,
    LiaisonStation,
    Place,
    StationNode,
    Unit,
    build_tree,
    clean_query,
    closest_name,
    narrowest,
    page_count,
    read_name,
    stations_above,
    stations_below,
)
from station.people.model import Account
from station.people.service import accounts_with, get_account

__all__ = ["Deputy", "DeputyPage", "LiaisonStation", "Place", "StationNode", "Unit"]
LAST_PAGE = 10_000


async def get_deputy(station: Station, deputy_id: str) -> Deputy:
    """The deputy with that id, in the term that lasts. Raises NotFound."""
    async with station.database.read() as connection:
        found = await store.deputy_by_id(connection, deputy_id)
    if found is None:
        raise NotFound
    return found


async def get_deputies(station: Station, deputy_ids: list[str]) -> dict[str, Deputy]:
    """Several deputies by id; those not found are left out."""
    async with station.database.read() as connection:
        return {deputy.id: deputy for deputy in await store.deputies_by_id(connection, deputy_ids)}


async def list_deputies(station: Station) -> list[Deputy]:
    """Every deputy in office, by latin name."""
    async with station.database.read() as connection:
        return await store.all_deputies(connection)


async def lock_deputy(work: Transaction, deputy_id: str) -> None:
    """Let nobody else decide about a deputy's agenda until the end of the transaction."""
    await store.lock_deputy(work, deputy_id)


async def is_bookable(work: Transaction, deputy_id: str) -> bool:
    """Whether a deputy is in office and receives, asked in the course of a change."""
    deputy = await store.deputy_by_id(work.connection, deputy_id)
    return deputy is not None and deputy.is_bookable


async def deputy_of_code(station: Station, code: str) -> Deputy:
    """The deputy whose QR code carries `code`. Raises NotFound."""
    async with station.database.read() as connection:
        found = await store.deputy_by_code(connection, code.lower())
    if found is None:
        raise NotFound
    return found


async def deputy_of_account(station: Station, account_id: str) -> Deputy:
    """The deputy an account belongs to. Raises NotFound."""
    account = await get_account(station, account_id)
    return await get_deputy(station, account.scope)


async def find_deputies(station: Station, place: str = "", name: str = "", page: int = 1) -> DeputyPage:
    """Deputies answering for a place, or by (part of) a name, latin name, initials or code; PAGE_SIZE a page.

    When the place is unknown the result is empty and `suggestion` may hold the closest name.
    """
    place, page = clean_query(place), max(1, min(page, LAST_PAGE))
    async with station.database.read() as connection:
        found: tuple[Place, ...] = ()
        wanted: list[str] | None = None
        if place:
            found = narrowest(place, await store.places_like(connection, place))
            if not found:
                suggestion = closest_name(place, await store.place_names(connection))
                return DeputyPage(deputies=(), total=0, page=1, pages=1, places=(), suggestion=suggestion)
            wanted = sorted({p.constituency for p in found})
        deputies, total = await store.search(connection, read_name(name), wanted, page)
    return DeputyPage(
        deputies=tuple(deputies), total=total, page=page, pages=page_count(total), places=found, suggestion=""
    )


async def list_stations(station: Station) -> list[LiaisonStation]:
    """All liaison stations."""
    async with station.database.read() as connection:
        return await store.all_stations(connection)


async def stations_under(station: Station, station_id: str) -> frozenset[str] | None:
    """A liaison station and those below it; None for "", which stands for the whole district."""
    if not station_id:
        return None
    return stations_below(await list_stations(station), station_id)


async def deputies_under(station: Station, station_id: str) -> frozenset[str] | None:
    """The deputies of a liaison station and of those below it; None for "", which stands for the whole district."""
    served = await stations_under(station, station_id)
    if served is None:
        return None
    async with station.database.read() as connection:
        return frozenset(await store.deputies_at(connection, served))


async def stations_over(station: Station, deputy_id: str) -> frozenset[str]:
    """The liaison station where a deputy receives, and all stations above it."""
    async with station.database.read() as connection:
        own = await store.station_of(connection, deputy_id)
        return stations_above(await store.all_stations(connection), own) if own else frozenset()


async def is_in_charge(station: Station, scope: str, deputy_id: str) -> bool:
    """Whether a clerk with that scope serves a deputy, who receives at the clerk's station or at one below it."""
    return not scope or scope in await stations_over(station, deputy_id)


async def serves(work: Transaction, scope: str, station_id: str) -> bool:
    """Whether a clerk with that scope serves a liaison station, asked in the course of a change."""
    return not scope or scope in stations_above(await store.all_stations(work.connection), station_id)


async def clerks_in_charge(station: Station, deputy_id: str) -> list[Account]:
    """The accounts of the clerks who serve a deputy."""
    return await _clerks_of(station, await stations_over(station, deputy_id))


async def clerks_of_station(station: Station, station_id: str) -> list[Account]:
    """The accounts of the clerks who serve a liaison station: its own, and those of the stations above it."""
    return await _clerks_of(station, stations_above(await list_stations(station), station_id))


async def _clerks_of(station: Station, station_ids: frozenset[str]) -> list[Account]:
    return [a for a in await accounts_with(station, Role.CLERK) if not a.scope or a.scope in station_ids]


async def station_tree(station: Station) -> tuple[StationNode, ...]:
    """The liaison stations that are open, in their three tiers."""
    return build_tree([one for one in await list_stations(station) if not one.closed])


async def list_units(station: Station, retired: bool = False) -> list[Unit]:
    """The handling units that get matters, by name; with `retired` also those that do no more."""
    async with station.database.read() as connection:
        return [unit for unit in await store.all_units(connection) if retired or not unit.retired]


async def get_unit(station: Station, unit_id: str) -> Unit:
    """The handling unit with that id. Raises NotFound."""
    async with station.database.read() as connection:
        found = await store.unit_row(connection, unit_id)
    if found is None:
        raise NotFound
    return found


async def count_directory(station: Station) -> DirectoryCounts:
    """How much the directory holds."""
    async with station.database.read() as connection:
        return await store.count_all(connection)


async def check_scope(station: Station, role: Role, scope: str) -> None:
    """Whether an account of that role may act for `scope`: the id of whom or what it stands for. Raises BadInput.

    A deputy's or a unit's account is nothing without one; a clerk's may be empty, for the whole district.
    """
    finders = {Role.DEPUTY: get_deputy, Role.UNIT: get_unit, Role.CLERK: _get_station}
    finder = finders.get(role)
    if finder is None or (role is Role.CLERK and not scope):
        if scope:
            raise BadInput(fields={"scope": "这种账号不用填代表、单位或者站点的编号"})
        return
    try:
        await finder(station, scope)
    except NotFound as error:
        raise BadInput(fields={"scope": "没有这个编号的代表、单位或者站点，请先查清楚编号"}) from error


async def _get_station(station: Station, station_id: str) -> LiaisonStation:
    found = next((one for one in await list_stations(station) if one.id == station_id), None)
    if found is None:
        raise NotFound
    return found
