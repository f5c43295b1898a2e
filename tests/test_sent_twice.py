"""What is sent twice is done once and answered alike: every POST route keeps to it, or is listed with its reason."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from itertools import count

import pytest_asyncio
from aiohttp import CookieJar
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import func, insert, select, update

from station.app import build_app, close_station
from station.base import jobs
from station.base.bus import LocalBus
from station.base.database import Database
from station.base.idempotency import KEEP_FOR, idempotency_keys
from station.base.ids import new_id
from station.base.principal import SYSTEM, Principal, Role
from station.base.station import Station
from station.base.templates import WEB
from station.booking.model import Matter, Mode
from station.booking.rota import list_slots
from station.booking.service import book_slot
from station.cases import service as cases
from station.cases.model import Colour, Grade
from station.cases.reads.overview import cards_page
from station.cases.records import Case
from station.demo.booking import LIN, seed_booking
from station.demo.directory import seed_directory
from station.directory.edit_service import save_constituency, save_station
from station.directory.entries_model import ConstituencyEntry, StationEntry
from station.holidays.service import list_notices, put_in
from station.ledger.store import ledger_events
from station.live.web.store import broadcasts
from station.meeting.lobby import enter_lobby
from station.meeting.service import HearingForm, create_hearing
from station.meeting.store import chat_messages, meetings
from station.notices.service import list_newest
from station.notices.store import notices
from station.people.account_model import StaffForm
from station.people.account_service import create_account, lock_account
from station.people.service import my_consents
from station.people.store import add_session
from station.routes import ROUTES
from station.work import expire_sessions
from tests.cases.conftest import CITIZEN, CLERK, DEPUTY, SUPERVISOR, UNIT, Town
from tests.fixtures import MONDAY_TEN, Person, seed
from tests.holidays.notices import NOTICE_2027
from tests.servers import pick_port

NewPerson = Callable[..., Awaitable[Person]]
ADMIN = Principal("ac_demo_admin", Role.ADMIN, "管理员")
NUMBERS = count()
KEY = "a-key-of-one-form-of-one-page"
# What needs no key, and why.
OTHERWISE = {
    "/signin": "who asks once more wants a second message; the first number stays good",
    "/signin/code": "a number signs in once",
    "/signin/staff": "a dynamic code signs in once (RFC 6238 §5.2)",
    "/signout": "signed out is signed out",
    "/invite/{token}/password": "the password that was sent last is the one that counts",
    "/invite/{token}/factor": "an invite works once",
    "/kept-forms/discard": "deleted is deleted",
    "/notices/read": "read is read",
    "/admin/holidays": "only shows what was understood of a text",
    "/book/{slot}": "a draft is what was sent last, and the same photo is one",
    "/book/{slot}/check": "the draft has a key of its own, which the booking keeps for good",
    "/book/{slot}/leave": "deleted is deleted",
    "/bookings/{booking}/cancel": "cancelled for good, and a booking already cancelled is shown",
    "/setup/district": "what was sent last holds",
    "/setup/look": "what was sent last holds",
    "/setup/texts": "the same texts again make no new version",
    "/setup/admin": "closed for good by the first one",
    "/admin/district/look": "the same colour and mark again change nothing that is seen",
    "/desk/hearings/{meeting}/live/stop": "off air is off air; what began since is not what the page showed",
    "/desk/hearings/{meeting}/end": "ended for good",
    "/api/v1/meetings/{meeting}/door": "sets where one stands",
    "/api/v1/meetings/{meeting}/people/{person}": "sets who is inside",
    "/api/v1/meetings/{meeting}/consent": "sets an answer; the same one again is no new word",
    "/api/v1/meetings/{meeting}/grant": "a pass opens the door once; who has lost it asks again",
    "/api/v1/meetings/{meeting}/recording": "sets whether is recorded",
    "/api/v1/meetings/{meeting}/end": "ended for good",
}
ELSEWHERE = {
    "/admin/terms": "tests/directory/test_terms.py: needs a station without a term",
    "/desk/hearings/{meeting}/live": "tests/meeting/test_broadcast.py: needs the live role",
}


@dataclass
class Act:
    """A form ready to be sent: by whom, where to, and what is in it."""

    account: str
    path: str
    fields: dict[str, str] = field(default_factory=dict)


def posts() -> list[str]:
    return [route.path for route in ROUTES if route.method == "POST" and not route.bearer]


def test_every_post_is_done_once_or_says_why_it_need_not_be() -> None:
    """A new form is put under the rule, or gets a line here."""
    keyed = {route.path for route in ROUTES if route.method == "POST" and route.once}
    assert keyed | set(OTHERWISE) == set(posts())
    assert not keyed & set(OTHERWISE)
    assert set(ACTS) | set(ELSEWHERE) == keyed, "each has its trial below"


def test_every_form_carries_a_key() -> None:
    """No template has a form that is posted without the field that all of them share."""
    for file in WEB.glob("templates/**/*.html"):
        forms = re.findall(r'<form\b[^>]*method="post".*?</form>', file.read_text(encoding="utf-8"), re.DOTALL)
        assert all("csrf_field(csrf" in form for form in forms), file


@pytest_asyncio.fixture
async def town(station: Station) -> Town:
    """The demo's directory and rota, without media and live."""
    ports = {"media_http_port": pick_port(), "live_http_port": pick_port()}
    made = Town(replace(station, settings=station.settings.model_copy(update=ports)))
    await seed(made.station, seed_directory, seed_booking)
    return made


