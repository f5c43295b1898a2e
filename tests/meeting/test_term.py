"""A meeting that everybody left and nobody ended: its day's end ends it."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import insert

from station.base.principal import SYSTEM
from station.base.station import Station
from station.booking.model import Booking, BookingState
from station.booking.service import get_booking
from station.ledger.service import timeline
from station.meeting.admission import sign_grant
from station.meeting.model import Meeting, MeetingState
from station.meeting.service import get_meeting
from station.meeting.term import end_forgotten
from station.nodes.journal_store import attendance
from tests.meeting.conftest import DEPUTY, ZHAO, Enter, Roles, let_in, tick
from tests.servers import wait_for

DAY_S = 24 * 3600


async def test_what_nobody_ended_is_ended_after_its_day(
    town: Station, reception: Meeting, booking: Booking, roles: Roles, enter: Enter
) -> None:
    """While somebody sits in the room nothing happens; then it is closed, archived and marked as any other."""
    await let_in(town, reception, recorded=True)
    sockets = [await enter(town, who, reception.id) for who in (ZHAO, DEPUTY)]
    assert await end_forgotten(town) == 0
    tick(town, DAY_S + int((reception.ends_at - town.clock.now()).total_seconds()))
    assert await end_forgotten(town) == 0, "they still talk"
    for socket in sockets:
        await socket.close()
    room = roles.media.rooms.rooms[reception.id]

    async def is_empty() -> bool:
        return not room.members

    await wait_for(is_empty, "an empty room")
    assert await end_forgotten(town) == 1
    assert await end_forgotten(town) == 0
    ended = await get_meeting(town, SYSTEM, reception.id)
    assert (ended.state, ended.ended_at) == (MeetingState.ENDED, reception.ends_at)
    assert (await get_booking(town, ZHAO, booking.id)).state is BookingState.ATTENDED
    last = (await timeline(town, reception.subject))[-1]
    assert (last.action, last.role) == ("meeting.ended", "system")
    assert [e["room"] for e in roles.media.rooms.journal.read(0) if e["kind"] == "room_closed"] == [reception.id]


async def test_it_ended_when_the_last_one_left(town: Station, reception: Meeting, roles: Roles) -> None:
    """The page of its replay names no hour at which nobody was there any more."""
    await sign_grant(town, DEPUTY, reception.id)
    left = reception.starts_at + timedelta(minutes=12)
    stay = {"id": "at_1", "room": reception.id, "person": DEPUTY.account, "name": "林秀兰", "session": "s"}
    async with town.database.transaction() as work:
        await work.execute(insert(attendance).values(**stay, joined_at=reception.starts_at, left_at=left))
    tick(town, DAY_S + int((reception.ends_at - town.clock.now()).total_seconds()))
    assert await end_forgotten(town) == 1
    assert (await get_meeting(town, SYSTEM, reception.id)).ended_at == left


async def test_while_media_is_away_it_is_left_for_later(town: Station, reception: Meeting, roles: Roles) -> None:
    """Whether somebody is inside cannot be known: it stays open, and no other chore is kept from its turn."""
    await sign_grant(town, DEPUTY, reception.id)
    tick(town, DAY_S + int((reception.ends_at - town.clock.now()).total_seconds()))
    await roles.media.__aexit__(None, None, None)
    assert await end_forgotten(town) == 0
    assert (await get_meeting(town, SYSTEM, reception.id)).state is MeetingState.OPEN
