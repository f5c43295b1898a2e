"""What a viewer's request says of itself on the wire, whatever strangers write there."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from station.base.fast_path import FastPathConnection
from station.live.viewing.requests import count_viewers
from station.live.viewing.viewers import ViewerCount


class NoFastPath:
    """Answers nothing."""

    def answer(self, connection: FastPathConnection, head: bytes) -> bool:
        return False

    def forget(self, connection: FastPathConnection) -> None:
        pass


async def _nothing(_request: web.BaseRequest) -> web.Response:
    return web.Response()


def _connection() -> FastPathConnection:
    loop = asyncio.get_running_loop()
    return FastPathConnection(web.Server(_nothing), NoFastPath(), loop=loop, keepalive_s=1)


def _head(name: str, said: str) -> bytes:
    return f"GET /live/b1/main.m3u8?_HLS_msn=1 HTTP/1.1\r\nHost: x\r\n{name}: {said}\r\n\r\n".encode()


@pytest.mark.parametrize(
    ("said", "again", "expected"),
    [
        ("192.0.2.1", "192.0.2.1", 1),
        ("192.0.2.1", "192.0.2.2", 2),
        ("198.51.100.1, 192.0.2.1", "198.51.100.2,192.0.2.1 ", 1),
        ("192.0.2.1, 198.51.100.1", "192.0.2.1, 198.51.100.2", 2),
    ],
)
async def test_the_nearest_proxy_says_who_it_is(said: str, again: str, expected: int) -> None:
    """The last address counts, which our proxy adds; those before it a stranger may make up."""
    viewers = ViewerCount()
    for told in (said, again):
        count_viewers(viewers, _connection(), _head("X-Forwarded-For", told))
    assert viewers.now() == expected


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Station-Edge", "User-Agent", "Accept-Encoding"])
@pytest.mark.parametrize("said", ["a" * 7900 + ",", " " * 7900 + ",", "a," * 3950, "0 " * 3950])
async def test_a_long_header_is_read_once(name: str, said: str) -> None:
    """A thousand requests with a header of eight kilobytes: read again from each sign on, they would take minutes."""
    viewers, connection, head = ViewerCount(), _connection(), _head(name, said)
    for _ in range(1000):
        count_viewers(viewers, connection, head)
    assert viewers.now() <= 1