@pytest_asyncio.fixture
async def new_person(town: Town) -> AsyncIterator[NewPerson]:
    """As for all tests, in that town."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(TestServer(build_app(town.station)))

        async def make(account: str) -> Person:
            client: TestClient = await stack.enter_async_context(TestClient(server))  # type: ignore[type-arg]
            person = Person(client, town.station)
            await person.sign_in(account)
            return person

        yield make


def act(account: str, page: str, case: Awaitable[Case], name: str, **fields: str) -> Awaitable[Act]:
    """A form on the page of a case."""

    async def prepare() -> Act:
        return Act(account, f"{page}/{(await case).id}/{name}", fields)

    return prepare()


of_clerk = partial(act, CLERK.account, "/desk/cases")
of_unit = partial(act, UNIT.account, "/unit/cases")
of_citizen = partial(act, CITIZEN.account, "/cases")
of_supervisor = partial(act, SUPERVISOR.account, "/oversight/cases")


async def accepted(town: Town) -> Case:
    return await cases.accept_case(town.station, CLERK, (await town.noted()).id)


async def asked(town: Town) -> Case:
    return await cases.ask_extension(town.station, UNIT, (await town.assigned()).id, "还要等材料")


async def published(town: Town) -> Case:
    return await cases.publish_case(town.station, CLERK, (await town.replied()).id, "路灯", "换好了")


async def rated(town: Town) -> Case:
    return await cases.rate_case(town.station, CITIZEN, (await town.replied()).id, Grade.GOOD)


async def unhappy(town: Town) -> Case:
    """The redos that happen by themselves are used up: the clerk decides."""
    case = await town.replied()
    await cases.rate_case(town.station, CITIZEN, case.id, Grade.BAD, "还是不亮")
    await cases.reply_case(town.station, UNIT, case.id, "又换了一次", "solved")
    return await cases.rate_case(town.station, CITIZEN, case.id, Grade.BAD, "还是不亮")


async def carded(town: Town) -> Act:
    case = await town.assigned()
    await cases.issue_card(town.station, SUPERVISOR, case.id, Colour.YELLOW, "催过两次没有回音")
    (card, _), *_ = (await cards_page(town.station, SUPERVISOR, None, None)).cards.items
    return Act(SUPERVISOR.account, f"/oversight/cards/{card.id}/withdraw?cards-after=x", {"reason": "发错了"})


async def hearing(town: Town) -> str:
    now = town.station.clock.now()
    form = HearingForm("加装电梯办法", DEPUTY.scope, now, now + timedelta(hours=1), public=True)
    return (await create_hearing(town.station, CLERK, form)).id


async def held(town: Town) -> Act:
    meeting = await hearing(town)
    async with town.station.database.transaction() as work:
        await work.execute(update(meetings).where(meetings.c.id == meeting).values(state="ended"))
    return Act(CLERK.account, f"/replay/{meeting}/publish", {"published": "yes"})


async def waiting(town: Town) -> Act:
    meeting = await hearing(town)
    await enter_lobby(town.station, CITIZEN, meeting, ready=True)
    return Act(CLERK.account, f"/meet/{meeting}/admit", {"person": CITIZEN.account})


async def announced(_: Town) -> Act:
    fields = {"title": "停车位", "day": "2026-10-20", "starts": "14:00", "ends": "16:00", "deputy": DEPUTY.scope}
    return Act(CLERK.account, "/desk/hearings", {**fields, "public": "yes"})


async def shown(town: Town) -> Act:
    row = {"id": "bc_1", "meeting_id": await hearing(town), "title": "电梯", "host": "林秀兰", "state": "ended"}
    times = {"person": DEPUTY.account, "source_name": "林秀兰", "started_at": MONDAY_TEN, "ended_at": MONDAY_TEN}
    async with town.station.database.transaction() as work:
        await work.execute(insert(broadcasts).values(**row, **times))
    return Act(CLERK.account, "/desk/broadcasts/bc_1/publish", {"published": "yes"})


async def agreed(town: Town) -> Act:
    slot = next(s for s in await list_slots(town.station, CITIZEN, LIN) if not s.full)
    await book_slot(town.station, CITIZEN, slot.id, Matter(Mode.VIDEO, "7 号楼想装电梯"), "key-twice")
    (consent,) = await my_consents(town.station, CITIZEN)
    return Act(CITIZEN.account, f"/my/consents/{consent.id}", {"given": "no"})


async def failed(town: Town) -> Act:
    async with town.station.database.transaction() as work:
        await jobs.enqueue(work, "seal", "seal:1", {}, town.station.clock.now())
        await work.execute(update(jobs.jobs).values(state="failed"))
    return Act("ac_demo_admin", "/desk/jobs/retry", {"key": "seal:1"})


async def unsent(town: Town) -> Act:
    await town.assigned()
    sms = next(notice for notice in await list_newest(town.station, 200) if notice.channel == "sms")
    async with town.station.database.transaction() as work:
        await work.execute(update(notices).where(notices.c.id == sms.id).values(state="failed"))
    return Act("ac_demo_admin", "/admin/notices/resend", {"notice": sms.id})


async def noticed(_: Town) -> Act:
    return Act("ac_demo_admin", "/admin/holidays/2027", {"text": NOTICE_2027, "seen": "0"})


async def withdrawn(town: Town) -> Act:
    seen = sum(notice.version for notice in await list_notices(town.station))
    admin = Principal("ac_demo_admin", Role.ADMIN, "管理员")
    kept = await put_in(town.station, admin, 2027, NOTICE_2027, seen)
    return Act(admin.account, "/admin/holidays/2027/withdraw", {"seen": str(kept.version)})


def on_account(account: str, act: str, fields: dict[str, str]) -> Callable[[Town], Awaitable[Act]]:
    """A form on the page of an account."""

    async def prepare(_: Town) -> Act:
        return Act("ac_demo_admin", f"/admin/accounts/{account}/{act}", fields)

    return prepare


async def invited(town: Town) -> str:
    form = StaffForm(Role.CLERK, "王明", f"wang{next(NUMBERS)}")
    return (await create_account(town.station, ADMIN, form)).account


async def account_form() -> Act:
    return Act("ac_demo_admin", "/admin/accounts", {"role": "clerk", "name": "王明", "login": f"wang{next(NUMBERS)}"})


def of_invited(name: str) -> Callable[[Town], Awaitable[Act]]:
    """A form on the page of an account whose holder has not come yet."""

    async def prepare(town: Town) -> Act:
        return Act("ac_demo_admin", f"/admin/accounts/{await invited(town)}/{name}")

    return prepare


async def another_browser(town: Town, name: str = "end") -> Act:
    """Ends a session that the caller has elsewhere."""
    token = f"{next(NUMBERS):016}".ljust(64, "0")
    now = town.station.clock.now()
    async with town.station.database.transaction() as work:
        await add_session(work, token, UNIT.account, now, now + timedelta(days=1), "Edge · Windows")
    return Act(UNIT.account, f"/my/sessions/{name}", {"session": token[:16]} if name == "end" else {})


async def locked(town: Town) -> Act:
    account = await invited(town)
    await lock_account(town.station, ADMIN, account, "调走了")
    return Act("ac_demo_admin", f"/admin/accounts/{account}/unlock")


async def said(town: Town, what: str, **fields: str) -> Act:
    return Act(DEPUTY.account, f"/api/v1/meetings/{await hearing(town)}/{what}", fields)


async def of_admin(part: str, **fields: str) -> Act:
    return Act("ac_demo_admin", f"/admin/district/{part}", {"seen": "0", **fields})


STATION_FORM = {"name": "河西站", "tier": "street", "address": "河西路 8 号", "phone": "880 0501", "seen": "1"}
UNIT_FORM = {"name": "区水务局", "phone": "880 1011", "seen": "1"}


def edited(path: str, **fields: str) -> Callable[[Town], Awaitable[Act]]:
    """A form of the administrator's."""

    async def prepare(_town: Town) -> Act:
        return Act(ADMIN.account, path, fields)

    return prepare


