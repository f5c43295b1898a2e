"""A notice that is put in counts everywhere, and what was counted without it is counted again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import pytest
import pytest_asyncio
from sqlalchemy import insert, select, update

from station.base.calendar import china, put_in_force
from station.base.clock import SHANGHAI, local_date
from station.base.errors import BadInput
from station.base.principal import Principal, Role
from station.base.station import Station
from station.booking.days_off import tell_of_days_off
from station.booking.model import BookingState, Mode, RotaRule
from station.booking.rota import extend_slots, set_rules
from station.booking.store import bookings, slots
from station.cases import service as cases
from station.demo.accounts import seed_accounts
from station.demo.directory import seed_directory
from station.holidays.service import NoticeChanged, list_notices, put_in, refresh, withdraw
from station.notices.service import list_newest
from station.work import BRIEF_JOBS, work_once
from tests.cases.conftest import CITIZEN, DEPUTY, Town
from tests.holidays.notices import NOTICE_2027

ADMIN = Principal("ac_demo_admin", Role.ADMIN, "管理员")
LIN = "dp_demo_linxiulan"


@pytest_asyncio.fixture
async def late_town(station: Station) -> AsyncIterator[Town]:
    """The town on 21 December 2026: what is due in 2027 is provisional, and slots reach into it."""
    await seed_directory(station)
    await seed_accounts(station)
    yield Town(Town(station).at(datetime(2026, 12, 21, 2, tzinfo=UTC)))


async def work_all(station: Station) -> None:
    """Do the jobs that wait, without chores."""
    while await work_once(station, BRIEF_JOBS):
        pass


async def test_open_deadlines_are_counted_again_and_everybody_is_told(late_town: Town) -> None:
    """A provisional day moves with the notice and is certain; it moves back when the notice is withdrawn."""
    town = late_town
    case = await town.assigned(days=40)
    assert case.due and case.due.provisional
    await put_in(town.station, ADMIN, 2027, NOTICE_2027, 0)
    await work_all(town.station)
    counted = (await cases.read_case(town.station, case.id)).due
    # 2 and 3 January are a weekend anyway; of the Spring Festival the guess knew 5, 6, 7, 8 and two days in lieu.
    assert counted and not counted.provisional
    assert counted.day == date(2027, 2, 22)
    told = [n.kind for n in await list_newest(town.station) if n.subject == f"case:{case.id}"]
    assert "case.recounted" in told and "case.recounted.staff" in told
    await withdraw(town.station, ADMIN, 2027, 1)
    await work_all(town.station)
    assert (await cases.read_case(town.station, case.id)).due == case.due


async def test_a_mended_notice_moves_days_that_were_certain(late_town: Town) -> None:
    """A day counted by a notice with a slip is counted anew by the mended one, though it was not provisional."""
    town = late_town
    await put_in(town.station, ADMIN, 2027, NOTICE_2027.replace("2月14日（周日）、", ""), 0)
    case = await town.assigned(days=40)
    await put_in(town.station, ADMIN, 2027, NOTICE_2027, 1)
    await work_all(town.station)
    moved = (await cases.read_case(town.station, case.id)).due
    assert case.due and moved and not case.due.provisional
    assert moved.day < case.due.day


async def _offer(station: Station, day: date, booked: bool = False) -> str:
    """A slot of 林秀兰 on a day, with a booking if asked."""
    starts = datetime.combine(day, datetime.min.time(), SHANGHAI).astimezone(UTC) + timedelta(hours=9)
    row = {"deputy": LIN, "station": "st_demo_guihua", "starts_at": starts, "ends_at": starts + timedelta(minutes=20)}
    identity = f"sl_{day:%m%d}"
    async with station.database.transaction() as work:
        await work.execute(insert(slots).values(id=identity, modes="video", capacity=1, **row))
        if booked:
            await work.execute(insert(bookings).values(_booking(identity, row, station)))
    return identity


def _booking(slot: str, row: dict[str, object], station: Station) -> dict[str, object]:
    known = {
        "id": f"bk_{slot}", "number": "Y1", "slot": slot, "citizen": CITIZEN.account, "citizen_name": "赵玉梅",
        "deputy": LIN, "deputy_name": "林秀兰", "station_name": "桂花街道中心站", "mode": Mode.VIDEO,
        "matter": "路灯", "state": BookingState.BOOKED, "starts_at": row["starts_at"], "ends_at": row["ends_at"],
        "created_at": station.clock.now(), "form_key": slot, "by_host": False, "cancelled_by": "", "cancel_reason": "",
    }  # fmt: skip
    needed = {c.name: "" for c in bookings.c if not c.nullable and c.default is None and c.server_default is None}
    return {**needed, **{name: value for name, value in known.items() if name in bookings.c}}


async def _is_closed(station: Station, slot: str) -> bool:
    async with station.database.read() as connection:
        return bool((await connection.execute(select(slots.c.closed).where(slots.c.id == slot))).scalar_one())


async def test_slots_on_a_new_day_off_are_closed_and_opened_again(late_town: Town) -> None:
    """Nobody can book a slot on a day that the notice gives off; taken back, the day is offered again."""
    station = late_town.station
    free = await _offer(station, date(2027, 2, 12))
    cancelled = await _offer(station, date(2027, 2, 11), booked=True)
    async with station.database.transaction() as work:
        await work.execute(update(bookings).values(state=BookingState.CANCELLED))
        await work.execute(update(slots).where(slots.c.id == cancelled).values(closed=True))
    station = late_town.at(datetime(2027, 2, 3, 2, tzinfo=UTC))
    await put_in(station, ADMIN, 2027, NOTICE_2027, 0)
    await work_all(station)
    assert await _is_closed(station, free)
    await withdraw(station, ADMIN, 2027, 1)
    await work_all(station)
    assert not await _is_closed(station, free)
    assert await _is_closed(station, cancelled)  # its meeting was cancelled: that is another reason


async def test_a_meeting_on_a_new_day_off_is_left_to_its_people(late_town: Town) -> None:
    """What is booked stays; deputy and clerks are told once, however often the job runs."""
    station = late_town.station
    booked = await _offer(station, date(2027, 2, 12), booked=True)
    await _offer(station, date(2027, 2, 15))
    await put_in(station, ADMIN, 2027, NOTICE_2027, 0)
    await work_all(station)
    await tell_of_days_off(station, date(2027, 1, 1))
    told = [n for n in await list_newest(station, 200) if n.kind == "booking.day-off.staff"]
    assert sorted(n.account for n in told) == ["ac_demo_clerk", DEPUTY.account]
    assert {n.subject for n in told} == {f"booking:bk_{booked}"}
    assert not await _is_closed(station, booked)


async def test_a_make_up_day_gets_the_rota_of_its_weekday(late_town: Town) -> None:
    """On Sunday 14 February Thursday's rota is held, for the Thursday given off."""
    station = late_town.at(datetime(2027, 2, 1, 2, tzinfo=UTC))
    thursdays = RotaRule("ru_1", LIN, "st_demo_guihua", 3, None, 540, 600, 20, (Mode.VIDEO,), 1)
    await set_rules(station, ADMIN, [thursdays])
    await put_in(station, ADMIN, 2027, NOTICE_2027, 0)
    await work_all(station)
    await extend_slots(station)
    async with station.database.read() as connection:
        days = {local_date(at) for at in (await connection.execute(select(slots.c.starts_at))).scalars()}
    assert date(2027, 2, 14) in days
    assert date(2027, 2, 11) not in days


