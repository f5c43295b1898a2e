"""Counting what the station has, for the rule on what is missing."""

from __future__ import annotations

from station.base.principal import Role
from station.base.settings import Settings
from station.base.station import Station
from station.booking.rota import list_rules
from station.directory.service import count_directory
from station.people.service import count_accounts
from station.setup.missing import Holdings, Missing, find_missing


async def missing_here(station: Station) -> list[Missing]:
    """What this station still lacks."""
    async with station.database.snapshot():
        directory, accounts = await count_directory(station), await count_accounts(station)
        rules = len(await list_rules(station))
    return find_missing(
        Holdings(
            stations=sum(directory.stations.values()),
            deputies=directory.deputies,
            constituencies=directory.constituencies,
            places=directory.places,
            units=directory.units,
            clerks=accounts.get(Role.CLERK, 0),
            sends_sms=station.settings.sends_sms,
            rota_rules=rules,
            is_secure=_is_secure(station.settings),
        )
    )


def _is_secure(settings: Settings) -> bool:
    """Whether browsers reach it by HTTPS, as far as the settings know; the demo is tried on one's own machine."""
    return settings.demo or settings.tls_cert is not None or settings.public_origin.startswith("https:")
