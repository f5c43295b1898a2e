from __future__ import annotations

import pytest_asyncio

from station.base.station import Station
from station.demo.directory import seed_directory
from tests.fixtures import seed


@pytest_asyncio.fixture
async def town(station: Station) -> Station:
    """A station with the demo's directory."""
    await seed(station, seed_directory)
    return station
