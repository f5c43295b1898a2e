"""What somebody typed survives an error and a session that ran out, for them alone, and comes back on its page."""

from __future__ import annotations

import html
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from aiohttp import FormData
from sqlalchemy import func, select, update

from station.base.clock import FixedClock
from station.base.station import Station
from station.base.visit import VISIT_COOKIE
from station.demo.logins import DEMO_ACCOUNTS, PASSWORD
from station.people import store
from station.people.expiry import delete_expired_sessions
from station.people.kept_form_service import KEEP_FOR, forget_old_forms
from station.people.kept_form_store import kept_forms
from station.people.pages import SESSION_COOKIE
from station.routes import ROUTES
from tests.fixtures import Person
from tests.test_rights import example

NewPerson = Callable[..., Awaitable[Person]]
TEXT = "8月3日去看过，路灯线路老化。" * 12 + "\n<b>已经报修</b>，下周换灯。"
WITHOUT_ACCOUNT = ("/api/", "/signin", "/signout", "/kept-forms", "/invite/", "/setup/")
FORM_PATHS = [
    route for route in ROUTES
    if route.method == "POST" and not route.path.startswith(WITHOUT_ACCOUNT)
    and not route.bearer
]  # fmt: skip


def shown(text: str, page: str) -> bool:
    """Whether the page holds the text, ready to be sent again."""
    return text in [html.unescape(found) for found in re.findall(r"<textarea[^>]*>\n(.*?)</textarea>", page, re.DOTALL)]


async def run_out(station: Station) -> None:
    """All sessions have been idle for too long, and the chore has deleted them."""
    async with station.database.transaction() as work:
        seen = station.clock.now() - timedelta(days=31)
        await work.execute(update(store.sessions).values(seen_at=seen, expires_at=seen + timedelta(days=30)))
    await delete_expired_sessions(station)


async def kept_count(station: Station) -> int:
    async with station.database.read() as connection:
        return int((await connection.execute(select(func.count()).select_from(kept_forms))).scalar_one())


async def sign_in_from(person: Person, location: str, account_id: str) -> str:
    """Sign in on the page that one was sent to; the text of the page that one comes back to."""
    clock = person.station.clock
    assert isinstance(clock, FixedClock)
    clock.at += timedelta(minutes=1)  # the dynamic code before is used up
    account = next(a for a in DEMO_ACCOUNTS if a.id == account_id)
    onward = parse_qs(urlsplit(location).query)["next"][0]
    otp = account.otp_now(person.station.clock.now().timestamp())
    return await person.post("/signin/staff", login=account.login, password=PASSWORD, otp=otp, next=onward)


def visit_of(person: Person) -> str:
    return next(c.value for c in person.client.session.cookie_jar if c.key == VISIT_COOKIE)


async def send(person: Person, path: str, token: str, **fields: str) -> tuple[int, str, str]:
    """Send a form; its status, where it leads, and its text."""
    async with person.client.post(path, data={**fields, "csrf": token}, allow_redirects=False) as answer:
        return answer.status, answer.headers.get("Location", ""), await answer.text()


def test_every_form_names_the_page_it_stands_on() -> None:
    """A form that cannot be taken leads back to a page that can be opened."""
    pages = {r.path for r in ROUTES if r.method == "GET"}
    assert [route.path for route in FORM_PATHS if (route.page or route.path) not in pages] == []


async def test_every_form_survives_a_session_that_ran_out(new_person: NewPerson, station: Station) -> None:
    """Whatever the form: who is no longer signed in is sent to sign in, and the text is kept."""
    clerk = await new_person("ac_demo_clerk")
    token, visit = await clerk.token(), visit_of(clerk)
    for route in FORM_PATHS:
        guest, path, before = await new_person(), example(route.path), await kept_count(station)
        guest.client.session.cookie_jar.update_cookies({VISIT_COOKIE: visit})
        if route.upload:
            text = await guest.upload(path, [("a.jpg", b"\xff" * 200_000)], token=token, reason=TEXT)
            assert "登录以后还在那一页" in text
        else:
            status, location, _ = await send(guest, path, token, reason=TEXT)
            assert status == 303, path
            assert urlsplit(location).path in ("/signin", "/signin/staff")
            assert "登录以后还在那一页" in await guest.get(location), path
        assert await kept_count(station) == before + 1, path


async def test_reply_comes_back_after_signing_in_again(new_person: NewPerson, station: Station) -> None:
    """A unit's long reply, sent after two idle hours, stands on the page again, and is gone once it is not wanted."""
    unit = await new_person("ac_demo_unit")
    token = await unit.token()
    await run_out(station)
    status, location, _ = await send(unit, "/oversight/cards/cd_x/withdraw", token, reason="别的")
    status, location, _ = await send(unit, "/desk/hearings", token, title=TEXT, date="2026-12-01")
    assert status == 303
    assert "登录以后还在那一页" in await unit.get(location)
    page = await sign_in_from(unit, location, "ac_demo_clerk")  # the same browser, another person
    assert TEXT not in html.unescape(page)
    assert await kept_count(station) == 2


