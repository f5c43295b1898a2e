"""Who is told of a step, and in which words: the asker by SMS, staff inside the station."""

from __future__ import annotations

from dataclasses import dataclass

from station.base.database import Transaction
from station.base.errors import NotFound
from station.base.principal import Role
from station.base.station import Station
from station.cases.records import Case
from station.directory.service import clerks_of_station
from station.notices.kinds import Kind, Value
from station.notices.model import Outgoing
from station.notices.service import queue_all
from station.people.service import accounts_with, get_account


@dataclass(frozen=True, slots=True)
class Contacts:
    """Addresses of all who may have to be told of a step. Found before the transaction, which then only writes."""

    citizen_phone: str
    deputy: tuple[str, ...]
    unit: tuple[str, ...]
    desk: tuple[str, ...]


async def find_contacts(station: Station, case: Case, unit_id: str | None = None) -> Contacts:
    """Addresses for a case; `unit_id` when another unit than the case's own is meant."""
    phone = ""
    if case.citizen:
        try:
            phone = (await get_account(station, case.citizen)).phone
        except NotFound:
            phone = ""
    unit = unit_id or case.unit_id
    units = await accounts_with(station, Role.UNIT, unit) if unit else []
    deputies = await accounts_with(station, Role.DEPUTY, case.deputy_id)
    clerks = await clerks_of_station(station, case.station_id)
    return Contacts(phone, tuple(a.id for a in deputies), tuple(a.id for a in units), tuple(a.id for a in clerks))


async def tell_citizen(
    station: Station, work: Transaction, to: Contacts, case: Case, kind: Kind, **values: Value
) -> None:
    """An SMS to the asker, if there is one; it names the case by number, never by its matter."""
    if to.citizen_phone:
        gaps = {"case": case.number, **values}
        sms = Outgoing("sms", to.citizen_phone, kind, gaps, f"case:{case.id}", account=case.citizen or "")
        await queue_all(station, work, [sms])


async def tell_staff(
    station: Station, work: Transaction, accounts: tuple[str, ...], case: Case, kind: Kind, **values: Value
) -> None:
    """A notice inside the station to each account."""
    gaps = {"case": case.number, "title": case.title, **values}
    await queue_all(station, work, [Outgoing("app", account, kind, gaps, f"case:{case.id}") for account in accounts])
