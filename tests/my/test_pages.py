"""The citizen's own page with meetings and cases on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import func, select

from station.base.database import metadata
from station.base.station import Station
from station.demo import seed as seed_demo
from tests.fixtures import Person, seed

NewPerson = Callable[..., Awaitable[Person]]


@pytest.mark.parametrize("language", ["zh-CN", "en"])
async def test_what_waits_for_the_citizen_stands_on_top(station: Station, new_person: NewPerson, language: str) -> None:
    """A replied case asks for the rating before all others; the meeting of three weeks ago is among the past ones."""
    await seed(station, seed_demo)
    citizen = await new_person("ac_demo_citizen")
    citizen.headers = {"Accept-Language": language}
    page = await citizen.get("/my")
    asks, works = ("等您打分", "办理中") if language == "zh-CN" else ("Waiting for your rating", "In progress")
    assert page.index(asks) < page.index(works)
    assert "/bookings/bk_demo_past" in page


@pytest.mark.parametrize(
    ("language", "late", "promise"),
    [
        ("zh-CN", "区住房和城乡建设局应该在", "区住房和城乡建设局最迟 11月26日"),
        ("en", "区住房和城乡建设局 should have replied by", "区住房和城乡建设局 will reply by Thursday 26"),
    ],
)
async def test_no_reply_is_promised_for_a_day_that_has_passed(
    station: Station, new_person: NewPerson, language: str, late: str, promise: str
) -> None:
    """A matter that is overdue says when the reply should have come; those in time say until when it will."""
    await seed(station, seed_demo)
    citizen = await new_person("ac_demo_citizen2")
    citizen.headers = {"Accept-Language": language}
    page = " ".join((await citizen.get("/my")).split())
    assert page.count(late) == 1
    assert promise not in page


async def count_rows(station: Station) -> dict[str, int]:
    """How many rows each table has; jobs and the ledger aside, which tell of the second start itself."""
    async with station.database.read() as connection:
        names = [name for name in metadata.tables if name not in ("jobs", "ledger_events", "ledger_head")]
        return {n: await connection.scalar(select(func.count()).select_from(metadata.tables[n])) or 0 for n in names}


async def test_seeding_the_whole_demo_twice_is_harmless(station: Station) -> None:
    """A restart of the demo neither fails nor doubles anything."""
    await seed(station, seed_demo)
    once = await count_rows(station)
    assert once["bookings"] and once["cases"] and once["deputies"]
    await seed_demo(station)
    assert await count_rows(station) == once
