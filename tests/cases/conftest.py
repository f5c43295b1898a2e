"""A town with its directory, and the people who move cases in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest_asyncio
from sqlalchemy import update

from station.base.clock import FixedClock
from station.base.principal import Principal, Role
from station.base.station import Station
from station.cases import service
from station.cases.records import Case, OpenCase
from station.demo.directory import seed_directory
from station.people.store import accounts
from tests.fixtures import seed

CITIZEN = Principal("ac_demo_citizen", Role.CITIZEN, "赵玉梅")
STRANGER = Principal("ac_demo_citizen2", Role.CITIZEN, "李国强")
DEPUTY = Principal("ac_demo_deputy1", Role.DEPUTY, "林秀兰", "dp_demo_linxiulan")
OTHER_DEPUTY = Principal("ac_demo_deputy2", Role.DEPUTY, "陈立新", "dp_demo_chenlixin")
CLERK = Principal("ac_demo_clerk", Role.CLERK, "何晓雯", "st_demo_guihua")
UNIT = Principal("ac_demo_unit", Role.UNIT, "许志远", "un_demo_housing")
SUPERVISOR = Principal("ac_demo_supervisor", Role.SUPERVISOR, "高敏")


async def move_clerk(station: Station, scope: str) -> None:
    """Let the demo's clerk belong to another liaison station, or, with "", to the whole district."""
    async with station.database.transaction() as work:
        await work.execute(update(accounts).where(accounts.c.id == CLERK.account).values(scope=scope))


class Town:
    """The station, and a case brought as far as a test needs it."""

    def __init__(self, station: Station) -> None:
        self.station = station

    def at(self, moment: datetime) -> Station:
        """The same station at another time."""
        return replace(self.station, clock=FixedClock(moment))

    def after(self, **span: float) -> Station:
        """The same station some time later."""
        return self.at(self.station.clock.now() + timedelta(**span))

    async def noted(self, title: str = "柳荫路晚上路灯不亮", citizen: str | None = CITIZEN.account) -> Case:
        """A case just noted by the deputy."""
        request = OpenCase(title, "赵玉梅说：东门口第二盏不亮，电话 13800001234", DEPUTY.scope, citizen)
        return await service.open_case(self.station, DEPUTY, request)

    async def assigned(self, **options: object) -> Case:
        """A case with the housing bureau, due in ten working days."""
        case = await self.noted()
        await service.accept_case(self.station, CLERK, case.id)
        return await service.assign_case(self.station, CLERK, case.id, UNIT.scope, **options)  # type: ignore[arg-type]

    async def replied(self) -> Case:
        """A case that waits for the citizen's rating."""
        case = await self.assigned()
        return await service.reply_case(self.station, UNIT, case.id, "灯已换好，电话 010-88001234", "solved")


@pytest_asyncio.fixture
async def town(station: Station) -> Town:
    """The demo's directory at Monday 12 October 2026, 10:00."""
    await seed(station, seed_directory)
    return Town(station)
