"""The pages and their API as browsers use them: rights, sizes, live events, forms without script."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from io import BytesIO

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import update

from station.app import build_app
from station.base.events import MAX_STREAMS
from station.base.station import Station
from station.booking.model import Booking
from station.cases.store import cases
from station.meeting.chat import send_chat
from station.meeting.consent import answer_consent
from station.meeting.lobby import enter_lobby
from station.meeting.matters import note_matter
from station.meeting.model import Meeting, RecordingRefused
from station.meeting.store import meetings
from station.people.model import ConsentKind
from tests.fixtures import Person
from tests.meeting.conftest import DEPUTY, ZHAO, Enter, Roles, let_in
from tests.meeting.test_lobby import open_hearing

NewPerson = Callable[[str | None], Awaitable[Person]]


@pytest_asyncio.fixture
async def visitor(town: Station) -> AsyncIterator[NewPerson]:
    """People at the application of this town."""
    server = TestServer(build_app(town))
    await server.start_server()
    clients: list[TestClient] = []  # type: ignore[type-arg]

    async def make(account: str | None) -> Person:
        client = TestClient(server)
        clients.append(client)
        person = Person(client, town)
        if account:
            await person.sign_in(account)
        return person

    yield make
    for client in clients:
        await client.close()
    await server.close()


@asynccontextmanager
async def events(person: Person, meeting: Meeting) -> AsyncIterator[Callable[[], Awaitable[dict[str, object] | None]]]:
    """The page's event stream; call it for the next message, None at its end."""
    async with person.client.get(f"/meet/{meeting.id}/events") as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"

        async def following() -> dict[str, object] | None:
            async for line in answer.content:
                if line.startswith(b"data: "):
                    message: dict[str, object] = json.loads(line[6:])
                    return message
            return None

        assert (await asyncio.wait_for(following(), 5)) == {"action": "hello"}
        yield lambda: asyncio.wait_for(following(), 5)


async def test_the_page_is_complete_before_any_script(town: Station, visitor: NewPerson, booking: Booking) -> None:
    """From the booking to the meeting; nothing is chosen beforehand, and without script there is a telephone number."""
    citizen = await visitor("ac_demo_citizen")
    page = await citizen.get(f"/meet/booking/{booking.id}")
    assert "先试摄像头和麦克风" in page and "这次见面，要录像吗？" in page
    assert " checked" not in page
    assert "<noscript>" in page and "880 0123" in page
    assert 'id="record-start"' not in page and 'id="end"' not in page
    deputy = await visitor("ac_demo_deputy1")
    page = await deputy.get(f"/meet/booking/{booking.id}")
    assert 'id="record-start"' in page and 'id="consent-form"' not in page and 'id="matter-form"' in page


async def test_one_session_holds_only_so_many_streams(visitor: NewPerson, reception: Meeting) -> None:
    """Past the limit the page is told when to try again; a stream that was closed makes room for another."""
    citizen = await visitor("ac_demo_citizen")
    async with AsyncExitStack() as opened:
        for _ in range(MAX_STREAMS - 1):
            await opened.enter_async_context(events(citizen, reception))
        async with events(citizen, reception), citizen.client.get(f"/meet/{reception.id}/events") as refused:
            assert (refused.status, refused.headers["Retry-After"]) == (429, "5")
        async with asyncio.timeout(20):  # that the page has gone is seen at the next event or heartbeat
            while True:
                async with citizen.client.get(f"/meet/{reception.id}/events") as answer:
                    if answer.status == 200:
                        break
                await asyncio.sleep(0.1)


async def test_strangers_find_nothing(town: Station, visitor: NewPerson, reception: Meeting) -> None:
    """Neither page nor state nor events nor pass; a guest is asked to sign in."""
    stranger = await visitor("ac_demo_citizen2")
    for path in (f"/meet/{reception.id}", f"/meet/{reception.id}/events", f"/replay/{reception.id}"):
        await stranger.get(path, status=404)
    await stranger.post_json(f"/api/v1/meetings/{reception.id}/grant", {}, status=404)
    guest = await visitor(None)
    assert 'name="phone"' in await guest.get(f"/meet/{reception.id}")
    assert 'name="phone"' in await guest.get(f"/replay/{reception.id}")


async def test_the_lobby_does_not_hear_the_room(town: Station, visitor: NewPerson, reception: Meeting) -> None:
    """Who waits learns that something changed, never what is said; once let in, the stream begins anew with both."""
    citizen = await visitor("ac_demo_citizen")
    deputy = await visitor("ac_demo_deputy1")
    await citizen.post_json(f"/api/v1/meetings/{reception.id}/door", {"action": "enter"})
    async with events(citizen, reception) as following:
        await send_chat(town, DEPUTY, reception.id, "内部的话")
        url = f"/api/v1/meetings/{reception.id}/people/ac_demo_citizen"
        await deputy.post_json(url, {"action": "admit"})
        assert await following() == {"action": "changed"}  # of the door: of what was written there came nothing
        assert await following() is None
    async with events(citizen, reception) as following:
        await send_chat(town, DEPUTY, reception.id, "请说")
        heard = await following()
        assert heard is not None and heard["action"] == "chat"
        assert "请说" in json.dumps(heard, ensure_ascii=False)


