"""Round every request: with the database away or full everybody still gets our own page, and machines their answer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import event

from station.app import build_app
from station.base.clock import FixedClock
from station.base.database import Database
from station.base.problems import mark_started, problem_middleware
from station.base.station import Station
from station.base.web import Route
from station.people.rights import Action
from station.routes import ROUTES
from tests.fixtures import MONDAY_TEN, Person
from tests.servers import pick_port, wait_for

NewPerson = Callable[..., Awaitable[Person]]
PHONE = "(0000) 880 0123"


@asynccontextmanager
async def client_of(station: Station, *routes: Route) -> AsyncIterator[TestClient]:  # type: ignore[type-arg]
    async with TestClient(TestServer(build_app(station, (*ROUTES, *routes)))) as client:
        yield client


async def check_own_page(answer: ClientResponse, status: int) -> None:
    """Our page: in the visitor's language, with the telephone number and the security headers."""
    text = await answer.text()
    assert answer.status == status, text[:300]
    assert PHONE in text
    assert answer.headers["Content-Language"] == "zh-CN"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/", "/my", "/nowhere", "/signin", "/bookings/bk_x"])
async def test_with_the_database_away_pages_are_ours(station: Station, path: str) -> None:
    """Whoever sends a session cookie while PostgreSQL is away reads our page, not a bare one of the library."""
    away = Database(f"postgresql+asyncpg://station@127.0.0.1:{pick_port()}/station")
    async with client_of(replace(station, database=away)) as client:
        headers = {"Cookie": "station_session=abc", "Accept-Language": "zh-CN"}
        async with client.get(path, headers=headers, allow_redirects=False) as answer:
            await check_own_page(answer, 503)
    await away.close()


async def test_with_the_database_away_machines_get_their_answer(station: Station) -> None:
    """`/healthz` is alive whatever cookie is sent, `/readyz` names the database, scripts get problem+json."""
    away = Database(f"postgresql+asyncpg://station@127.0.0.1:{pick_port()}/station")
    async with client_of(replace(station, database=away)) as client:
        headers = {"Cookie": "station_session=abc"}
        async with client.get("/healthz", headers=headers) as answer:
            assert answer.status == 200
        async with client.get("/readyz", headers=headers) as answer:
            assert answer.status == 503
            told = await answer.json()
            assert told["parts"]["database"] is False and told["parts"]["disk"] is True
        async with client.get("/api/v1/cases", headers=headers) as answer:
            assert answer.status == 503
            assert answer.content_type == "application/problem+json"
            assert (await answer.json())["type"] == "/problems/database-away"
    await away.close()


async def refuse_writes(station: Station) -> None:
    """The database takes no change from now on, as with a full disk; what is stored can be read."""

    def refuse(connection: object, _record: object) -> None:
        connection.execute("PRAGMA query_only=ON")  # type: ignore[attr-defined]

    await station.database.engine.dispose()
    event.listen(station.database.engine.sync_engine, "connect", refuse)


@pytest.mark.parametrize("account", ["ac_demo_citizen", "ac_demo_clerk", "ac_demo_unit"])
async def test_with_a_full_disk_signed_in_people_still_read(
    station: Station, new_person: NewPerson, account: str
) -> None:
    """Noting when somebody was last here may fail; the pages are shown. A change is refused in words of its own."""
    person = await new_person(account)
    await refuse_writes(station)
    later = FixedClock(MONDAY_TEN + timedelta(minutes=5))
    async with client_of(replace(station, clock=later)) as client:
        cookies = {c.key: c.value for c in person.client.session.cookie_jar}
        headers = {"Accept-Language": "zh-CN", "Cookie": "; ".join(f"{k}={v}" for k, v in cookies.items())}
        async with client.get("/privacy", headers=headers) as answer:
            page = await answer.text()
            assert answer.status == 200 and "/signout" in page
        csrf = re.search(r'name="csrf-token" content="([0-9a-f]+)"', page)
        assert csrf
        async with client.post("/signout", data={"csrf": csrf[1]}, headers=headers, allow_redirects=False) as answer:
            await check_own_page(answer, 507)
            assert "硬盘满了" in await answer.text()
        async with client.get("/readyz", headers=headers) as answer:
            told = await answer.json()
            assert answer.status == 503 and "full" in told["problems"]["database"]


