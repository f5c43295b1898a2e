"""Who sits in a room: their sessions live on, and nobody stays without a session, a seat or a meeting."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
import pytest_asyncio
from aiohttp import ClientSession, ClientWebSocketResponse
from sqlalchemy import select, update

from station.base.errors import Unavailable
from station.base.grants import Grant, Right
from station.base.station import Station
from station.meeting import occupancy, store
from station.meeting.admission import sign_grant
from station.meeting.lobby import admit, enter_lobby, refuse
from station.meeting.model import Meeting, NotAdmitted
from station.meeting.service import end_meeting
from station.nodes import media_client
from station.people import store as people
from station.people.model import STAFF_IDLE
from tests.fixtures import Person
from tests.meeting.conftest import DEPUTY, LI, ZHAO, Roles, let_in, tick
from tests.meeting.test_lobby import open_hearing
from tests.meeting.test_pages import NewPerson, events, visitor

__all__ = ["visitor"]
IDLE_S = int((STAFF_IDLE + timedelta(minutes=5)).total_seconds())


@asynccontextmanager
async def background(station: Station) -> AsyncIterator[None]:
    """What the web role does beside answering: tells media who signed out."""
    task = asyncio.create_task(occupancy.end_sessions(station))
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest_asyncio.fixture
async def http() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


async def ask_pass(person: Person, meeting: Meeting) -> str:
    """A pass, as the page asks for it."""
    answer = await person.post_json(f"/api/v1/meetings/{meeting.id}/grant", {})
    assert isinstance(answer, dict)
    return str(answer["grant"])


async def join(station: Station, http: ClientSession, grant: str) -> tuple[ClientWebSocketResponse, str]:
    """Uses a pass at media: the socket, and "" or the code of the refusal."""
    socket = await http.ws_connect(station.settings.media_urls["0"] + "/media/ws")
    await socket.send_json({"type": "join", "id": "1", "grant": grant})
    answer = await socket.receive_json(timeout=10)
    return socket, str(answer.get("code", ""))


async def closed_reason(socket: ClientWebSocketResponse) -> str:
    while (message := await socket.receive_json(timeout=10))["type"] != "closed":
        pass
    return str(message["reason"])


async def inside(roles: Roles, meeting: Meeting) -> list[str]:
    room = roles.media.rooms.get(meeting.id)
    return sorted(room.members) if room is not None else []


async def test_who_listens_stays_signed_in(
    town: Station, visitor: NewPerson, roles: Roles, reception: Meeting, http: ClientSession
) -> None:
    """Two hours in the room without a click are no idle ones; two hours after leaving it are."""
    deputy = await visitor("ac_demo_deputy1")
    socket, code = await join(town, http, await ask_pass(deputy, reception))
    assert code == ""
    tick(town, IDLE_S)
    await occupancy.look_once(town)
    await deputy.get(f"/meet/{reception.id}")
    tick(town, IDLE_S)  # and the database has not been told yet: who is inside is known all the same
    assert "林秀兰" in await deputy.get("/deputy")
    tick(town, IDLE_S)
    noted = await deputy.post_json(f"/api/v1/meetings/{reception.id}/matters", {"title": "采光", "unit_id": ""}, 201)
    assert isinstance(noted, dict) and noted["number"]
    await socket.close()
    await wait_empty(roles, reception)
    async with town.database.read() as connection:
        for session in (await connection.execute(select(people.sessions.c.token_hash))).scalars():
            town.presence.forget(session)  # as it is half a minute later
    tick(town, IDLE_S)
    async with deputy.client.get("/deputy", allow_redirects=False) as answer:
        assert answer.status == 303


@pytest.mark.parametrize(
    ("account", "way_back"), [("ac_demo_deputy1", "/signin/staff"), ("ac_demo_citizen", "/signin")]
)
async def test_a_lost_sign_in_is_told_as_that_and_leads_back(
    town: Station, visitor: NewPerson, reception: Meeting, account: str, way_back: str
) -> None:
    """Whoever did idle too long reads so, not that the network is broken; the page names the form that leads back."""
    person = await visitor(account)
    page = await person.get(f"/meet/{reception.id}")
    assert f'href="{way_back}?next=/meet/{reception.id}"' in page
    assert json.dumps("您的登录过期了").strip('"') in page  # among the words of the script
    headers = {**person.headers, "X-CSRF-Token": await person.token()}
    async with town.database.transaction() as work:
        await work.execute(people.sessions.delete())
    for path in ("grant", "matters", "chat"):
        async with person.client.post(f"/api/v1/meetings/{reception.id}/{path}", json={}, headers=headers) as answer:
            told = await answer.json(content_type=None)
            assert answer.status == 401 and str(told["type"]).endswith("/not-signed-in"), (path, told)


async def wait_empty(roles: Roles, meeting: Meeting) -> None:
    async with asyncio.timeout(10):
        while await inside(roles, meeting):
            await asyncio.sleep(0.02)


async def test_signing_out_ends_passes_the_stay_and_the_stream(
    town: Station, visitor: NewPerson, roles: Roles, http: ClientSession
) -> None:
    """After signing out a pass of before opens nothing, the seat is empty and the event stream is over."""
    hearing = await open_hearing(town)
    await let_in(town, hearing, recorded=True)
    citizen = await visitor("ac_demo_citizen")
    async with background(town), events(citizen, hearing) as following:
        socket, code = await join(town, http, await ask_pass(citizen, hearing))
        assert code == ""
        spare = await ask_pass(citizen, hearing)
        await citizen.post("/signout")
        assert await closed_reason(socket) == "signed_out"
        assert (await join(town, http, spare))[1] == "grant-invalid"
        heard = []
        while (event := await following()) is not None:
            heard.append(event["action"])
        assert heard[-1] == "signed-out"
    assert await inside(roles, hearing) == []


@pytest.mark.parametrize("how", ["disabled", "demoted", "expired", "session"])
async def test_a_lost_session_or_role_is_found_in_the_room(
    town: Station, visitor: NewPerson, roles: Roles, reception: Meeting, http: ClientSession, how: str
) -> None:
    """An account that is closed or has another role, or a session that is gone, ends the stay without any call."""
    deputy = await visitor("ac_demo_deputy1")
    socket, _ = await join(town, http, await ask_pass(deputy, reception))
    mine = people.accounts.c.id == DEPUTY.account
    changes = {
        "disabled": update(people.accounts).where(mine).values(disabled=True),
        "demoted": update(people.accounts).where(mine).values(scope="dp_demo_chenlixin"),
        "expired": update(people.sessions).values(expires_at=town.clock.now()),
        "session": people.sessions.delete(),
    }
    async with town.database.transaction() as work:
        await work.execute(changes[how])
    await occupancy.look_once(town)
    assert await closed_reason(socket) == ("removed" if how == "demoted" else "signed_out")
    assert await inside(roles, reception) == []


async def test_who_was_put_out_is_out_until_let_in_again(
    town: Station, visitor: NewPerson, roles: Roles, reception: Meeting, http: ClientSession
) -> None:
    """Two passes, one used: put out, neither works, and being put out again reaches the room again; let in, a new one
    does."""
    await let_in(town, reception, recorded=True)
    citizen = await visitor("ac_demo_citizen")
    first, second = await ask_pass(citizen, reception), await ask_pass(citizen, reception)
    socket, _ = await join(town, http, first)
    await refuse(town, DEPUTY, reception.id, ZHAO.account)
    assert await closed_reason(socket) == "removed"
    assert (await join(town, http, second))[1] == "put-out"
    with pytest.raises(NotAdmitted):
        await sign_grant(town, ZHAO, reception.id)
    await admit(town, DEPUTY, reception.id, ZHAO.account)
    again, code = await join(town, http, await ask_pass(citizen, reception))
    assert code == ""
    async with town.database.transaction() as work:  # as if the room had not heard of it the first time
        await work.execute(update(store.lobby_entries).values(state="refused"))
    await refuse(town, DEPUTY, reception.id, ZHAO.account)
    assert await closed_reason(again) == "removed"


async def test_who_has_no_seat_does_not_stay(
    town: Station, visitor: NewPerson, roles: Roles, reception: Meeting, http: ClientSession
) -> None:
    """What media missed while it was away is made good: whoever is inside and not let in is put out."""
    await let_in(town, reception, recorded=True)
    citizen = await visitor("ac_demo_citizen")
    socket, _ = await join(town, http, await ask_pass(citizen, reception))
    async with town.database.transaction() as work:
        await work.execute(update(store.lobby_entries).values(state="refused"))
    await occupancy.look_once(town)
    assert await closed_reason(socket) == "removed"


async def test_a_media_process_that_is_away_keeps_no_other_room_from_being_looked_at(
    town: Station,
    visitor: NewPerson,
    roles: Roles,
    reception: Meeting,
    http: ClientSession,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What cannot be ended in one room for now does not let people stay in another, and is ended once it can be."""
    hearing = await open_hearing(town)
    await let_in(town, reception, recorded=True)
    citizen, deputy = await visitor("ac_demo_citizen"), await visitor("ac_demo_deputy1")
    signed_out, _ = await join(town, http, await ask_pass(deputy, hearing))
    refused, _ = await join(town, http, await ask_pass(citizen, reception))
    async with town.database.transaction() as work:
        await work.execute(people.sessions.delete().where(people.sessions.c.account == DEPUTY.account))
        await work.execute(update(store.lobby_entries).values(state="refused"))

    async def away(*_: object) -> None:
        raise Unavailable

    with monkeypatch.context() as one_away:
        one_away.setattr(media_client, "end_session", away)
        one_away.setattr(media_client, "close_room", away)
        await occupancy.look_once(town)
    assert await closed_reason(refused) == "removed"
    await occupancy.look_once(town)
    assert await closed_reason(signed_out) == "signed_out"