async def test_own_words_come_back_to_their_owner(new_person: NewPerson, station: Station) -> None:
    """The page shows the form again with everything that was typed; sending it again lets it go."""
    clerk = await new_person("ac_demo_clerk")
    token = await clerk.token()
    await run_out(station)
    typed = {"title": TEXT, "date": "2026-12-01", "time": "14:00"}
    _, location, _ = await send(clerk, "/desk/hearings", token, **typed)
    page = await sign_in_from(clerk, location, "ac_demo_clerk")
    assert shown(TEXT, page)
    assert 'name="date" value="2026-12-01"' in page
    assert 'action="/desk/hearings"' in page
    assert shown(TEXT, await clerk.get("/desk/hearings/new"))  # looking at it does not use it up
    assert not shown(TEXT, await clerk.get("/desk"))
    await clerk.post("/kept-forms/discard", action="/desk/hearings", page="/desk/hearings/new")
    assert not shown(TEXT, await clerk.get("/desk/hearings/new"))


async def test_what_is_stored_cannot_be_read_without_the_browser(new_person: NewPerson, station: Station) -> None:
    """The row is sealed with the browser's cookie, and gone after two hours."""
    clerk = await new_person("ac_demo_clerk")
    token = await clerk.token()
    await run_out(station)
    await send(clerk, "/desk/hearings", token, title=TEXT)
    async with station.database.read() as connection:
        row = (await connection.execute(select(kept_forms))).one()
    assert row.account == "ac_demo_clerk"
    assert "路灯".encode() not in row.sealed
    cookies = {c.key: c.value for c in clerk.client.session.cookie_jar}
    assert cookies["station_kept"] not in str(row)
    station.clock.at += KEEP_FOR  # type: ignore[attr-defined]
    await forget_old_forms(station)
    assert await kept_count(station) == 0


async def test_a_page_left_open_too_long_loses_nothing(new_person: NewPerson, station: Station) -> None:
    """A form whose token is of a visit before is refused, kept, and put back; another site's form is not kept."""
    clerk = await new_person("ac_demo_clerk")
    token = await clerk.token()
    await clerk.post("/signout")
    await sign_in_from(clerk, "/signin/staff?next=/desk", "ac_demo_clerk")
    own = {"Sec-Fetch-Site": "same-origin"}
    for headers, kept in ((own, 1), ({}, 1), ({"Origin": "https://other.example"}, 1)):
        data = {"csrf": token, "title": TEXT}
        async with clerk.client.post("/desk/hearings", data=data, headers=headers) as answer:
            assert answer.status == 403
            assert ("回去接着改" in await answer.text()) == (headers is own)
        assert await kept_count(station) == kept
    assert shown(TEXT, await clerk.get("/desk/hearings/new"))


@pytest.mark.parametrize(
    ("account", "path", "way"),
    [
        ("ac_demo_citizen", "/cases/cs_x/notes", "/signin?next=/cases/cs_x"),  # a page that strangers read too
        ("ac_demo_clerk", "/desk/hearings", "/signin/staff?next=/desk/hearings/new"),
        ("ac_demo_unit", "/unit/cases/cs_x/reply", "/signin/staff?next=/unit/cases/cs_x"),
    ],
)
async def test_who_has_signed_out_is_led_to_the_kept_form_through_signing_in(
    new_person: NewPerson, account: str, path: str, way: str
) -> None:
    """Its page would be shown as to a stranger, without the form, and would not say why."""
    person = await new_person(account)
    token, own = await person.token(), {"Sec-Fetch-Site": "same-origin", "Accept-Language": "zh-CN"}
    await person.post("/signout")
    async with person.client.post(path, data={"csrf": token, "reason": TEXT}, headers=own) as answer:
        page = unquote(html.unescape(await answer.text()))
        assert answer.status == 403
        assert f'href="{way}"' in page and "登录，接着改" in page and "回去接着改" not in page
        assert "<h1>您已经退出登录了，刚才那一步没有办成</h1>" in page


@pytest.mark.parametrize("upload", [False, True])
async def test_an_old_tab_keeps_nothing_for_the_next_user(
    new_person: NewPerson, station: Station, upload: bool
) -> None:
    """Sent after its owner has signed out: whoever signs in next in this browser never gets it, the owner does."""
    person = await new_person("ac_demo_clerk")
    token, own = await person.token(), {"Sec-Fetch-Site": "same-origin"}
    await person.post("/signout")
    path = "/book/sl_x" if upload else "/desk/hearings"
    data: FormData | dict[str, str] = {"csrf": token, "title": TEXT}
    if upload:
        data = FormData({"csrf": token, "title": TEXT}, default_to_multipart=True)
    async with person.client.post(path, data=data, headers=own) as answer:
        assert answer.status == 403
    page = path if upload else "/desk/hearings/new"
    await sign_in_from(person, "/signin/staff?next=/privacy", "ac_demo_admin")
    async with person.client.get(page) as answer:
        assert TEXT not in html.unescape(await answer.text())
    await person.post("/signout")
    await sign_in_from(person, "/signin/staff?next=/privacy", "ac_demo_clerk")
    async with person.client.get(page) as answer:
        assert TEXT in html.unescape(await answer.text())


