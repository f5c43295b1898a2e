"""No two steps lock rows and the ledger's head in opposite orders: PostgreSQL would end one of them with an error."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest_asyncio

from station.base.clock import to_ms
from station.base.database import Transaction
from station.base.principal import SYSTEM
from station.base.station import Station
from station.booking import store as booking_store
from station.booking.model import Booking, BookingState
from station.booking.service import cancel_booking, get_booking, withdraw_use
from station.demo.booking import seed_booking
from station.directory.service import lock_deputy
from station.ledger.service import append, timeline
from station.live.web import store as live_store
from station.live.web.service import get_broadcast, start_broadcast
from station.meeting.consent import answer_consent
from station.meeting.model import Kind, Meeting, MeetingState
from station.meeting.service import HearingForm, create_hearing, end_meeting, list_hearings
from station.meeting.store import add_meeting
from station.nodes import journal_store
from station.nodes.journal import JournalEvent, JournalPage, apply_events, roll_call
from station.notices.service import list_newest
from station.people.model import ConsentKind
from tests.fixtures import MONDAY_TEN
from tests.meeting.conftest import CLERK, DEPUTY, LI, ZHAO, Roles, let_in
from tests.servers import pick_port


@pytest_asyncio.fixture
async def town(bare_town: Station) -> Station:
    """The town of this folder's other tests, on SQLite and on PostgreSQL."""
    await seed_booking(bare_town)
    ports = {"media_http_port": pick_port(), "live_http_port": pick_port(), "media_port": 0, "media_processes": 1}
    return replace(bare_town, settings=bare_town.settings.model_copy(update=ports))


async def beside(
    station: Station, lock: Callable[[Transaction], Awaitable[object]], step: Coroutine[Any, Any, object]
) -> None:
    """Take a step while another transaction holds rows that it needs and then writes to the ledger; both succeed."""
    async with station.database.transaction() as work:
        await lock(work)
        taken = asyncio.create_task(step)
        await asyncio.wait([taken], timeout=0.5)
        assert not taken.done()  # it waits for the rows, and must not hold the ledger's head meanwhile
        await append(station, work, SYSTEM, "test.stepped", "test:locks")
    async with asyncio.timeout(20):
        await taken


async def test_a_clerk_cancels_while_somebody_books_the_same_time(town: Station, booking: Booking) -> None:
    """Who books holds the time, then the ledger; who cancels as well."""

    async def book(work: Transaction) -> None:
        await booking_store.lock_slot(work, booking.slot_id, LI.account, town.clock.now())

    await beside(town, book, cancel_booking(town, CLERK, booking.id, "代表生病"))
    assert (await get_booking(town, CLERK, booking.id)).state is BookingState.CANCELLED


async def test_a_meeting_ends_while_its_booking_is_cancelled(
    town: Station, booking: Booking, reception: Meeting, roles: Roles
) -> None:
    """Both hold the booking before the ledger."""

    async def cancel(work: Transaction) -> None:
        await booking_store.booking_by_id(work.connection, booking.id, for_update=True)

    await beside(town, cancel, end_meeting(town, DEPUTY, reception.id))
    assert (await get_booking(town, CLERK, booking.id)).state is BookingState.MISSED


async def test_a_word_is_taken_back_while_the_broadcast_is_stopped(town: Station, roles: Roles) -> None:
    """A no is stored whatever the clerk does at the same moment: both hold the broadcast before the ledger."""
    begin = MONDAY_TEN + timedelta(hours=1)
    form = HearingForm("加装电梯办法听证会", DEPUTY.scope, begin, begin + timedelta(hours=2), public=True)
    hearing = await create_hearing(town, CLERK, form)
    await let_in(town, hearing, recorded=True)
    on_air = await start_broadcast(town, CLERK, hearing.id, hearing.title, "林秀兰", ZHAO.account, ZHAO.name)

    async def stop(work: Transaction) -> None:
        await live_store.broadcast_by(work.connection, on_air.id, for_update=True)

    await beside(town, stop, answer_consent(town, ZHAO, hearing.id, ConsentKind.PUBLISHED, given=False))
    assert not (await get_broadcast(town, on_air.id)).public


async def test_two_journals_tell_of_one_person_at_the_same_moment(town: Station) -> None:
    """Both take the ledger before who was there: neither waits for what the other holds, whatever comes first in it."""
    joined = JournalEvent(1, to_ms(MONDAY_TEN), "joined", "mt_a", ZHAO.account, {"name": ZHAO.name})
    await apply_events(town, JournalPage("first", [joined]))
    back = JournalEvent(1, joined.at_ms + 60_000, "joined", "mt_a", ZHAO.account, {"name": ZHAO.name})
    began = JournalEvent(2, joined.at_ms + 61_000, "recording_started", "mt_a")
    async with town.database.transaction() as work:
        await append(town, work, SYSTEM, "recording.paused", "meeting:mt_a")
        other = asyncio.create_task(apply_events(town, JournalPage("second", [back, began])))
        await asyncio.wait([other], timeout=0.5)
        assert not other.done()
        await journal_store.end_stay_at(work, "mt_a", ZHAO.account, MONDAY_TEN + timedelta(seconds=30))
    async with asyncio.timeout(20):
        assert await other == 2
    assert [stay.left_at is None for stay in await roll_call(town, "mt_a")] == [False, True]


async def test_one_hearing_is_announced_at_the_same_moment(town: Station) -> None:
    """The same form sent twice at once: the second one waits for the first, and leads to the hearing that it made."""
    ends = MONDAY_TEN + timedelta(hours=1)
    first = Meeting(
        id="mt_first", kind=Kind.HEARING, state=MeetingState.SCHEDULED, title="老楼装电梯", booking_id="",
        deputy_id=DEPUTY.scope, deputy_name=DEPUTY.name, citizen="", citizen_name="", starts_at=MONDAY_TEN,
        ends_at=ends, public=True, published=False, opened_at=None, ended_at=None,
    )  # fmt: skip
    form = HearingForm(first.title, DEPUTY.scope, MONDAY_TEN, ends, public=True)

    async def announce(work: Transaction) -> None:
        await lock_deputy(work, DEPUTY.scope)
        await add_meeting(work, first, MONDAY_TEN)

    await beside(town, announce, create_hearing(town, CLERK, form))
    assert [hearing.id for hearing in (await list_hearings(town, CLERK)).coming] == [first.id]


async def test_the_use_is_taken_back_twice_at_the_same_moment(town: Station, booking: Booking) -> None:
    """One answer, one notice, and a cancelled booking."""
    both = (withdraw_use(town, ZHAO, booking.id, [DEPUTY.account]) for _ in range(3))
    await asyncio.gather(*both)
    told = [n for n in await list_newest(town, 50) if n.address == DEPUTY.account and "收回了使用" in n.text]
    assert len(told) == 1
    assert (await get_booking(town, ZHAO, booking.id)).state is BookingState.CANCELLED
    answers = [e.action for e in await timeline(town, f"booking:{booking.id}") if e.action.startswith("consent.")]
    assert answers == ["consent.given", "consent.withdrawn"]