async def test_the_second_of_two_administrators_sees_what_the_first_has_done(late_town: Town) -> None:
    """Who answers a page that no longer shows what is there is told, and changes nothing."""
    station = late_town.station
    await put_in(station, ADMIN, 2027, NOTICE_2027, 0)
    for act in (put_in(station, ADMIN, 2027, NOTICE_2027, 0), withdraw(station, ADMIN, 2027, 2)):
        with pytest.raises(NoticeChanged):
            await act
    (kept,) = await list_notices(station)
    assert kept.version == 1


@pytest.mark.parametrize(("year", "text"), [(2026, NOTICE_2027), (2030, NOTICE_2027), (2027, ""), (2027, "放" * 5000)])
async def test_what_cannot_be_a_notice_is_refused(late_town: Town, year: int, text: str) -> None:
    """A year that is known or too far, nothing, or a book."""
    with pytest.raises(BadInput):
        await put_in(late_town.station, ADMIN, year, text, 0)
    assert await list_notices(late_town.station) == []


async def test_another_process_counts_by_it_once_it_looks(late_town: Town) -> None:
    """What one process put in, another finds in the database; a second look finds nothing new."""
    station = late_town.station
    await put_in(station, ADMIN, 2027, NOTICE_2027, 0)
    put_in_force({})  # as a process that was not there
    assert china().published_until == date(2026, 12, 31)
    assert await refresh(station)
    assert china().published_until == date(2027, 12, 31)
    assert not await refresh(station)
