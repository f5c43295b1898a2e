"""A hearing that has ended, on a town's directory."""

from __future__ import annotations

from datetime import timedelta

import pytest_asyncio

from station.base.principal import Principal, Role
from station.base.station import Station
from station.demo.directory import seed_directory
from station.meeting.model import Meeting
from station.meeting.service import HearingForm, create_hearing
from tests.fixtures import seed

CLERK = Principal("ac_demo_clerk", Role.CLERK, "何晓雯", "st_demo_guihua")
DEPUTY = Principal("ac_demo_deputy1", Role.DEPUTY, "林秀兰", "dp_demo_linxiulan")


@pytest_asyncio.fixture
async def hearing(station: Station) -> Meeting:
    """A hearing of today, with 林秀兰 in the chair."""
    await seed(station, seed_directory)
    now = station.clock.now()
    form = HearingForm("加装电梯办法", DEPUTY.scope, now, now + timedelta(hours=1), public=True)
    return await create_hearing(station, CLERK, form)
