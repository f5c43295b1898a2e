from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from sqlalchemy import insert

from station.base.bus import LocalBus
from station.base.clock import FixedClock
from station.base.database import Database
from station.base.grants import GrantSigner
from station.base.settings import Settings
from station.base.station import Station
from station.demo.accounts import DEMO_ACCOUNTS
from station.demo.booking import seed_booking
from station.demo.directory import seed_directory
from station.people.store import accounts
from tests.fixtures import MONDAY_TEN


@pytest_asyncio.fixture
async def town(station: Station) -> Station:
    """A station with the demo's directory, rota and bookings, at Monday 10:00."""
    await seed_directory(station)
    await seed_booking(station)
    return station


@pytest_asyncio.fixture
async def bare_town(database_url: str, tmp_path: Path) -> AsyncIterator[Station]:
    """The same without a calendar, on SQLite and on PostgreSQL; nobody signs in, so no password is hashed."""
    settings = Settings(data=tmp_path, demo=True, _env_file=None)  # type: ignore[call-arg]
    clock = FixedClock(MONDAY_TEN)
    made = Station(settings, Database(database_url), LocalBus(), clock, GrantSigner.load(settings.keys))
    rows = [
        {"id": a.id, "role": a.role, "name": a.name, "phone": a.phone, "scope": a.scope, "created_at": MONDAY_TEN}
        for a in DEMO_ACCOUNTS
    ]
    async with made.database.transaction() as work:
        await work.execute(insert(accounts), rows)
    await seed_directory(made)
    yield made
    await made.bus.close()
    await made.database.close()


@pytest_asyncio.fixture
async def both_towns(bare_town: Station) -> Station:
    """The town with its calendar, on SQLite and on PostgreSQL."""
    await seed_booking(bare_town)
    return bare_town
