"""The door: places kept, people let in, turned away and put out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from station.base.clock import FixedClock
from station.base.errors import NotAllowed, NotFound, TooManyRequests
from station.base.station import Station
from station.ledger.service import timeline
from station.meeting.lobby import (
    NobodyThere,
    admit,
    enter_lobby,
    leave_lobby,
    list_waiting,
    people_of,
    place_in_queue,
    refuse,
)
from station.meeting.model import Admission, DoorClosed, Meeting
from station.meeting.service import HearingForm, create_hearing
from tests.fixtures import MONDAY_TEN
from tests.meeting.conftest import CLERK, DEPUTY, LI, OTHER_DEPUTY, ZHAO, Enter, Roles, let_in


async def open_hearing(station: Station, public: bool = True) -> Meeting:
    begin = MONDAY_TEN + timedelta(hours=1)
    return await create_hearing(
        station, CLERK, HearingForm("加装电梯办法听证会", DEPUTY.scope, begin, begin + timedelta(hours=2), public)
    )


async def test_a_reload_keeps_the_place(town: Station) -> None:
    """Coming again changes nothing; another who came later stays behind."""
    hearing = await open_hearing(town)
    await enter_lobby(town, ZHAO, hearing.id)
    later = replace(town, clock=FixedClock(MONDAY_TEN + timedelta(minutes=1)))
    await enter_lobby(later, LI, hearing.id)
    much_later = replace(town, clock=FixedClock(MONDAY_TEN + timedelta(minutes=9)))
    assert await enter_lobby(much_later, ZHAO, hearing.id, ready=True) is Admission.WAITING
    for who, number in ((ZHAO, 1), (LI, 2)):
        place = await place_in_queue(town, hearing, who.account)
        assert place is not None and place.place == number
    assert [(e.account, e.ready) for e in await people_of(town, hearing.id)] == [
        (ZHAO.account, True),
        (LI.account, False),
    ]
    waiting = await list_waiting(town)
    assert [w.name for w in waiting] == ["赵**", "李**"]  # a public hearing hides given names


async def test_nobody_fills_the_ledger_at_the_door(town: Station, reception: Meeting) -> None:
    """Coming and going without end is refused after twenty steps; coming again without leaving costs nothing."""
    for _ in range(40):
        await enter_lobby(town, ZHAO, reception.id)
    with pytest.raises(TooManyRequests):
        for _ in range(20):
            await leave_lobby(town, ZHAO, reception.id)
            await enter_lobby(town, ZHAO, reception.id)
    steps = [e for e in await timeline(town, reception.subject) if e.action.startswith("lobby.")]
    assert len(steps) == 20
    await enter_lobby(town, LI, (await open_hearing(town)).id)  # another person is not meant


async def test_leaving_gives_the_place_up(town: Station, reception: Meeting) -> None:
    """Who stopped waiting cannot be let in, and is at the end of the queue when they come back."""
    await enter_lobby(town, ZHAO, reception.id)
    await leave_lobby(town, ZHAO, reception.id)
    assert await list_waiting(town) == []
    with pytest.raises(NobodyThere):
        await admit(town, DEPUTY, reception.id, ZHAO.account)
    assert await enter_lobby(town, ZHAO, reception.id) is Admission.WAITING


async def test_who_is_turned_away_stays_out_until_let_in(town: Station, reception: Meeting) -> None:
    """The refused cannot queue again by themselves; a host may change their mind."""
    await enter_lobby(town, ZHAO, reception.id)
    await refuse(town, DEPUTY, reception.id, ZHAO.account)
    with pytest.raises(DoorClosed):
        await enter_lobby(town, ZHAO, reception.id)
    await admit(town, CLERK, reception.id, ZHAO.account)
    assert await enter_lobby(town, ZHAO, reception.id) is Admission.ADMITTED
    actions = [event.action for event in await timeline(town, reception.subject)]
    assert actions == ["meeting.created", "lobby.entered", "lobby.refused", "lobby.admitted"]


async def test_only_hosts_open_the_door(town: Station, reception: Meeting) -> None:
    """Another deputy and another citizen do not even learn of the meeting; its citizen cannot let anyone in."""
    await enter_lobby(town, ZHAO, reception.id)
    with pytest.raises(NotFound):
        await admit(town, OTHER_DEPUTY, reception.id, ZHAO.account)
    with pytest.raises(NotFound):
        await enter_lobby(town, LI, reception.id)
    with pytest.raises(NotAllowed):
        await admit(town, ZHAO, reception.id, ZHAO.account)
    with pytest.raises(NotFound):
        await admit(town, DEPUTY, reception.id, LI.account)


async def test_who_is_put_out_leaves_the_room(town: Station, reception: Meeting, roles: Roles, enter: Enter) -> None:
    """Media closes the person's connection and says why."""
    await let_in(town, reception, recorded=True)
    socket = await enter(town, ZHAO, reception.id)
    await refuse(town, DEPUTY, reception.id, ZHAO.account)
    while (message := await socket.receive_json(timeout=10))["type"] != "closed":
        pass
    assert message["reason"] == "removed"
