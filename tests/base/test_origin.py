"""One public origin: cookies, HSTS, printed codes, calendar files and the check of Origin agree about it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from pydantic import ValidationError

from station.app import build_app
from station.base.settings import Settings
from station.base.station import Station
from tests.fixtures import Person


@asynccontextmanager
async def client_of(station: Station, **settings: str) -> AsyncIterator[TestClient]:  # type: ignore[type-arg]
    changed = station.settings.model_copy(update=settings)
    async with TestClient(TestServer(build_app(replace(station, settings=changed)))) as client:
        yield client


@pytest.mark.parametrize(
    ("settings", "headers", "secure"),
    [
        ({}, {}, False),
        ({}, {"X-Forwarded-Proto": "https"}, False),  # nobody whom the settings name says so
        ({"trusted_proxies": "127.0.0.1"}, {"X-Forwarded-Proto": "https"}, True),
        ({"trusted_proxies": "10.0.0.1, 127.0.0.0/8"}, {"X-Forwarded-Proto": "https"}, True),
        ({"trusted_proxies": "127.0.0.1"}, {"X-Forwarded-Proto": "gopher"}, False),
        ({"public_origin": "https://station.example.cn:8443"}, {}, True),
        ({"public_origin": "http://station.lan"}, {"X-Forwarded-Proto": "https"}, False),
    ],
)
async def test_cookies_and_hsts_follow_the_public_scheme(
    station: Station, settings: dict[str, str], headers: dict[str, str], secure: bool
) -> None:
    """Secure and Strict-Transport-Security are there when visitors come by HTTPS, whoever speaks it, and only then."""
    async with client_of(station, **settings) as client, client.get("/signin", headers=headers) as answer:
        assert ("Secure" in answer.headers["Set-Cookie"]) is secure
        assert ("Strict-Transport-Security" in answer.headers) is secure
        async with client.get("/language/en", headers=headers, allow_redirects=False) as chosen:
            assert ("Secure" in chosen.headers["Set-Cookie"]) is secure


FORM = {"phone": "13912345678"}


@pytest.mark.parametrize(
    ("settings", "headers", "status"),
    [
        ({}, {"Origin": "http://HOST"}, 303),
        ({}, {"Origin": "https://HOST"}, 303),  # a proxy that speaks TLS and is named nowhere
        ({}, {"Origin": "http://evil.example"}, 403),
        ({}, {"Origin": "null"}, 403),
        ({}, {"Origin": "http://HOST.evil.example"}, 403),
        ({}, {"Origin": "https://station.cn:8443", "Host": "station.cn"}, 403),
        ({}, {"Origin": "https://station.cn:8443", "Host": "station.cn", "Sec-Fetch-Site": "same-origin"}, 303),
        ({}, {"Origin": "http://HOST", "Sec-Fetch-Site": "cross-site"}, 403),
        ({}, {"Origin": "http://HOST", "Sec-Fetch-Site": "same-site"}, 403),
        (
            {"public_origin": "https://station.cn:8443"},
            {"Origin": "https://station.cn:8443", "Host": "station.cn"},
            303,
        ),
        ({"public_origin": "https://station.cn:8443"}, {"Origin": "https://Station.CN:8443"}, 303),
        ({"public_origin": "https://station.cn:8443"}, {"Origin": "https://station.cn:9443"}, 403),
        ({"public_origin": "https://station.cn"}, {"Origin": "https://evil.cn", "X-Forwarded-Host": "evil.cn"}, 403),
    ],
)
async def test_a_form_is_taken_from_our_own_pages_on_any_port(
    station: Station, settings: dict[str, str], headers: dict[str, str], status: int
) -> None:
    """Origin is compared with the public origin, port and all; a proxy that drops the port refuses nobody."""
    async with client_of(station, **settings) as client:
        person = Person(client, station)
        form = {**FORM, "csrf": await person.token()}
        cookies = "; ".join(f"{c.key}={c.value}" for c in client.session.cookie_jar)
        visit = re.search(r"station_visit=\w+", cookies)
        own = f"{client.host}:{client.port}"
        sent = {name: value.replace("HOST", own) for name, value in headers.items()}
        if visit:
            sent["Cookie"] = visit[0]
        elif (
            settings
        ):  # Secure cookies are not sent over plain HTTP by the test's client: as behind the proxy, they are
            async with client.get("/signin") as page:
                cookie = page.cookies["station_visit"].value
                found = re.search(r'name="csrf-token" content="([0-9a-f]+)"', await page.text())
            assert found
            form["csrf"], sent["Cookie"] = found[1], f"station_visit={cookie}"
        async with client.post("/signin", data=form, headers=sent, allow_redirects=False) as answer:
            assert answer.status == status, await answer.text()


async def test_signalling_is_open_to_our_own_pages_on_any_port(station: Station) -> None:
    """The WebSocket's check is the same: another site's page is turned away before media is asked."""
    async with client_of(station, public_origin="https://station.cn:8443") as client:
        for origin, status in (
            ("https://evil.cn", 404),
            ("https://station.cn:8443", 400),
        ):  # 400: it would be let in, were it the handshake of a WebSocket
            async with client.get("/media/0/ws", headers={"Origin": origin, "Host": "station.cn"}) as answer:
                assert answer.status == status


@pytest.mark.parametrize(
    "headers", [{"X-Forwarded-For": "127.0.0.1"}, {"Forwarded": "for=127.0.0.1"}, {"X-Real-IP": "::1"}]
)
@pytest.mark.parametrize("trusted", ["", "127.0.0.1"])
async def test_metrics_never_pass_a_proxy(station: Station, headers: dict[str, str], trusted: str) -> None:
    """Asked on the machine itself they are there; through a proxy, named or not, they are not, whatever it says."""
    async with client_of(station, trusted_proxies=trusted) as client:
        async with client.get("/metrics") as answer:
            assert answer.status == 200
        async with client.get("/metrics", headers=headers) as answer:
            assert answer.status == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"public_origin": "station.example.cn"},
        {"public_origin": "ftp://station.example.cn"},
        {"public_origin": "https://station.example.cn/path"},
        {"public_origin": "https://"},
        {"public_origin": "https://user@station.example.cn"},
        {"public_origin": "https://station.example.cn:notaport"},
        {"trusted_proxies": "nginx"},
        {"trusted_proxies": "10.0.0.1/33"},
    ],
)
def test_a_wrong_origin_or_proxy_is_said_at_the_start(wrong: dict[str, Any]) -> None:
    """What is no origin, or no address of a proxy, is no setting."""
    with pytest.raises(ValidationError):
        Settings(_env_file=None, **wrong)