async def test_bad_requests_get_clear_answers(town: Station, visitor: NewPerson, reception: Meeting) -> None:
    """10 MB of chat, a wrong shape, an unknown action, a citizen who would record: each its status, nothing kept."""
    await let_in(town, reception, recorded=True)
    citizen = await visitor("ac_demo_citizen")
    base = f"/api/v1/meetings/{reception.id}"
    headers = {"X-CSRF-Token": await citizen.token(), "Content-Type": "application/json"}
    huge = BytesIO(b'{"text": "' + b"x" * (10 * 2**20) + b'"}')
    async with citizen.client.post(f"{base}/chat", data=huge, headers=headers) as answer:
        assert answer.status == 413
    await citizen.post_json(f"{base}/chat", {"text": 7}, status=422)
    await citizen.post_json(f"{base}/chat", {"text": "嗨", "as": "ac_demo_deputy1"}, status=422)
    await citizen.post_json(f"{base}/door", {"action": "admit"}, status=422)
    deputy = await visitor("ac_demo_deputy1")
    await deputy.post_json(f"{base}/recording", {"action": "erase"}, status=422)
    await citizen.post_json(f"{base}/recording", {"action": "start"}, status=403)
    await citizen.post_json(f"{base}/people/ac_demo_citizen", {"action": "admit"}, status=403)
    async with citizen.client.post(f"{base}/chat", json={"text": "没有令牌"}) as answer:
        assert answer.status == 403
    async with citizen.client.get(f"{base}/chat") as answer:
        assert await answer.json() == []


async def test_nothing_is_recorded_while_somebody_present_declines(
    town: Station, visitor: NewPerson, reception: Meeting, roles: Roles, enter: Enter
) -> None:
    """The server refuses deputy and clerk and names who declines, in their language; with consent it begins."""
    await let_in(town, reception, recorded=False)
    await enter(town, ZHAO, reception.id)
    path = f"/api/v1/meetings/{reception.id}/recording"
    people = [await visitor(account) for account in ("ac_demo_deputy1", "ac_demo_clerk")]
    for person in people:
        titles = []
        for language in ("zh-CN", "en"):
            person.headers = {"Accept-Language": language}
            for action in ("start", "resume"):
                told = await person.post_json(path, {"action": action}, status=409)
                assert isinstance(told, dict) and str(told["type"]).endswith(f"/{RecordingRefused.code}")
                title = told["title"]
            titles.append(title)
        assert all("赵玉梅" in title for title in titles) and titles[0] != titles[1]
    await answer_consent(town, ZHAO, reception.id, ConsentKind.RECORDED, True)
    told = await people[0].post_json(path, {"action": "start"})
    assert isinstance(told, dict) and told["state"] == "recording"


async def test_a_desk_lets_people_in_without_script(town: Station, visitor: NewPerson, reception: Meeting) -> None:
    """The clerk's and the deputy's desk show who waits; one form lets them in."""
    await enter_lobby(town, ZHAO, reception.id)
    clerk = await visitor("ac_demo_clerk")
    assert "1 位在等候室" in await clerk.get("/desk")
    deputy = await visitor("ac_demo_deputy1")
    assert "admit-ac_demo_citizen" in await deputy.get("/deputy")
    page = await clerk.post(f"/meet/{reception.id}/admit", person="ac_demo_citizen")
    assert "现在没有人等候" in page
    other = await visitor("ac_demo_deputy2")
    assert "赵玉梅" not in await other.get("/deputy")


async def test_a_hearing_is_announced_by_form(town: Station, visitor: NewPerson) -> None:
    """Faults stand at their fields with what was typed; then the hearing has its page."""
    clerk = await visitor("ac_demo_clerk")
    assert "还没有听证会" in await clerk.get("/desk/hearings")
    fields = {"title": "", "day": "2026-10-15", "starts": "14:00", "ends": "25", "deputy": "", "public": "yes"}
    page = await clerk.post("/desk/hearings", status=422, **fields)
    for fault in ("请写听证会的名称", "请填结束时间，比如 16:00", "请选主持的代表"):
        assert fault in page
    assert "2026-10-15" in page
    fields |= {"title": "加装电梯办法听证会", "ends": "16:00", "deputy": DEPUTY.scope}
    page = await clerk.post("/desk/hearings", status=200, **fields)
    assert "10月15日（周四） 14:00–16:00" in page
    invitation = re.search(r'id="address"[^>]*value="http://[^"]+(/meet/mt_\w+)"', page)
    assert invitation, "the clerk is not told which address to send to those who are to come"
    invited = await (await visitor("ac_demo_citizen")).get(invitation[1])
    assert "加装电梯办法听证会" in invited and 'id="see-waiting"' not in invited
    assert 'id="see-waiting"' in await clerk.get(invitation[1])
    assert "加装电梯办法听证会" in await clerk.get("/desk/hearings")