DEPUTY_FORM = {"station": "st_demo_main", "constituency": "co_demo_city", "level": "city", "seen": "1"}


async def spare_constituency(town: Town) -> Act:
    made = await save_constituency(town.station, SYSTEM, "", ConstituencyEntry(name="河东选区"))
    return Act(ADMIN.account, f"/admin/constituencies/{made}/remove", {"seen": "1"})


async def spare_station(town: Town) -> Act:
    entry = StationEntry(name="河东站", tier="street", address="河东路 1 号", phone="880 0601")
    made = await save_station(town.station, SYSTEM, "", entry)
    return Act(ADMIN.account, f"/admin/stations/{made}/close", {"closed": "yes", "seen": "1"})


ACTS: dict[str, Callable[[Town], Awaitable[Act]]] = {
    "/admin/stations": edited("/admin/stations", **STATION_FORM),
    "/admin/stations/{station}": edited("/admin/stations/st_demo_jixie", **STATION_FORM | {"name": "厂前站"}),
    "/admin/stations/{station}/close": spare_station,
    "/admin/constituencies": edited(
        "/admin/constituencies", **{"name": "河西选区", "kind-0": "road", "name-0": "河西路"}
    ),
    "/admin/constituencies/{constituency}": edited("/admin/constituencies/co_demo_city", name="全区", seen="1"),
    "/admin/constituencies/{constituency}/remove": spare_constituency,
    "/admin/deputies": edited("/admin/deputies", name="郑海峰", **DEPUTY_FORM),
    "/admin/deputies/{deputy}": edited("/admin/deputies/dp_demo_fanzhiqiang", name="范志强", **DEPUTY_FORM),
    "/admin/units": edited("/admin/units", **UNIT_FORM),
    "/admin/units/{unit}": edited("/admin/units/un_demo_water", **UNIT_FORM | {"name": "水厂"}),
    "/admin/units/{unit}/retire": edited("/admin/units/un_demo_city/retire", retired="yes", seen="1"),
    "/desk/jobs/retry": failed,
    "/admin/district/facts": lambda town: of_admin("facts", district="青川县"),
    "/admin/district/texts": lambda town: of_admin("texts", notice="谁在用", consent="只办这件事", seen="1"),
    "/admin/notices/resend": unsent,
    "/admin/holidays/{year}": noticed,
    "/admin/holidays/{year}/withdraw": withdrawn,
    "/my/consents/{consent}": agreed,
    "/cases/{case}/notes": lambda town: of_citizen(town.assigned(), "notes", reason="东门口那盏"),
    "/cases/{case}/rate": lambda town: of_citizen(town.replied(), "rate", grade="5"),
    "/desk/cases/{case}/accept": lambda town: of_clerk(town.noted(), "accept"),
    "/desk/cases/{case}/decline": lambda town: of_clerk(town.noted(), "decline", code="court"),
    "/desk/cases/{case}/assign": lambda town: of_clerk(accepted(town), "assign", unit=UNIT.scope, category="general"),
    "/desk/cases/{case}/extension": lambda town: of_clerk(asked(town), "extension", decision="grant"),
    "/desk/cases/{case}/publish": lambda town: of_clerk(
        town.replied(), "publish", title="路灯", reply="换好了", seen="1a"
    ),
    "/desk/cases/{case}/recall": lambda town: of_clerk(published(town), "recall", reason="写了门牌"),
    "/desk/cases/{case}/redo": lambda town: of_clerk(unhappy(town), "redo", reason="请再去看一次"),
    "/desk/cases/{case}/conclude": lambda town: of_clerk(rated(town), "conclude"),
    "/desk/cases/{case}/notes": lambda town: of_clerk(town.assigned(), "notes", reason="电话里补充的"),
    "/unit/cases/{case}/reply": lambda town: of_unit(town.assigned(), "reply", text="换好了", outcome="solved"),
    "/unit/cases/{case}/return": lambda town: of_unit(town.assigned(), "return", reason="不归我们管"),
    "/unit/cases/{case}/extension": lambda town: of_unit(town.assigned(), "extension", reason="还要等材料"),
    "/unit/cases/{case}/notes": lambda town: of_unit(town.assigned(), "notes", reason="已经约了电工"),
    "/oversight/cards/{card}/withdraw": carded,
    "/oversight/cases/{case}/cards": lambda town: of_supervisor(
        town.assigned(), "cards", colour="red", reason="催过两次没有回音"
    ),
    "/meet/{meeting}/admit": waiting,
    "/desk/hearings": announced,
    "/replay/{meeting}/publish": held,
    "/desk/broadcasts/{broadcast}/publish": shown,
    "/api/v1/meetings/{meeting}/chat": lambda town: said(town, "chat", text="听得见吗"),
    "/api/v1/meetings/{meeting}/matters": lambda town: said(town, "matters", title="路灯不亮"),
    # The last ones, as they sign people out.
    "/my/sessions/end": another_browser,
    "/my/sessions/end-others": lambda town: another_browser(town, "end-others"),
    "/admin/accounts": lambda _: account_form(),
    "/admin/accounts/{account}/edit": on_account(
        "ac_demo_unit", "edit", {"role": "unit", "name": "许志", "version": "0", "scope-unit": UNIT.scope}
    ),
    "/admin/accounts/{account}/new-invite": of_invited("new-invite"),
    "/admin/accounts/{account}/revoke": of_invited("revoke"),
    "/admin/accounts/{account}/reset": on_account("ac_demo_deputy2", "reset", {"what": "both"}),
    "/admin/accounts/{account}/lock": on_account("ac_demo_deputy2", "lock", {"reason": "调走了"}),
    "/admin/accounts/{account}/unlock": locked,
    "/admin/accounts/{account}/end-sessions": on_account("ac_demo_deputy1", "end-sessions", {}),
}


