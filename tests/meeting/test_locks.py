"""No two steps lock rows and the ledger's head in opposite orders: PostgreSQL would end one of them with an error."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest_asyncio

from station.base.database import Transaction
from station.base.principal import SYSTEM
from station.base.station import Station
from station.booking import store as booking_store
from station.booking.model import Booking, BookingState
from station.booking.service import cancel_booking, get_booking
from station.demo.booking import seed_booking
from station.ledger.service import append
from station.live.web import store as live_store
from station.live.web.service import get_broadcast, start_broadcast
from station.meeting.consent import answer_consent
from station.meeting.model import Meeting
from station.meeting.service import HearingForm, create_hearing, end_meeting
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
