"""Makes the demo's accounts. Only ever where STATION_DEMO is on."""

from __future__ import annotations

from station.base.principal import SYSTEM, Role
from station.base.station import Station
from station.demo.logins import DEMO_ACCOUNTS, PASSWORD
from station.people import store
from station.people.passwords import hash_password
from station.people.service import add_staff_by_hash, ensure_citizen


async def seed_accounts(station: Station) -> None:
    """Make the demo accounts that are not there yet."""
    async with station.database.read() as connection:
        missing = [account for account in DEMO_ACCOUNTS if await store.account_by_id(connection, account.id) is None]
    # They share the password: hashed once, as a hash takes a tenth of a second on purpose.
    hashed = await hash_password(PASSWORD) if missing else ""
    for account in missing:
        if account.role is Role.CITIZEN:
            async with station.database.transaction() as work:
                await ensure_citizen(station, work, account.phone, account.name, account.id)
        else:
            await add_staff_by_hash(
                station, SYSTEM, account.role, account.login, account.name, hashed,
                account.scope, account.id, account.secret,
            )  # fmt: skip
