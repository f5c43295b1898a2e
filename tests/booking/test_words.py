"""Each page speaks to who reads it: no button that would be refused, no example of another district."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from station.base.i18n import format_time
from station.base.principal import Role
from station.base.station import Station
from station.demo.booking import LIN
from station.meeting.model import display_name
from station.people.store import accounts
from tests.fixtures import Person

NewPerson = Callable[..., Awaitable[Person]]


@pytest.mark.parametrize(
    ("at", "chinese", "english"),
    [
        ("00:10", "凌晨 0:10", "12:10 am"),
        ("05:59", "凌晨 5:59", "5:59 am"),
        ("06:00", "上午 6:00", "6:00 am"),
        ("12:30", "中午 12:30", "12:30 pm"),
        ("13:05", "下午 1:05", "1:05 pm"),
        ("18:00", "晚上 6:00", "6:00 pm"),
        ("23:59", "晚上 11:59", "11:59 pm"),
    ],
)
def test_the_time_of_day_as_older_people_say_it(at: str, chinese: str, english: str) -> None:
    """Ten past midnight is not a forenoon."""
    moment = datetime.fromisoformat(f"2026-10-12T{at}").replace(tzinfo=ZoneInfo("Asia/Shanghai"))
    assert format_time(moment, elder=True) == chinese
    assert format_time(moment, elder=True, language="en") == english


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("赵玉梅", "赵**"), ("欧阳青青", "欧阳**"), ("令狐冲云", "令狐**"), ("歐陽鋒", "歐陽**"),
        ("手机尾号 1234", "一位群众"), ("手机尾号 1234（138 开头）", "一位群众"), ("", "一位群众"),
    ],
)  # fmt: skip
def test_public_names_of_citizens(name: str, shown: str) -> None:
    """The family name whole, and a neutral word for who gave no name."""
    assert display_name(Role.CITIZEN, name, public=True) == shown
    assert display_name(Role.CITIZEN, name, public=False) == name


async def test_staff_are_shown_no_button_that_would_be_refused(town: Station, new_person: NewPerson) -> None:
    """Who cannot book sees the times and is told why; guests and citizens have the button."""
    for account in ("ac_demo_clerk", "ac_demo_admin", "ac_demo_deputy1"):
        page = await (await new_person(account)).get(f"/deputies/{LIN}")
        assert "您现在用的是工作账号" in page and "下一步</button>" not in page.replace("\n", ""), account
    for person in (await new_person(), await new_person("ac_demo_citizen")):
        assert "您现在用的是工作账号" not in await person.get(f"/deputies/{LIN}")


async def test_an_administrator_has_no_way_into_a_meeting(town: Station, new_person: NewPerson) -> None:
    """The desk's board offers 进会场 to clerks alone; the clerk here works for the whole district."""
    async with town.database.transaction() as work:
        await work.execute(update(accounts).where(accounts.c.id == "ac_demo_clerk").values(scope=""))
    assert "进会场" in await (await new_person("ac_demo_clerk")).get("/desk")
    assert "进会场" not in await (await new_person("ac_demo_admin")).get("/desk")


async def test_no_example_of_another_district(town: Station, new_person: NewPerson) -> None:
    """Hints name no place of the demo, hours only where they are set, and a search by name advises on names."""
    guest = await new_person()
    for path in ("/", "/deputies", "/deputies?name=", "/deputies?place=xyz"):
        page = await guest.get(path)
        assert "例如：柳荫" not in page and "周一至周五" not in page and "例如：林秀兰" not in page, path
    nobody = await guest.get("/deputies?name=王小明")
    assert "只填一个姓" in nobody and "只填街道名" not in nobody
    assert "只填街道名" in await guest.get("/deputies?place=火星")