async def test_an_old_tab_under_somebody_elses_sign_in_keeps_nothing(new_person: NewPerson, station: Station) -> None:
    """The answer holds the words, to be copied by whoever wrote them; nothing is stored for who is signed in now."""
    person = await new_person("ac_demo_clerk")
    token, own = await person.token(), {"Sec-Fetch-Site": "same-origin"}
    await sign_in_from(person, "/signin/staff?next=/privacy", "ac_demo_admin")  # over the session that still lives
    async with person.client.post("/desk/hearings", data={"csrf": token, "title": TEXT}, headers=own) as answer:
        assert answer.status == 403
        assert shown(TEXT, await answer.text())
    assert await kept_count(station) == 0


@pytest.mark.parametrize("forge", ["0" * 64, "0" * 64 + b"ac_demo_clerk".hex() + "0" * 32, "路", ""])
async def test_a_token_that_we_never_made_names_no_owner(new_person: NewPerson, station: Station, forge: str) -> None:
    """Nothing is kept under an account that somebody wrote into a token."""
    guest = await new_person()
    headers = {"Sec-Fetch-Site": "same-origin"}
    async with guest.client.post("/desk/hearings", data={"csrf": forge, "title": TEXT}, headers=headers) as answer:
        assert answer.status == 403
    assert await kept_count(station) == 0


async def test_a_form_refused_for_another_reason_is_kept(new_person: NewPerson) -> None:
    """A page that says that nothing is lost says so only where it is true."""
    unit = await new_person("ac_demo_unit")
    text = await unit.post("/unit/cases/cs_nothere/reply", status=404, text=TEXT)
    assert "没有丢" in text
    assert 'href="/unit/cases/cs_nothere"' in text
    assert "没有丢" not in await unit.get("/unit/cases/cs_other", status=404)
    assert "没有丢" not in await unit.post("/unit/cases/cs_other/reply", status=404)


async def test_where_nothing_can_be_kept_the_page_shows_the_text(new_person: NewPerson, station: Station) -> None:
    """With the database away the error page holds what was typed, to be copied."""
    clerk = await new_person("ac_demo_clerk")
    token = await clerk.token()
    async with station.database.transaction() as work:
        await work.connection.exec_driver_sql("DROP TABLE kept_forms")
    clerk.client.session.cookie_jar.clear(lambda cookie: cookie.key == SESSION_COOKIE)
    status, _, text = await send(clerk, "/desk/hearings", token, title=TEXT)
    assert status == 401
    assert shown(TEXT, text)
    assert "先把它复制到别处" in text


@pytest.mark.parametrize("path", ["/signin", "/signin/code", "/signin/staff", "/signout"])
async def test_no_secret_is_kept(new_person: NewPerson, station: Station, path: str) -> None:
    """What is typed to sign in is never stored, whatever the error."""
    guest = await new_person()
    headers = {"Sec-Fetch-Site": "same-origin"}
    data = {"csrf": "0" * 64, "password": "very secret", "code": "123456", "phone": "13912345678"}
    async with guest.client.post(path, data=data, headers=headers) as answer:
        assert answer.status == 403
    assert await kept_count(station) == 0


@pytest.mark.parametrize(
    ("account", "path", "way"),
    [
        ("ac_demo_clerk", "/desk/cases/cs_x/accept", "/signin/staff?next=/desk/cases/cs_x"),
        ("ac_demo_deputy1", "/cases/cs_x/notes", "/signin/staff?next=/cases/cs_x"),  # a page of citizens, too
        ("ac_demo_clerk", "/notices/read", "/signin/staff?next=/notices"),
        ("ac_demo_citizen", "/cases/cs_x/notes", "/signin?next=/cases/cs_x"),
    ],
)
@pytest.mark.parametrize("typed", [{}, {"reason": TEXT}])
async def test_whose_cookies_are_all_gone_finds_the_own_way_in(
    new_person: NewPerson, account: str, path: str, way: str, typed: dict[str, str]
) -> None:
    """The page's token still tells whose it was: staff are led to their sign-in, citizens to theirs."""
    person = await new_person(account)
    token, own = await person.token(), {"Sec-Fetch-Site": "same-origin", "Accept-Language": "zh-CN"}
    person.client.session.cookie_jar.clear()
    async with person.client.post(path, data={"csrf": token, **typed}, headers=own) as answer:
        page = unquote(html.unescape(await answer.text()))
        assert answer.status == 403
        assert f'href="{way}"' in page