async def test_an_ended_meeting_opens_no_room(
    town: Station, visitor: NewPerson, roles: Roles, reception: Meeting, http: ClientSession
) -> None:
    """Passes signed before the end are void after it, and a room that media opened all the same is closed."""
    await let_in(town, reception, recorded=True)
    citizen, deputy = await visitor("ac_demo_citizen"), await visitor("ac_demo_deputy1")
    passes = [await ask_pass(person, reception) for person in (citizen, deputy)]
    other = await open_hearing(town)
    late, _ = await join(town, http, await ask_pass(deputy, other))
    await end_meeting(town, DEPUTY, reception.id)
    assert [(await join(town, http, grant))[1] for grant in passes] == ["meeting-ended"] * 2
    async with town.database.transaction() as work:
        await work.execute(update(store.meetings).where(store.meetings.c.id == other.id).values(state="ended"))
    await occupancy.look_once(town)
    assert await closed_reason(late) == "ended"
    assert roles.media.rooms.rooms == {}


async def test_an_encoders_room_is_left_alone(town: Station, roles: Roles) -> None:
    """Who came with a grant of no session, or into a room of no meeting, is nobody that could be checked."""
    hearing = await open_hearing(town)
    roles.media.rooms.enter(Grant(hearing.id, "tk_1", "编码器", frozenset({Right.PUBLISH}), 2**40), hearing.id)
    roles.media.rooms.open("hall")
    await occupancy.look_once(town)
    assert await inside(roles, hearing) == ["tk_1"]
    assert "hall" in roles.media.rooms.rooms


