"""What no browser of ours sends is refused once for all pages, in words, and never ends in an error of ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from aiohttp.test_utils import TestServer, make_mocked_request

from station.app import build_app, close_station
from station.base.bus import LocalBus
from station.base.clock import FixedClock
from station.base.database import Database
from station.base.errors import BadInput
from station.base.grants import GrantSigner
from station.base.settings import Settings
from station.base.station import Station
from station.base.web import read_json
from station.routes import ROUTES
from tests.fixtures import MONDAY_TEN, Person
from tests.test_rights import example

NewPerson = Callable[..., Awaitable[Person]]


@pytest_asyncio.fixture
async def server(postgres_database_url: str, tmp_path: Path) -> AsyncIterator[TestServer]:
    """The application on PostgreSQL, which takes no zero byte in a text."""
    settings = Settings(data=tmp_path / "var", _env_file=None)
    signer = GrantSigner.load(settings.keys)
    station = Station(settings, Database(postgres_database_url), LocalBus(), FixedClock(MONDAY_TEN), signer)
    server = TestServer(build_app(station))
    await server.start_server()
    yield server
    await server.close()
    await close_station(station)


async def status_of(server: TestServer, request_line: str, headers: bytes = b"") -> int:
    """The status of the answer to a request written byte by byte."""
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(request_line.encode() + b" HTTP/1.1\r\nHost: station\r\nConnection: close\r\n" + headers + b"\r\n")
    first = await reader.readline()
    writer.close()
    return int(first.split()[1])


async def test_zero_byte_in_an_address_is_no_error_of_ours(server: TestServer) -> None:
    """In the query of every page it is 400, in a path 404, on PostgreSQL as on SQLite."""
    pages = [example(route.path) for route in ROUTES if route.method == "GET" and not route.bearer]
    for page in pages:
        for sign in ("%00", "%1b", "%7f"):
            assert await status_of(server, f"GET {page}?q={sign}&page=1") == 400, page
            assert await status_of(server, f"GET {page}{sign}") == 404, page
    for path in ("/d/%00", "/cases/%00", "/static/css/%00", "/book/a%00b/check", "/%00"):
        assert await status_of(server, f"GET {path}") == 404, path
    assert await status_of(server, "GET /book?slot=%00") == 400
    assert await status_of(server, "GET /cases?q=a%0d%0ab%09c") == 200


@pytest.mark.parametrize(
    "header",
    [
        b"Cookie: station_session=\xff\xfe", b"Cookie: station_visit=\xff" + b"0" * 31, b"Accept-Language: \xff, en",
        b"Cookie: station_device=\xff; station_kept=\xff; lang=\xff; mode=\xff", b"User-Agent: \xff",
        b"Sec-Fetch-Site: \xff", b"X-CSRF-Token: \xff", b"Accept: \xff",
    ],
)  # fmt: skip
async def test_header_of_any_bytes_is_no_error_of_ours(server: TestServer, header: bytes) -> None:
    """Bytes that are no text in a cookie or another header are taken for a cookie that is not there."""
    assert await status_of(server, "GET /signin", header + b"\r\n") == 200
    assert await status_of(server, "POST /signin", header + b"\r\nContent-Length: 0\r\n") == 403


async def test_another_spelling_of_blank_is_blank_in_every_form(new_person: NewPerson) -> None:
    """Forms are cleaned as they are read: a field of invisible signs is an empty one."""
    guest = await new_person()
    for blank in ("\u200b", "\u3164", "\ufeff\u200d", "\u2800 "):
        assert "请填手机号" in await guest.post("/signin", status=422, phone=blank)


class Body(msgspec.Struct):
    """A body with a limit."""

    text: str
    more: list[str] = []


def json_request(body: bytes) -> object:
    """A request with this body, as a handler sees it."""
    request = make_mocked_request("POST", "/api/v1/x")
    request._read_bytes = body
    return request


async def test_json_is_cleaned_as_forms_are() -> None:
    """Texts anywhere in a body lose their invisible signs; a body that is none is told."""
    request = json_request('{"text": "\\u200b路灯\\u0000\\u202e", "more": ["\\u3164", " b "]}'.encode())
    assert await read_json(request, Body) == Body("路灯", ["", "b"])  # type: ignore[arg-type]
    for wrong in (b"", b"{", b"[1]", b'{"text": 1}', b"[" * 60_000, b'{"text": "\xff"}', b'{"text": "\\ud800"}'):
        with pytest.raises(BadInput):
            await read_json(json_request(wrong), Body)  # type: ignore[arg-type]