async def send(person: Person, path: str, key: str, fields: dict[str, str]) -> tuple[int, str]:
    """Send a form, or JSON as a script of ours does; the status, and where the answer leads or what it says."""
    if path.startswith("/api/"):
        headers = {"X-CSRF-Token": await person.token(), "Idempotency-Key": f'"{key}"'}
        async with person.client.post(path, json=fields, headers=headers) as answer:
            return answer.status, await answer.text()
    data = {"csrf": await person.token(), "form_key": key, **fields}
    async with person.client.post(path, data=data, allow_redirects=False) as answer:
        return answer.status, answer.headers.get("Location", "")


async def traces(station: Station) -> list[int]:
    """How much has been done: events, notices, and what people wrote."""
    async with station.database.read() as connection:
        tables = (ledger_events, notices, chat_messages, meetings)
        return [await connection.scalar(select(func.count()).select_from(table)) or 0 for table in tables]


async def test_every_act_that_is_sent_twice_is_done_once_and_answered_alike(town: Town, new_person: NewPerson) -> None:
    """By a second press, or by a browser whose connection broke: the second answer is the first one's."""
    people: dict[str, Person] = {}
    for route, prepare in ACTS.items():
        town.station.clock.at += timedelta(minutes=3)  # type: ignore[attr-defined]
        form = await prepare(town)
        person = people.get(form.account) or await new_person(form.account)
        people[form.account] = person
        before = await traces(town.station)
        first = await send(person, form.path, KEY, form.fields)
        assert first[0] in (201, 303), (route, first)
        done = await traces(town.station)
        assert done != before, route
        assert (await send(person, form.path, KEY, form.fields), route) == (first, route)
        assert await traces(town.station) == done, route