async def test_only_who_shows_a_picture_goes_on_air(
    town: Station, visitor: NewPerson, roles: Roles, enter: Enter
) -> None:
    """Somebody without camera, or a hearing that is not public, is refused with a sentence; nothing is on air."""
    clerk = await visitor("ac_demo_clerk")
    hearing = await open_hearing(town)
    await enter(town, DEPUTY, hearing.id)
    assert "林秀兰代表" in await clerk.get(f"/desk/hearings/{hearing.id}")
    page = await clerk.post(f"/desk/hearings/{hearing.id}/live", status=422, person=DEPUTY.account)
    assert "没有开画面" in page
    closed = await open_hearing(town, public=False)
    assert "不公开，不能直播" in await clerk.post(f"/desk/hearings/{closed.id}/live", status=422, person=DEPUTY.account)
    assert "现在没有直播" in await (await visitor(None)).get("/live")


@pytest.mark.parametrize(
    ("language", "none", "numbered", "thanks"),
    [
        ("zh-CN", "这次没有记下要交办的事", "下面的事都有编号", "谢谢您来"),
        ("en", "No matters were noted", "Each of these matters has its number", "Thank you for coming"),
    ],
)
async def test_after_the_end_staff_read_the_numbers_of_what_was_noted(
    town: Station, visitor: NewPerson, reception: Meeting, language: str, none: str, numbered: str, thanks: str
) -> None:
    """Deputy and clerk go on with them, under their own navigation and to their own desk; the citizen is thanked."""
    people = {account: await visitor(account) for account in ("ac_demo_citizen", "ac_demo_deputy1", "ac_demo_clerk")}
    for person in people.values():
        person.headers = {"Accept-Language": language}
    noted = [await note_matter(town, DEPUTY, reception.id, title) for title in ("一楼采光", "楼道堆物")]
    async with town.database.transaction() as work:
        await work.execute(update(meetings).where(meetings.c.id == reception.id).values(state="ended"))
    for account, home in (("ac_demo_deputy1", "/deputy"), ("ac_demo_clerk", "/desk")):
        page = await people[account].get(f"/meet/{reception.id}")
        assert numbered in page and thanks not in page
        assert all(f'href="/cases/{matter.id}"' in page and matter.number in page for matter in noted)
        assert f'href="{home}"' in page.partition("<nav")[2].partition("</nav>")[0]
        assert f'href="{home}"' in page.partition("<main")[2].partition("</main>")[0]
        assert 'href="/my"' not in page and 'href="/deputies"' not in page.partition("<main")[0]
    page = await people["ac_demo_citizen"].get(f"/meet/{reception.id}")
    assert thanks in page and noted[0].number not in page and 'href="/my"' in page
    async with town.database.transaction() as work:
        await work.execute(update(cases).values(meeting_id=None))
    assert none in await people["ac_demo_clerk"].get(f"/meet/{reception.id}")


@pytest.mark.parametrize(("account", "home"), [("ac_demo_deputy1", "/deputy"), ("ac_demo_clerk", "/desk")])
async def test_staff_keep_their_navigation_on_each_page_of_a_meeting(
    town: Station, visitor: NewPerson, reception: Meeting, booking: Booking, account: str, home: str
) -> None:
    """Before the meeting, at a booking and its replay: the way back leads to their desk, not to the citizen's page."""
    person = await visitor(account)
    for path in (f"/meet/{reception.id}", f"/bookings/{booking.id}", f"/replay/{reception.id}", "/nowhere"):
        page = await person.get(path, status=404 if path == "/nowhere" else 200)
        navigation = page.partition("<nav")[2].partition("</nav>")[0]
        assert f'href="{home}"' in navigation and 'href="/my"' not in navigation, path


async def test_consent_is_asked_in_english_as_a_person_would_answer(town: Station, visitor: NewPerson) -> None:
    """One agrees or does not: "Do not grant" is what a clerk says to a unit that asks for more time."""
    hearing = await open_hearing(town)
    citizen = await visitor("ac_demo_citizen")
    page = await citizen.get(f"/language/en?next=/meet/{hearing.id}")
    for kind in ("consent", "broadcast", "publish"):
        answers = re.findall(rf'id="{kind}-(yes|no)"[^>]*><span>([^<]+)<', page)
        assert answers == [("yes", "Agree"), ("no", "Do not agree")], kind
