"""What an account is for, in words, and whom or what one may choose when making it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from station.base.errors import N_, Phrase
from station.base.principal import Role
from station.base.station import Station
from station.directory.service import get_deputies, list_deputies, list_stations, list_units
from station.people.account_model import StaffAccount

ROLE_WORDS = {
    Role.CLERK: N_("工作人员"),
    Role.DEPUTY: N_("代表"),
    Role.UNIT: N_("承办单位"),
    Role.SUPERVISOR: N_("督查"),
    Role.ADMIN: N_("管理员"),
}
ROLE_TELLS = {
    Role.CLERK: N_("看预约、开见面、受理和转办事项。只管一个站和它下面的站，或者全区。"),
    Role.DEPUTY: N_("接待居民，看自己名下的事项。"),
    Role.UNIT: N_("答复转给本单位的事项。看不到别的单位，看不到居民的电话。"),
    Role.SUPERVISOR: N_("看全区的办理情况，发督办牌。"),
    Role.ADMIN: N_("管账号、代表、站点和规则，什么都能看。人越少越好，至少两位。"),
}
SCOPE_LABELS = {Role.CLERK: N_("管哪里"), Role.DEPUTY: N_("是哪位代表"), Role.UNIT: N_("是哪个单位")}
_UNKNOWN = N_("名录里没有（%(id)s）")


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing that an account may be for."""

    value: str
    name: str | Phrase


async def scope_choices(station: Station, role: Role) -> list[Choice]:
    """What an account of that role may be for; none where a role is for the whole district."""
    if role is Role.CLERK:
        return [Choice("", Phrase(N_("全区")))] + [Choice(s.id, s.name) for s in await list_stations(station)]
    if role is Role.UNIT:
        # A retired unit still ends what it has: its people keep their accounts.
        return [Choice(unit.id, unit.name) for unit in await list_units(station, retired=True)]
    if role is Role.DEPUTY:
        deputies = await list_deputies(station)
        return [Choice(d.id, Phrase(N_("%(name)s（%(place)s）"), name=d.name, place=d.constituency)) for d in deputies]
    return []


async def name_scopes(station: Station, accounts: Iterable[StaffAccount]) -> dict[str, Phrase]:
    """What each account is for, by its id."""
    found = list(accounts)
    stations = {s.id: s.name for s in await list_stations(station)}
    units = {unit.id: unit.name for unit in await list_units(station, retired=True)}
    asked = [account.scope for account in found if account.role is Role.DEPUTY]
    deputies = {key: deputy.name for key, deputy in (await get_deputies(station, asked)).items()} if asked else {}
    names = {Role.CLERK: stations, Role.UNIT: units, Role.DEPUTY: deputies}
    return {account.id: _say(account, names.get(account.role, {})) for account in found}


def _say(account: StaffAccount, names: dict[str, str]) -> Phrase:
    if not account.scope:
        return Phrase(N_("全区，只看") if account.role is Role.SUPERVISOR else N_("全区"))
    name = names.get(account.scope)
    if name is None:
        return Phrase(_UNKNOWN, id=account.scope)
    if account.role is Role.CLERK:
        return Phrase(N_("%(name)s和下面的站"), name=name)
    if account.role is Role.DEPUTY:
        return Phrase(N_("%(name)s代表自己的接待和事项"), name=name)
    return Phrase(N_("%(name)s的事项"), name=name)