async def test_the_stream_of_a_hearing_tells_only_what_the_page_shows(
    town: Station, visitor: NewPerson, roles: Roles
) -> None:
    """Who waits hears that something changed at the door: no ids, no cases, not even that something was written."""
    hearing = await open_hearing(town)
    await let_in(town, hearing, recorded=True, who=LI)
    citizen, other = await visitor("ac_demo_citizen"), await visitor("ac_demo_citizen2")
    chat = f"/api/v1/meetings/{hearing.id}/chat"
    async with events(citizen, hearing) as waiting, events(other, hearing) as within:
        await other.post_json(chat, {"text": "只在会场里说"}, 201)
        await enter_lobby(town, ZHAO, hearing.id)
        assert await waiting() == {"action": "changed"}  # of the door; of what was written there was nothing before it
        heard = [await within(), await within()]
        assert {"action": "changed"} in heard
        assert "只在会场里说" in json.dumps(heard, ensure_ascii=False)


async def test_a_session_is_noted_once_a_minute_at_most(
    town: Station, visitor: NewPerson, roles: Roles, reception: Meeting, http: ClientSession
) -> None:
    """Keeping sessions writes nothing while nothing is due."""
    deputy = await visitor("ac_demo_deputy1")
    socket, _ = await join(town, http, await ask_pass(deputy, reception))
    seen = select(people.sessions.c.seen_at)

    async def seen_at() -> object:
        async with town.database.read() as connection:
            return (await connection.execute(seen)).scalar()

    before = await seen_at()
    tick(town, 30)
    await occupancy.look_once(town)
    assert await seen_at() == before
    tick(town, 40)
    await occupancy.look_once(town)
    assert await seen_at() == town.clock.now()
    await socket.close()
