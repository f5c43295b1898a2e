"""Makes the demo's accounts. Only ever where STATION_DEMO is on."""

from __future__ import annotations

from station.base.principal import SYSTEM, Role
from station.base.station import Station
from station.demo.logins import DEMO_ACCOUNTS, PASSWORD
from station.people import store
from station.people.service import add_staff, ensure_citizen


async def seed_accounts(station: Station) -> None:
    """Make the demo accounts that are not there yet."""
    for account in DEMO_ACCOUNTS:
        async with station.database.read() as connection:
            if await store.account_row(connection, id=account.id) is not None:
                continue
        if account.role is Role.CITIZEN:
            async with station.database.transaction() as work:
                await ensure_citizen(station, work, account.phone, account.name, account.id)
        else:
            await add_staff(
                station, SYSTEM, account.role, account.login, account.name, PASSWORD,
                account.scope, account.id, account.secret,
            )  # fmt: skip
