"""Reminders: a day and an hour before, once each, to whom they are of use."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from station.base.clock import FixedClock
from station.base.principal import Principal, Role
from station.base.station import Station
from station.booking.model import Booking, Matter, Mode
from station.booking.reminders import Reminder, reminder_due, send_reminders
from station.booking.rota import list_slots
from station.booking.service import book_slot, cancel_booking
from station.demo.booking import LIN
from station.notices.kinds import REMINDERS
from station.notices.model import NoticeState, is_outdated
from station.notices.service import list_newest

ZHAO = Principal("ac_demo_citizen", Role.CITIZEN, "赵玉梅")


async def book_ahead(town: Station, mode: Mode = Mode.VIDEO) -> Booking:
    """A booking at least two days ahead."""
    soon = town.clock.now() + timedelta(days=2)
    found = await list_slots(town, ZHAO, LIN)
    slot = next(s for s in found if s.starts_at > soon and not s.full and mode in s.modes)
    return await book_slot(town, ZHAO, slot.id, Matter(mode, "路灯不亮"), "key-1")


def at(town: Station, booking: Booking, before: timedelta) -> Station:
    return replace(town, clock=FixedClock(booking.starts_at - before))


async def reminders_of(town: Station, booking: Booking) -> list[str]:
    found = [n for n in await list_newest(town, 200) if n.subject == f"booking:{booking.id}"]
    return [n.text for n in found if n.kind.startswith("booking.reminder")]


async def test_a_citizen_is_reminded_a_day_and_an_hour_before(both_towns: Station) -> None:
    """Not before, once each, by two work roles at once, and no more when the meeting has begun."""
    booking = await book_ahead(both_towns)
    assert await send_reminders(at(both_towns, booking, timedelta(days=1, seconds=1))) == 0
    day = at(both_towns, booking, timedelta(days=1))
    assert sorted(await asyncio.gather(send_reminders(day), send_reminders(day))) == [0, 1]
    assert await send_reminders(at(both_towns, booking, timedelta(hours=2))) == 0
    assert await send_reminders(at(both_towns, booking, timedelta(hours=1))) == 1
    assert await send_reminders(at(both_towns, booking, timedelta(minutes=30))) == 0
    assert await send_reminders(at(both_towns, booking, timedelta(0))) == 0
    hour, before = await reminders_of(both_towns, booking)
    assert "】提醒：" in before and booking.number in before
    assert "】快到见面的时间了：" in hour and "进入" in hour


async def test_a_work_role_that_was_away_reminds_late_and_not_twice(town: Station) -> None:
    """Stopped for the whole day, it sends the reminder of the hour alone."""
    booking = await book_ahead(town)
    assert await send_reminders(at(town, booking, timedelta(minutes=20))) == 1
    assert len(await reminders_of(town, booking)) == 1


async def test_nobody_is_reminded_of_a_meeting_that_was_cancelled(town: Station) -> None:
    """What no longer stands is not told of."""
    booking = await book_ahead(town)
    await cancel_booking(town, ZHAO, booking.id)
    assert await send_reminders(at(town, booking, timedelta(hours=20))) == 0
    assert await reminders_of(town, booking) == []


async def test_a_reminder_that_waits_is_dropped_with_its_meeting(town: Station) -> None:
    """Held back over the night, or while the carrier is away: cancelled meanwhile, or begun, it is not sent."""
    booking = await book_ahead(town)
    hour = at(town, booking, timedelta(minutes=50))
    assert await send_reminders(at(town, booking, timedelta(hours=20))) == 1
    assert await send_reminders(hour) == 1
    begun = at(town, booking, timedelta(0))
    found = [n for n in await list_newest(town, 200) if n.kind in REMINDERS]
    assert [is_outdated(n, begun.clock.now()) for n in found] == [True, True]
    assert [is_outdated(n, hour.clock.now()) for n in found] == [False, False]
    await cancel_booking(hour, ZHAO, booking.id)
    states = {n.state for n in await list_newest(town, 200) if n.kind in REMINDERS}
    assert states == {NoticeState.FAILED}


@pytest.mark.parametrize(
    ("known", "ahead", "reminder"),
    [
        (timedelta(days=3), timedelta(hours=24), Reminder.DAY_BEFORE),
        (timedelta(hours=24), timedelta(hours=24), Reminder.DAY_BEFORE),
        (timedelta(hours=23), timedelta(hours=22), Reminder.NONE),
        (timedelta(hours=23), timedelta(minutes=60), Reminder.HOUR_BEFORE),
        (timedelta(minutes=50), timedelta(minutes=40), Reminder.NONE),
        (timedelta(days=3), timedelta(0), Reminder.NONE),
        (timedelta(days=3), timedelta(minutes=-5), Reminder.NONE),
    ],
)
async def test_who_has_just_booked_is_not_reminded(
    town: Station, known: timedelta, ahead: timedelta, reminder: Reminder
) -> None:
    """A reminder is for those who booked before its time."""
    booking = await book_ahead(town)
    made = replace(booking, created_at=booking.starts_at - known)
    assert reminder_due(made, booking.starts_at - ahead) is reminder


async def test_who_comes_to_the_station_is_told_where(town: Station) -> None:
    """The last reminder says what to do, by the way that was chosen."""
    booking = await book_ahead(town, Mode.ONSITE)
    await send_reminders(at(town, booking, timedelta(minutes=50)))
    (text,) = await reminders_of(town, booking)
    assert booking.station_address in text
