"""Ways in: the code on a poster and the address printed beside it."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
import segno
from aiohttp.test_utils import TestClient, TestServer

from station.app import build_app
from station.base.station import Station
from station.directory.service import get_deputy

LIN = "dp_demo_linxiulan"
DEPUTY = f"/deputies/{LIN}"


@asynccontextmanager
async def client_of(station: Station, **settings: str) -> AsyncIterator[TestClient]:  # type: ignore[type-arg]
    changed = station.settings.model_copy(update=settings)
    async with TestClient(TestServer(build_app(replace(station, settings=changed)))) as client:
        yield client


def code_of(url: str, title: str) -> str:
    """The picture that a code for this address is."""
    target = io.BytesIO()
    drawn = segno.make(url, error="m", micro=False)
    drawn.save(target, kind="svg", scale=8, border=4, title=title, dark="#000", light="#fff")
    return target.getvalue().decode()


@pytest.mark.parametrize(
    ("settings", "headers", "origin"),
    [
        ({"public_origin": "https://station.example.cn"}, {"Host": "127.0.0.1:8080"}, "https://station.example.cn"),
        ({"public_origin": "https://station.cn:8443"}, {"Host": "station.cn"}, "https://station.cn:8443"),
        ({"trusted_proxies": "127.0.0.1"}, {"Host": "a.cn:9", "X-Forwarded-Proto": "https"}, "https://a.cn:9"),
        ({}, {"Host": "station.lan:9000"}, "http://station.lan:9000"),
    ],
)
async def test_the_code_and_the_typed_line_are_one_address(
    town: Station, settings: dict[str, str], headers: dict[str, str], origin: str
) -> None:
    """Both lead to the public origin with scheme, host and port, however the page itself was fetched."""
    lin = await get_deputy(town, LIN)
    async with client_of(town, **settings) as client:
        async with client.get(DEPUTY + "/poster", headers=headers) as answer:
            assert f"{origin.split('://')[1]}/d/{lin.code}" in await answer.text()
        async with client.get(DEPUTY + "/qr.svg", headers=headers) as answer:
            assert await answer.text() == code_of(f"{origin}/d/{lin.code}", lin.name)
