"""Guests share pages for a moment: the same bytes, no cookie, and never what has been changed since."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from station.app import build_app
from station.base.clock import FixedClock
from station.base.errors import NotFound
from station.base.heartbeats import beat
from station.base.principal import Principal, Role
from station.base.station import Station
from station.base.web import Handler, Route, render
from station.booking.model import Matter, Mode
from station.booking.rota import list_slots
from station.booking.service import book_slot
from station.demo.booking import LIN, seed_booking
from station.demo.directory import seed_directory
from station.people.rights import Action
from station.routes import ROUTES
from tests.fixtures import MONDAY_TEN, seed

NewPerson = Callable[[str], Any]
Client = TestClient[web.Request, web.Application]
SHARED_PATHS = [route.path for route in ROUTES if route.shared and "{" not in route.path]


@pytest_asyncio.fixture
async def town(station: Station) -> Station:
    """A station with the demo's directory, rota and bookings."""
    await seed(station, seed_directory, seed_booking)
    return station


class Pages:
    """A handler that counts what it makes, and can be held up in its midst."""

    def __init__(self) -> None:
        self.made = 0
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.begun = asyncio.Event()

    async def show(self, request: web.Request) -> web.StreamResponse:
        """A page that says its number."""
        self.made += 1
        number = self.made
        self.begun.set()
        await self.go_on.wait()
        if request.query.get("q") == "nothing":
            raise NotFound
        return render(request, "error.html", text=str(number), http_status=200, posted=False, reference="")


@asynccontextmanager
async def serving(station: Station, handler: Handler) -> AsyncIterator[Client]:
    """A client of an application with one shared page."""
    app = build_app(station, (Route("GET", "/", handler, Action.BROWSE, shared=True),))
    async with TestClient(TestServer(app)) as client:
        yield client


async def ask(client: Client, path: str = "/", **headers: str) -> tuple[int, str, Any]:
    """Status, text and headers of an answer, to a browser that has no cookies."""
    client.session.cookie_jar.clear()
    async with client.get(path, headers={"Accept-Language": "zh-CN", **headers}) as answer:
        return answer.status, await answer.text(), answer.headers


@pytest.mark.parametrize("path", SHARED_PATHS)
async def test_guests_get_the_same_bytes_without_cookie_or_token(town: Station, path: str) -> None:
    """Whatever visit or form they bring: the page can be stored, and is asked for again by its ETag."""
    async with TestClient(TestServer(build_app(town))) as client:
        _, first, headers = await ask(client, path)
        _, second, _ = await ask(client, path, Cookie=f"station_visit={'0' * 32}; station_kept={'x' * 43}")
        assert first == second and "csrf" not in first and "Set-Cookie" not in headers
        assert headers["Cache-Control"] == "no-cache" and headers["Vary"] == "Cookie, Accept-Language"
        status, text, again = await ask(client, path, **{"If-None-Match": f'"other", W/{headers["ETag"]}'})
        assert (status, text, again["ETag"]) == (304, "", headers["ETag"]) and "Set-Cookie" not in again
        for rubbish in ('"other"', "\\", 'W/"'):
            assert (await ask(client, path, **{"If-None-Match": rubbish}))[:2] == (200, first)
        async with client.head(path, headers={"Accept-Language": "zh-CN"}) as answer:
            assert (answer.headers["ETag"], await answer.text()) == (headers["ETag"], "")


async def test_language_mode_and_address_make_other_pages(town: Station) -> None:
    """No reader gets a page in another one's language or mode, nor with another one's search in it."""
    async with TestClient(TestServer(build_app(town))) as client:
        pages = {
            (await ask(client, path, **{"Accept-Language": language, "Cookie": cookie}))[1]
            for path in ("/", "/?q=1", "/cases", "/cases?q=%E8%B7%AF")
            for language in ("zh-CN", "en")
            for cookie in ("lang=fr", "mode=elder")
        }
    assert len(pages) == 16


async def test_who_is_signed_in_gets_a_page_of_their_own(town: Station, new_person: NewPerson) -> None:
    """With name, token and `no-store`, though guests have the same page kept; and guests never see it."""
    async with TestClient(TestServer(build_app(town))) as client:
        guest = (await ask(client, "/"))[1]
        person = await new_person("ac_demo_citizen")
        async with person.client.get("/", headers={"If-None-Match": "*"}) as answer:
            own = await answer.text()
            assert answer.status == 200 and answer.headers["Cache-Control"] == "no-store"
            assert "ETag" not in answer.headers and "/signout" in own and "csrf-token" in own
            assert "/static/js/pages/sign_out.js" in own
        assert (await ask(client, "/"))[1] == guest and "/signout" not in guest


