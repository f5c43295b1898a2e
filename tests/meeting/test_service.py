"""Meetings: made once, ended for all, chat and matters tied to them."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import update

from station.archive.publishing import PublishingRefused, publish_replay
from station.archive.replay import get_replay
from station.base.errors import BadInput, NotAllowed, NotFound, Unavailable
from station.base.station import Station
from station.booking.model import Booking
from station.booking.service import cancel_booking, get_booking
from station.cases.service import read_case
from station.directory.store import terms
from station.ledger.service import timeline
from station.ledger.verify import verify_chain
from station.meeting.chat import chat_of, send_chat
from station.meeting.lobby import enter_lobby
from station.meeting.matters import list_matters, note_matter
from station.meeting.model import BookingCancelled, Meeting, MeetingEnded, MeetingState, NotAdmitted
from station.meeting.service import (
    HearingForm,
    create_hearing,
    end_meeting,
    get_meeting,
    meeting_of_booking,
)
from station.nodes.journal import JournalEvent, JournalPage, apply_events
from station.nodes.media_client import get_room
from tests.fixtures import MONDAY_TEN
from tests.meeting.conftest import CLERK, DEPUTY, LI, OTHER_DEPUTY, ZHAO, Enter, Roles, let_in, tick


async def test_two_who_come_at_once_find_one_meeting(town: Station, booking: Booking) -> None:
    """Citizen, deputy and clerk get the same meeting; strangers get none."""
    found = await asyncio.gather(*(meeting_of_booking(town, who, booking.id) for who in (ZHAO, DEPUTY, CLERK)))
    assert len({meeting.id for meeting in found}) == 1
    for who in (LI, OTHER_DEPUTY):
        with pytest.raises(NotFound):
            await meeting_of_booking(town, who, booking.id)


async def test_a_cancelled_booking_has_no_meeting(town: Station, booking: Booking) -> None:
    """Nothing is made for it."""
    await cancel_booking(town, ZHAO, booking.id)
    with pytest.raises(BookingCancelled):
        await meeting_of_booking(town, ZHAO, booking.id)


async def test_a_hearing_names_each_fault(town: Station) -> None:
    """No title, an end before the begin; a deputy who is unknown or has left office; nothing is made."""
    with pytest.raises(BadInput) as wrong:
        await create_hearing(town, CLERK, HearingForm("", DEPUTY.scope, MONDAY_TEN, MONDAY_TEN, True))
    assert set(wrong.value.fields) == {"title", "ends"}
    late = MONDAY_TEN + timedelta(hours=1)
    with pytest.raises(BadInput) as unknown:
        await create_hearing(town, CLERK, HearingForm("听证", "dp_nobody", MONDAY_TEN, late, True))
    assert set(unknown.value.fields) == {"deputy"}
    async with town.database.transaction() as work:
        await work.execute(update(terms).values(ends_on=MONDAY_TEN.date()))
    with pytest.raises(BadInput) as left:
        await create_hearing(town, CLERK, HearingForm("听证", DEPUTY.scope, MONDAY_TEN, late, True))
    assert set(left.value.fields) == {"deputy"}


async def test_a_hearing_asked_for_twice_is_one(town: Station) -> None:
    """The same form sent again leads to the hearing that it made; another beginning or end makes another."""
    late, later = MONDAY_TEN + timedelta(hours=1), MONDAY_TEN + timedelta(hours=2)
    first, again = [
        await create_hearing(town, CLERK, HearingForm("听证", DEPUTY.scope, MONDAY_TEN, late, True)) for _ in range(2)
    ]
    other = await create_hearing(town, CLERK, HearingForm("听证", DEPUTY.scope, late, later, True))
    longer = await create_hearing(town, CLERK, HearingForm("听证", DEPUTY.scope, MONDAY_TEN, later, True))
    assert first.id == again.id and len({first.id, other.id, longer.id}) == 3 and longer.ends_at == later


async def test_ending_is_for_all_and_once(
    town: Station, reception: Meeting, booking: Booking, roles: Roles, enter: Enter
) -> None:
    """Everybody is sent home, the booking counts as attended, and nobody comes in again."""
    await let_in(town, reception, recorded=True)
    socket = await enter(town, ZHAO, reception.id)
    await enter(town, DEPUTY, reception.id)
    with pytest.raises(NotAllowed):
        await end_meeting(town, ZHAO, reception.id)
    assert (await end_meeting(town, DEPUTY, reception.id)).state is MeetingState.ENDED
    assert (await end_meeting(town, CLERK, reception.id)).state is MeetingState.ENDED
    while (message := await socket.receive_json(timeout=10))["type"] != "closed":
        pass
    assert message["reason"] == "ended"
    assert (await get_room(town, reception.id)).members == []
    assert (await get_booking(town, ZHAO, booking.id)).state == "attended"
    actions = [event.action for event in await timeline(town, reception.subject)]
    assert actions.count("meeting.ended") == 1
    with pytest.raises(MeetingEnded):
        await enter_lobby(town, ZHAO, reception.id)
    assert (await verify_chain(town.database)).broken_at is None


async def test_who_never_came_has_missed_it(town: Station, reception: Meeting, booking: Booking, roles: Roles) -> None:
    """The booking says so."""
    await end_meeting(town, DEPUTY, reception.id)
    assert (await get_booking(town, ZHAO, booking.id)).state == "missed"


async def test_without_media_a_meeting_does_not_end_half(town: Station, reception: Meeting) -> None:
    """People may still talk in the room: the meeting stays open and the host may try again."""
    with pytest.raises(Unavailable):
        await end_meeting(town, DEPUTY, reception.id)
    assert (await get_meeting(town, DEPUTY, reception.id)).state is MeetingState.SCHEDULED


async def test_chat_is_for_those_inside(town: Station, reception: Meeting) -> None:
    """Not from the lobby, not empty, not endless; control characters go."""
    await enter_lobby(town, ZHAO, reception.id)
    with pytest.raises(NotAdmitted):
        await send_chat(town, ZHAO, reception.id, "我到了")
    await let_in(town, reception, recorded=True)
    for text in ("  \n ", "\u200b\u3164", "\ufeff", "长" * 1001):
        with pytest.raises(BadInput):
            await send_chat(town, ZHAO, reception.id, text)
    await send_chat(town, ZHAO, reception.id, "发了\x00，22 户签了名")
    tick(town)
    await send_chat(town, DEPUTY, reception.id, "收到")
    lines = await chat_of(town, ZHAO, reception.id)
    assert [(line.name, line.text) for line in lines] == [("赵玉梅", "发了，22 户签了名"), ("林秀兰代表", "收到")]


async def test_a_matter_becomes_a_case_at_its_second(town: Station, reception: Meeting, booking: Booking) -> None:
    """Pauses do not count: 10 s recorded, 100 s paused, 5 s more make second 15."""
    await let_in(town, reception, recorded=True)
    now_ms = MONDAY_TEN.timestamp() * 1000
    marks = (("started", 115), ("paused", 105), ("resumed", 5))
    events = [
        JournalEvent(seq, now_ms - ago_s * 1000, f"recording_{mark}", reception.id)
        for seq, (mark, ago_s) in enumerate(marks, start=1)
    ]
    await apply_events(town, JournalPage("jn_1", events))
    with pytest.raises(NotAllowed):
        await note_matter(town, ZHAO, reception.id, "我自己记")
    with pytest.raises(BadInput):
        await note_matter(town, DEPUTY, reception.id, "采光", unit_id="un_nowhere")
    matter = await note_matter(town, DEPUTY, reception.id, " 请人上门测  一楼采光 ")
    case = await read_case(town, matter.id)
    assert (case.citizen_topic, case.title) == ("7 号楼想装电梯", "请人上门测 一楼采光")
    assert (matter.title, matter.recorded_at_s) == ("请人上门测 一楼采光", 15.0)
    assert [m.number for m in await list_matters(town, CLERK, reception.id)] == [matter.number]


async def test_nothing_is_published_against_a_word(
    town: Station, reception: Meeting, roles: Roles, enter: Enter
) -> None:
    """Who refuses keeps the replay among the parties; with consent the clerk may publish, and take it back."""
    await let_in(town, reception, recorded=False)
    await enter(town, ZHAO, reception.id)
    await end_meeting(town, DEPUTY, reception.id)
    with pytest.raises(PublishingRefused):
        await publish_replay(town, CLERK, reception.id, True)
    with pytest.raises(NotAllowed):
        await publish_replay(town, DEPUTY, reception.id, True)
    with pytest.raises(NotFound):
        await get_replay(town, LI, reception.id)
    assert (await get_replay(town, ZHAO, reception.id)).id == reception.id
