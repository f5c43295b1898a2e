"""What nobody can use any longer is deleted, and the page on personal data names the terms that hold."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from station.base.clock import FixedClock, years_before
from station.base.principal import SYSTEM
from station.base.station import Station
from station.ledger.service import append, timeline
from station.notices.channels import outbox_file
from station.notices.service import list_newest, queue_all
from station.people.expiry import delete_expired_sessions
from station.people.model import CODE_LIFETIME, SESSION_LIFETIME, STAFF_IDLE
from station.people.store import sessions, sign_in_codes
from station.work import expire_notices, expire_reasons
from tests.fixtures import Person
from tests.notices.sayings import saying

NewPerson = Callable[..., Awaitable[Person]]


async def count(station: Station, table: object) -> int:
    async with station.database.read() as connection:
        return int((await connection.execute(select(func.count()).select_from(table))).scalar_one())  # type: ignore[arg-type]


def after(station: Station, by: timedelta, **settings: object) -> Station:
    clock = FixedClock(station.clock.now() + by)
    return replace(station, clock=clock, settings=station.settings.model_copy(update=settings))


async def test_sessions_are_deleted_when_they_are_over(station: Station, new_person: NewPerson) -> None:
    """A clerk's session goes with the idle time, a citizen's after its thirty days; live ones stay."""
    await new_person("ac_demo_citizen")
    await new_person("ac_demo_clerk")
    assert await delete_expired_sessions(station) == 0
    assert await count(station, sessions) == 2
    await delete_expired_sessions(after(station, STAFF_IDLE + timedelta(minutes=1)))
    assert await count(station, sessions) == 1
    await delete_expired_sessions(after(station, SESSION_LIFETIME))
    assert await count(station, sessions) == 0


async def test_codes_are_deleted_when_they_are_over(station: Station, new_person: NewPerson) -> None:
    """A code that was never used does not stay with its telephone number."""
    guest = await new_person()
    await guest.post("/signin", phone="13900000009")
    await delete_expired_sessions(station)
    assert await count(station, sign_in_codes) == 1
    await delete_expired_sessions(after(station, CODE_LIFETIME))
    assert await count(station, sign_in_codes) == 0


async def test_notices_are_deleted_after_their_term(station: Station) -> None:
    """Notices go after the days that the settings name, and with them a file of SMS that no demo wants."""
    async with station.database.transaction() as work:
        await queue_all(station, work, [saying("已受理", "sms", "13800000001")])
    old = outbox_file(station.settings)
    old.parent.mkdir(exist_ok=True)
    old.write_text("{}")
    await expire_notices(after(station, timedelta(days=9), keep_notices_days=10))
    assert (len(await list_newest(station)), old.exists()) == (1, True)
    await expire_notices(after(station, timedelta(days=11), keep_notices_days=10, demo=False))
    assert (await list_newest(station), old.exists()) == ([], False)


async def test_typed_reasons_are_deleted_after_their_term(station: Station) -> None:
    """A reason goes after the years that the settings name; the event stays."""
    async with station.database.transaction() as work:
        await append(station, work, SYSTEM, "case.returned", "case:cs_1", reason="不归我们办")
    await expire_reasons(after(station, timedelta(days=364), keep_recordings_years=1))
    assert [event.reason for event in await timeline(station, "case:cs_1")] == ["不归我们办"]
    await expire_reasons(after(station, timedelta(days=366), keep_recordings_years=1))
    assert [event.reason for event in await timeline(station, "case:cs_1")] == [""]


@pytest.mark.parametrize(("day", "before"), [((2028, 2, 29), (2027, 2, 28)), ((2027, 3, 1), (2026, 3, 1))])
def test_a_year_before_a_leap_day_is_the_day_before(day: tuple[int, int, int], before: tuple[int, int, int]) -> None:
    """Terms in years hold on every day of the calendar."""
    assert years_before(datetime(*day, tzinfo=UTC), 1) == datetime(*before, tzinfo=UTC)


async def test_the_page_names_the_terms_that_hold(station: Station, new_person: NewPerson) -> None:
    """The days and years on the page are those of the settings that the chores go by."""
    page = await (await new_person()).get("/privacy")
    assert f"见面结束后 {station.settings.keep_recordings_years} 年" in page
    assert f"{station.settings.keep_notices_days} 天" in page
