from __future__ import annotations

import pytest_asyncio

from station.base.station import Station
from station.demo.booking import seed_booking
from station.demo.directory import seed_directory


@pytest_asyncio.fixture
async def town(station: Station) -> Station:
    """A station with the demo's directory, rota and bookings, at Monday 10:00."""
    await seed_directory(station)
    await seed_booking(station)
    return station


@pytest_asyncio.fixture
async def both_towns(bare_town: Station) -> Station:
    """The town with its calendar, on SQLite and on PostgreSQL."""
    await seed_booking(bare_town)
    return bare_town