async def test_of_many_at_once_one_has_the_page_made(station: Station) -> None:
    """The others wait for it, also when the first one goes away meanwhile."""
    pages = Pages()
    pages.go_on.clear()
    async with serving(station, pages.show) as client:
        first = asyncio.create_task(ask(client))
        await pages.begun.wait()
        many = [asyncio.create_task(ask(client)) for _ in range(20)]
        first.cancel()
        pages.go_on.set()
        answers = await asyncio.gather(*many)
    assert len({text for _, text, _ in answers}) == 1 and pages.made <= 2


async def test_who_waits_for_a_page_that_fails_waits_once(station: Station) -> None:
    """Where the page of the first one fails the others are shown at once what they get, not one after the other."""
    begun, go_on, failing = 0, asyncio.Event(), asyncio.Event()

    async def show(_request: web.Request) -> web.Response:
        nonlocal begun
        begun += 1
        await (failing if begun == 1 else go_on).wait()
        raise NotFound

    async with serving(station, show) as client:
        many = [asyncio.create_task(ask(client)) for _ in range(10)]
        async with asyncio.timeout(10):
            while begun < 1:
                await asyncio.sleep(0.005)
            await asyncio.sleep(0.1)  # the others come meanwhile
            failing.set()
            while begun < 10:
                await asyncio.sleep(0.005)
        go_on.set()
        assert {status for status, _, _ in await asyncio.gather(*many)} == {404}


async def test_a_change_shows_at_once(station: Station) -> None:
    """After a commit of this process the page is made anew, also when it was being made at that moment."""
    pages = Pages()
    async with serving(station, pages.show) as client:
        first = await ask(client)
        assert (await ask(client))[1] == first[1] and pages.made == 1
        await beat(station.database, "web", MONDAY_TEN)
        pages.go_on.clear()
        pages.begun.clear()
        under_way = asyncio.create_task(ask(client))
        await pages.begun.wait()
        await beat(station.database, "web", MONDAY_TEN)
        pages.go_on.set()
        await under_way
        assert pages.made == 2
        await ask(client)
        assert pages.made == 3


async def test_a_page_is_kept_for_a_moment_only(station: Station) -> None:
    """A second later it is made anew, as another process may have changed something; a clock set back counts too."""
    pages, clock = Pages(), station.clock
    assert isinstance(clock, FixedClock)
    async with serving(station, pages.show) as client:
        for moment in (timedelta(0), timedelta(seconds=1), timedelta(0)):
            clock.at = MONDAY_TEN + moment
            await ask(client)
            await ask(client)
    assert pages.made == 3


async def test_errors_are_nobody_elses(station: Station) -> None:
    """What could not be shown is not kept, and its page has a visit and a token as any other."""
    pages = Pages()
    async with serving(station, pages.show) as client:
        for _ in range(2):
            status, text, headers = await ask(client, "/?q=nothing")
            assert status == 404 and "csrf-token" in text and headers["Cache-Control"] == "no-store"
    assert pages.made == 2


async def test_strangers_cannot_fill_the_memory(station: Station) -> None:
    """However many addresses are asked for, a bounded number of pages is kept, the newest."""
    pages = Pages()
    async with serving(station, pages.show) as client:
        for number in range(210):
            await ask(client, f"/?q={number}")
        await ask(client, "/?q=209")
        assert pages.made == 210
        await ask(client, "/?q=0")
        assert pages.made == 211


async def test_what_was_just_booked_is_gone_for_guests(town: Station) -> None:
    """A guest who reads the deputy's times right after somebody booked finds that time full."""
    who = Principal("ac_demo_citizen2", Role.CITIZEN, "李国强")
    slot = next(slot for slot in await list_slots(town, who, LIN) if slot.capacity == slot.free == 1)
    async with TestClient(TestServer(build_app(town))) as client:
        before = (await ask(client, f"/deputies/{LIN}"))[1]
        await book_slot(town, who, slot.id, Matter(Mode.VIDEO, "楼道没有灯", "晚上看不见。"), "fk_1")
        after = (await ask(client, f"/deputies/{LIN}"))[1]
    assert after.count("is-full") == before.count("is-full") + 1