async def fails_late(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"begun")
    raise RuntimeError("after the headers")


async def times_out(request: web.Request) -> web.StreamResponse:
    raise TimeoutError


async def no_space(request: web.Request) -> web.StreamResponse:
    raise OSError(28, "No space left on device")


async def goes_elsewhere(request: web.Request) -> web.StreamResponse:
    raise web.HTTPFound("/signin")


async def test_whatever_is_raised_is_told_by_the_one_place(station: Station) -> None:
    """A time-out and a full disk become pages of ours; a redirect stays one; a begun answer gets no second one."""
    extra = [
        Route("GET", f"/x/{handler.__name__}", handler, Action.BROWSE)
        for handler in (fails_late, times_out, no_space, goes_elsewhere)
    ]
    async with client_of(station, *extra) as client:
        headers = {"Accept-Language": "zh-CN"}
        async with client.get("/x/times_out", headers=headers) as answer:
            await check_own_page(answer, 500)
        async with client.get("/x/no_space", headers=headers) as answer:
            await check_own_page(answer, 507)
        async with client.get("/x/goes_elsewhere", headers=headers, allow_redirects=False) as answer:
            assert answer.status == 302 and answer.headers["X-Content-Type-Options"] == "nosniff"
        with pytest.raises(Exception, match=r"(?i)payload|disconnect|chunk|transfer"):
            async with client.get("/x/fails_late", headers=headers) as answer:
                body = await answer.text()
                raise AssertionError(f"a whole answer: {body}")


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("role", ["web", "media"])
async def test_who_goes_away_while_an_answer_is_awaited_is_no_error(
    station: Station, caplog: pytest.LogCaptureFixture, role: str, begun: bool
) -> None:
    """A viewer who leaves the page of a broadcast, whose next part a request waits for, writes nothing to the log."""
    asked, done = asyncio.Event(), asyncio.Event()

    async def answers_late(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        if begun:
            await response.prepare(request)
        asked.set()

        async def is_gone() -> bool:
            return request.transport is None or request.transport.is_closing()

        await wait_for(is_gone, "the caller goes away")
        try:
            await response.prepare(request)
            await response.write(b"late")
        finally:
            done.set()
        return response

    if role == "web":
        app = build_app(station, (*ROUTES, Route("GET", "/x/late", answers_late, Action.BROWSE)))
    else:
        app = web.Application(middlewares=[problem_middleware])
        app.on_response_prepare.append(mark_started)
        app.router.add_get("/x/late", answers_late)
    runner = web.AppRunner(app)  # as in the roles: a handler goes on when its caller has gone
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        _, writer = await asyncio.open_connection(*runner.addresses[0])
        writer.write(b"GET /x/late HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        await asyncio.wait_for(asked.wait(), 10)
        writer.transport.abort()
        await asyncio.wait_for(done.wait(), 10)
    finally:
        await runner.cleanup()
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


async def test_an_error_gives_no_cookie(station: Station) -> None:
    """What is refused starts no visit."""
    async with client_of(station) as client, client.post("/healthz") as answer:
        assert answer.status in (403, 405)
        assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", b"a=b&" * 17_000),  # longer than any form
        ("application/x-www-form-urlencoded", b"a=b&" * 1_001),  # more fields than any form has
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n' * 1_700),
    ],
)
async def test_no_form_is_taken_apart_that_is_none_of_ours(
    station: Station, content_type: str, body: bytes, chunked: bool
) -> None:
    """Half a million fields fit into a body: it is refused by its size and count, and none of them is shown again."""

    async def pieces() -> AsyncIterator[bytes]:
        yield body

    async with client_of(station) as client:
        for path in ("/signin", "/my/consents/cn_x", "/book/sl_x"):
            own = {"Origin": f"http://{client.host}:{client.port}", "Content-Type": content_type}
            sent = pieces() if chunked else body
            if path.startswith("/book/") and content_type.startswith("multipart"):
                continue  # read part by part, under caps of its own
            async with client.post(path, data=sent, headers=own) as answer:
                assert answer.status == 413, (path, answer.status)
                assert len(await answer.text()) < 20_000