async def test_another_form_is_no_second_sending(town: Town, new_person: NewPerson) -> None:
    """Another page's form, other words, and another person's form with the same key are each looked at anew."""
    case, other = await town.noted(), await town.noted("楼道里堆东西")
    clerk, admin = await new_person(CLERK.account), await new_person("ac_demo_admin")
    path = f"/desk/cases/{case.id}/accept"
    assert (await send(clerk, path, KEY, {}))[0] == 303
    assert (await send(clerk, path, KEY + "-2", {}))[0] == 409
    assert (await send(clerk, path, "short", {}))[0] == 409
    assert (await send(clerk, path, "", {}))[0] == 409
    assert (await send(admin, path, KEY, {}))[0] == 409
    assert (await send(clerk, f"/desk/cases/{other.id}/accept", KEY, {}))[0] == 303
    notes = f"/desk/cases/{case.id}/notes"
    for words in ("电话里补充的", "还有一件"):
        assert (await send(clerk, notes, KEY, {"reason": words}))[0] == 303
    view = await cases.case_view(town.station, CLERK, case.id)
    assert {note.text for note in view.notes} == {"电话里补充的", "还有一件"}


async def test_what_takes_something_back_counts_also_from_a_page_of_before(town: Town, new_person: NewPerson) -> None:
    """Recalled, made public again, recalled by going back to the first form: a key must not make that look done."""
    clerk = await new_person(CLERK.account)
    case = await published(town)
    recall = f"/desk/cases/{case.id}/recall"
    publish = f"/desk/cases/{case.id}/publish"
    for _ in range(2):
        assert (await send(clerk, recall, KEY, {"reason": "写了门牌"}))[0] == 303
        assert not (await cases.case_view(town.station, CLERK, case.id)).case.published
        assert (await send(clerk, publish, new_id("key"), {"title": "路灯", "reply": "换好了"}))[0] == 303
    replay = await held(town)
    for _ in range(2):
        assert (await send(clerk, replay.path, new_id("key"), {"published": "yes"}))[0] == 303
        assert (await send(clerk, replay.path, KEY, {"published": "no"}))[0] == 303
        async with town.station.database.read() as connection:
            assert not await connection.scalar(select(meetings.c.published).where(meetings.c.published))


