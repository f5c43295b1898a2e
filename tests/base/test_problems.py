"""One shape of errors and one set of headers, whichever role answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from station.app import build_app
from station.base.grants import GrantSigner
from station.base.security_headers import SECURITY_HEADERS
from station.base.settings import Settings
from station.base.station import Station
from station.live.origin.main import LiveServer
from station.rtc.http.main import MediaServer


@pytest_asyncio.fixture
async def roles(tmp_path: Path, station: Station) -> AsyncIterator[dict[str, str]]:
    """The addresses of a web, a media and a live role."""
    settings = Settings(data=tmp_path, media_port=0, media_http_port=0, live_http_port=0, _env_file=None)
    GrantSigner.load(settings.keys)
    async with MediaServer(settings) as media, LiveServer(settings) as live, TestServer(build_app(station)) as web:
        yield {
            "web": str(web.make_url("")),
            "media": f"http://127.0.0.1:{media.http_port}",
            "live": f"http://127.0.0.1:{live.port}",
        }


@pytest.mark.parametrize(
    ("role", "method", "path", "status"),
    [
        ("web", "GET", "/api/v1/meetings/mt_x/state", 401),
        ("web", "GET", "/api/nowhere", 404),
        ("web", "DELETE", "/api/v1/cases", 403),  # a change without our token
        ("media", "GET", "/control/rooms/x", 401),
        ("media", "POST", "/whip/x", 401),
        ("media", "GET", "/nowhere", 404),
        ("media", "PUT", "/healthz", 405),
        ("live", "GET", "/control/broadcasts/x", 401),
        ("live", "GET", "/live/x/index.m3u8", 404),
        ("live", "GET", "/nowhere", 404),
    ],
)
async def test_every_role_tells_errors_in_one_shape(
    roles: dict[str, str], role: str, method: str, path: str, status: int
) -> None:
    """Problem details (RFC 9457) with a type, a sentence and the status; nothing sniffs or keeps them."""
    async with ClientSession() as http, http.request(method, roles[role].rstrip("/") + path) as answer:
        assert answer.status == status
        assert answer.content_type == "application/problem+json"
        told = await answer.json()
        assert told["status"] == status and told["type"].startswith("/problems/") and told["title"]
        assert answer.headers["Cache-Control"] == "no-store"
        for name, value in SECURITY_HEADERS.items():
            assert answer.headers[name] == value, name


async def test_private_json_is_kept_by_no_cache(roles: dict[str, str]) -> None:
    """JSON for one person is not for the browser's cache nor for one on the way."""
    async with ClientSession() as http, http.get(roles["web"].rstrip("/") + "/healthz") as answer:
        assert answer.headers["Cache-Control"] == "no-store"


async def test_head_is_answered_wherever_get_is(roles: dict[str, str], station: Station) -> None:
    """The same status and headers, no body; an event stream ends at once."""
    async with ClientSession() as http:
        for path in ("/", "/healthz", "/signin", "/stations", "/cases", "/nowhere", "/my", "/desk/events"):
            async with http.get(roles["web"].rstrip("/") + path, allow_redirects=False) as got:
                pass
            async with http.head(roles["web"].rstrip("/") + path, allow_redirects=False) as answer:
                assert answer.status == got.status, path
                assert answer.content_type == got.content_type, path
                assert await answer.read() == b""
        async with http.head(roles["live"] + "/healthz") as answer:
            assert answer.status == 200
