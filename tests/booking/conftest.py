from __future__ import annotations

import pytest_asyncio

from station.base.station import Station
from station.demo.booking import seed_booking
from station.demo.directory import seed_directory
from tests.fixtures import seed


@pytest_asyncio.fixture
async def town(station: Station) -> Station:
    """A station with the demo's directory, rota and bookings, at Monday 10:00."""
    await seed(station, seed_directory, seed_booking)
    return station
