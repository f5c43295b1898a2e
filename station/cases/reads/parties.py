"""Who has to do with a case. A station's clerk handles the cases of the own station and of those below it."""

from __future__ import annotations

from collections.abc import Collection

from station.base.principal import Principal, Role
from station.base.station import Station
from station.cases.records import Case
from station.directory.service import stations_under


async def stations_served(station: Station, who: Principal) -> frozenset[str] | None:
    """The liaison stations whose cases the caller's role reaches; None for all of the district."""
    return await stations_under(station, who.scope) if who.role is Role.CLERK else None


def is_party(who: Principal, case: Case, co_units: Collection[str], served: frozenset[str] | None) -> bool:
    """Whether `who` has to do with the case: asker, deputy, unit concerned, clerk of its station, who oversees all.

    `served` are the stations of a clerk, from `stations_served`.
    """
    if who.role is Role.CITIZEN:
        return case.citizen == who.account
    if who.role is Role.DEPUTY:
        return case.deputy_id == who.scope
    if who.role is Role.UNIT:
        return bool(who.scope) and (case.unit_id == who.scope or who.scope in co_units)
    if who.role is Role.CLERK:
        return served is None or case.station_id in served
    return who.role in (Role.SUPERVISOR, Role.ADMIN)