async def test_what_was_not_done_may_be_sent_again_with_its_key(town: Town, new_person: NewPerson) -> None:
    """A form that was refused leaves no mark; sent again when it may be taken, it is."""
    case, clerk = await town.replied(), await new_person(CLERK.account)
    path = f"/desk/cases/{case.id}/conclude"
    assert (await send(clerk, path, KEY, {"seen": "1"}))[0] == 409, "it can still be rated"
    await cases.rate_case(town.station, CITIZEN, case.id, Grade.GOOD)
    assert (await send(clerk, path, KEY, {"seen": "1"}))[0] == 303


async def test_a_script_may_not_use_a_key_for_something_else(town: Town, new_person: NewPerson) -> None:
    """422 for other content under a used key, 400 for what is no key (draft-ietf-httpapi-idempotency-key-header)."""
    deputy = await new_person(DEPUTY.account)
    path = (await said(town, "chat")).path
    assert (await send(deputy, path, KEY, {"text": "听得见吗"}))[0] == 201
    status, told = await send(deputy, path, KEY, {"text": "看得见吗"})
    assert (status, "idempotency-key-reused" in told) == (422, True)
    status, told = await send(deputy, path, "short", {"text": "看得见吗"})
    assert (status, "idempotency-key-malformed" in told) == (400, True)
    assert (await send(deputy, path, KEY + "-2", {"text": "听得见吗"}))[0] == 201, "the same words, meant twice"


async def test_keys_are_deleted_after_a_day(town: Town, new_person: NewPerson) -> None:
    """The chore leaves those of today."""
    clerk, station = await new_person(CLERK.account), town.station
    await send(clerk, f"/desk/cases/{(await town.noted()).id}/accept", KEY, {})
    for wait, left in ((KEEP_FOR - timedelta(seconds=1), 1), (timedelta(seconds=1), 0)):
        station.clock.at += wait  # type: ignore[attr-defined]
        await expire_sessions(station)
        async with station.database.read() as connection:
            assert await connection.scalar(select(func.count()).select_from(idempotency_keys)) == left


async def test_sent_to_two_webs_at_once_it_is_done_once(bare_town: Station) -> None:
    """On SQLite and on PostgreSQL the second waits for the first, and both are answered alike."""
    other = replace(bare_town, database=Database(bare_town.database.url), bus=LocalBus())
    made = Town(bare_town)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(close_station, other)
        webs = [await stack.enter_async_context(TestServer(build_app(station))) for station in (bare_town, other)]
        jar = CookieJar(unsafe=True)
        one, two = [Person(await stack.enter_async_context(TestClient(web, cookie_jar=jar)), bare_town) for web in webs]
        await one.sign_in(CITIZEN.account)
        case = await made.replied()
        for path, fields in (
            (f"/cases/{case.id}/notes", {"reason": "东门口那盏"}),
            (f"/cases/{case.id}/rate", {"grade": "5"}),
        ):
            before = await traces(bare_town)
            answers = await asyncio.gather(*(send(person, path, KEY, fields) for person in (one, two, one, two)))
            assert len(set(answers)) == 1, answers
            assert answers[0][0] == 303
            assert (await traces(bare_town))[0] == before[0] + 1
