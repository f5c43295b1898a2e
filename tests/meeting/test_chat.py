"""Who may read what was written, while the meeting goes on and after it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from station.base.errors import NotAllowed, NotFound, NotSignedIn
from station.base.principal import Principal, Role
from station.base.station import Station
from station.cases.service import cases_of_meeting
from station.meeting import chat, matters, store
from station.meeting.chat import chat_of, send_chat
from station.meeting.lobby import enter_lobby, refuse
from station.meeting.model import Meeting, MeetingEnded, NotAdmitted
from station.meeting.service import seat_inside
from tests.fixtures import MONDAY_TEN, Person
from tests.meeting.conftest import CLERK, DEPUTY, LI, OTHER_DEPUTY, ZHAO, Roles, let_in
from tests.meeting.test_consent import FAR_CLERK
from tests.meeting.test_lobby import open_hearing
from tests.meeting.test_pages import NewPerson, visitor

__all__ = ["visitor"]
NEW_CITIZEN = Principal("ac_new", Role.CITIZEN, "新来的")


async def end(station: Station, meeting: Meeting, state: str = "ended") -> None:
    """As the row says it once the meeting is over."""
    async with station.database.transaction() as work:
        await work.execute(update(store.meetings).where(store.meetings.c.id == meeting.id).values(state=state))


async def statuses(meeting: Meeting, people: list[Person]) -> list[int]:
    """What each is answered who asks for the chat."""
    found = []
    for person in people:
        async with person.client.get(f"/api/v1/meetings/{meeting.id}/chat") as answer:
            found.append(answer.status)
            assert ("只对会场说" in await answer.text()) == (answer.status == 200)
    return found


async def reads(station: Station, meeting: Meeting, who: Principal) -> bool:
    """Whether the service gives them the chat."""
    try:
        return bool(await chat_of(station, who, meeting.id))
    except (NotAdmitted, NotFound):
        return False


async def went_in(station: Station, meeting: Meeting, who: Principal) -> None:
    """Let in, and given a pass."""
    await let_in(station, meeting, recorded=True, who=who)
    async with station.database.transaction() as work:
        table = store.lobby_entries
        await work.execute(update(table).where(table.c.account == who.account).values(granted_at=MONDAY_TEN))


async def test_after_a_public_hearing_only_who_took_part_reads_it(
    town: Station, visitor: NewPerson, roles: Roles
) -> None:
    """Not a passer-by, not who only waited, not who was put out, no guest: over HTTP, before the end and after it."""
    hearing = await open_hearing(town)
    for who in (ZHAO, LI):
        await went_in(town, hearing, who)
    await send_chat(town, ZHAO, hearing.id, "只对会场说")
    await refuse(town, DEPUTY, hearing.id, LI.account)
    people = [await visitor(account) for account in ("ac_demo_citizen", "ac_demo_citizen2", "ac_demo_unit", None)]
    expected = [200, NotAdmitted.status, NotAllowed.status, NotSignedIn.status]
    assert await statuses(hearing, people) == expected
    await end(town, hearing)
    assert await statuses(hearing, people) == expected
    for who in (DEPUTY, CLERK):
        assert await reads(town, hearing, who)
    for who in (OTHER_DEPUTY, FAR_CLERK, NEW_CITIZEN):
        assert not await reads(town, hearing, who)


async def test_after_a_closed_hearing_no_deputy_who_stayed_away_reads_it(town: Station) -> None:
    """Any deputy may come to it; only who was let in reads it afterwards, and waiting is not being let in."""
    hearing = await open_hearing(town, public=False)
    await send_chat(town, DEPUTY, hearing.id, "只对会场说")
    await enter_lobby(town, OTHER_DEPUTY, hearing.id)
    await end(town, hearing)
    assert [await reads(town, hearing, who) for who in (OTHER_DEPUTY, ZHAO, DEPUTY)] == [False, False, True]
    async with town.database.transaction() as work:
        await work.execute(update(store.lobby_entries).values(state="admitted", granted_at=MONDAY_TEN))
    assert await reads(town, hearing, OTHER_DEPUTY)


async def test_what_is_sent_as_the_meeting_ends_is_refused(
    town: Station, reception: Meeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever took the seat before the end and writes after it is told so; neither line nor case is left behind."""

    async def late(*arguments: Any) -> Any:
        taken = await seat_inside(*arguments)
        await end(town, reception)
        return taken

    monkeypatch.setattr(chat, "seat_inside", late)
    with pytest.raises(MeetingEnded):
        await send_chat(town, DEPUTY, reception.id, "刚才忘了说")
    assert await chat_of(town, DEPUTY, reception.id) == []
    await end(town, reception, "open")
    monkeypatch.setattr(matters, "seat_inside", late)
    with pytest.raises(MeetingEnded):
        await matters.note_matter(town, DEPUTY, reception.id, "路灯不亮")
    assert await cases_of_meeting(town, reception.id) == []


async def test_what_is_sent_by_who_is_put_out_is_refused(
    town: Station, reception: Meeting, roles: Roles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same for somebody whom the host puts out at that moment."""
    await went_in(town, reception, ZHAO)

    async def late(*arguments: Any) -> Any:
        taken = await seat_inside(*arguments)
        await refuse(town, DEPUTY, reception.id, ZHAO.account)
        return taken

    monkeypatch.setattr(chat, "seat_inside", late)
    with pytest.raises(NotAdmitted):
        await send_chat(town, ZHAO, reception.id, "只对会场说")
    assert await chat_of(town, DEPUTY, reception.id) == []


async def test_after_a_reception_nobody_else_reads_it(town: Station, reception: Meeting) -> None:
    """Its own citizen, also one who was never let in, its deputy and clerk do; for others there is no such meeting."""
    await send_chat(town, DEPUTY, reception.id, "只对会场说")
    await end(town, reception)
    assert [await reads(town, reception, who) for who in (ZHAO, DEPUTY, CLERK)] == [True, True, True]
    assert not any([await reads(town, reception, who) for who in (LI, OTHER_DEPUTY, FAR_CLERK)])
