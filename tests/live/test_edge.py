"""The fast path of web, as `make run` serves viewers: one request at live for all who wait for the same."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession, web
from multidict import CIMultiDictProxy

from station.app import build_app, edge_of
from station.base.fast_path import listen
from station.base.settings import Settings
from station.base.station import Station
from station.live.edge.fast_path import _Answer, _lifetime_s
from tests.live.media import FakeMedia
from tests.live.studio import Studio, closed, hint


class FrontDoor:
    """The web role, listening as it does for visitors."""

    def __init__(self, http: ClientSession, port: int) -> None:
        self._http = http
        self._url = f"http://127.0.0.1:{port}/live/"

    async def get(self, path: str, **headers: str) -> tuple[int, bytes, CIMultiDictProxy[str]]:
        async with self._http.get(self._url + path, headers=headers) as answer:
            return answer.status, await answer.read(), answer.headers


@pytest_asyncio.fixture
async def door(studio: Studio, station: Station, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FrontDoor]:
    """Web before this studio's live role."""
    monkeypatch.setattr(Settings, "live_url", property(lambda _settings: studio.url))
    app = build_app(station)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    async with ClientSession() as http, edge_of(app) as edge:
        listening = await listen(runner, edge, host="127.0.0.1", port=0, keepalive_s=20)
        yield FrontDoor(http, listening.sockets[0].getsockname()[1])
        listening.close()
    await runner.cleanup()


@pytest.fixture
def asked(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What web has asked live for."""
    paths: list[str] = []
    request = ClientSession._request

    async def noted(self: ClientSession, method: str, url: Any, **options: Any) -> Any:
        if str(url).startswith(f"{studio.url}/live/"):
            paths.append(str(url).removeprefix(studio.url))
        return await request(self, method, url, **options)

    monkeypatch.setattr(ClientSession, "_request", noted)
    return paths


async def test_a_hundred_viewers_are_one_request(
    studio: Studio, media: FakeMedia, door: FrontDoor, asked: list[str]
) -> None:
    """All who wait for a part are answered by one request to live; live knows how many they are."""
    await studio.go_live()
    await studio.playlist_when(lambda text: closed(text) >= 1)
    media.speed = 0.2  # the feed that comes next is slow, so that all of them wait at once
    await studio.go_live(person="p2")
    segment, part = hint(await studio.playlist_when(lambda text: "#EXT-X-DISCONTINUITY" in text))
    query = f"b1/main.m3u8?_HLS_msn={segment + 1}&_HLS_part={part}&_HLS_skip=YES"
    asked.clear()
    asking = [asyncio.create_task(door.get(query, **{"User-Agent": f"phone {index}"})) for index in range(100)]
    broadcast = await studio.server.registry.get("b1")
    async with asyncio.timeout(10):
        while broadcast.cache.waiting == 0:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.3)  # the others come meanwhile; whoever comes later is answered from what is kept
    media.speed = 40.0
    await studio.go_live(person="p1")
    answers = await asyncio.gather(*asking)
    assert {status for status, _, _ in answers} == {200} and len({body for _, body, _ in answers}) == 1
    assert asked == [f"/live/{query}"]
    assert (await door.get(f"b1/main.m3u8?_HLS_msn={segment + 1}", **{"User-Agent": "phone 0"}))[0] == 200
    assert broadcast.viewers.now() == 101  # the studio itself watched, too


async def test_a_stranger_is_one_viewer(studio: Studio, door: FrontDoor) -> None:
    """Who says to serve a million viewers, or to be another address each time, is counted once."""
    await studio.go_live()
    await studio.playlist_when(lambda text: closed(text) >= 1)
    for index in range(3):
        said = {"Station-Edge": f"{index:016x} 999999", "X-Forwarded-For": f"192.0.2.{index}"}
        assert (await door.get(f"b1/main.m3u8?_HLS_msn=0&_HLS_part={index}", **said))[0] == 200
    broadcast = await studio.server.registry.get("b1")
    assert broadcast.viewers.now() == 2  # the studio itself watched, too


async def test_the_answer_is_that_of_live(studio: Studio, door: FrontDoor) -> None:
    """Bytes and headers of a part and of a playlist are those of live, packed where the browser asked for it."""
    await studio.go_live()
    await studio.playlist_when(lambda text: closed(text) >= 2)
    for path, encoding in (("b1/s1.p0.mp4", "gzip"), ("b1/s1.p0.mp4", "identity")):
        status, body, headers = await door.get(path, **{"Accept-Encoding": encoding})
        expected_status, expected_body, expected = await studio.get(path, **{"Accept-Encoding": encoding})
        told, wanted = headers.copy(), expected.copy()
        assert "Server" not in told and told.pop("Date") and wanted.pop("Date")
        assert (status, body, dict(told)) == (expected_status, expected_body, dict(wanted))


async def test_what_is_kept_is_kept_no_longer_than_live_allows(
    studio: Studio, door: FrontDoor, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part is asked for once for as long as caches may keep it, then anew: and is gone when its person is hidden."""
    await studio.go_live()
    await studio.playlist_when(lambda text: closed(text) >= 1)
    asked.clear()
    for _ in range(3):
        assert (await door.get("b1/s0.p0.mp4"))[0] == 200
    assert asked == ["/live/b1/s0.p0.mp4"]
    await studio.set_access("p1")
    async with asyncio.timeout(12):
        while (await door.get("b1/s0.p0.mp4"))[0] != 404:
            await asyncio.sleep(0.2)


async def test_what_live_refuses_is_refused_and_not_kept(studio: Studio, door: FrontDoor, asked: list[str]) -> None:
    """A broadcast that is none is not found, each time anew: it may begin at any moment."""
    for _ in range(2):
        status, body, headers = await door.get("nothing/s0.p0.mp4")
        assert status == 404 and b"/problems/not-found" in body and headers["Cache-Control"] == "no-store"
    assert asked == ["/live/nothing/s0.p0.mp4"] * 2


async def test_without_live_the_usual_way_says_so(studio: Studio, door: FrontDoor) -> None:
    """Live is away: 503 in words, for all who wait; and when it is back all goes on."""
    await studio.go_live()
    segment, part = hint(await studio.playlist_when(lambda text: closed(text) >= 1))
    await studio.stop()
    answers = await asyncio.gather(*(door.get(f"b1/main.m3u8?_HLS_msn={segment}&_HLS_part={part}") for _ in range(5)))
    assert {status for status, _, _ in answers} == {503}
    assert all(b"<h1" in body for _, body, _ in answers)
    await studio.start()
    await studio.go_live()
    status, _, headers = await door.get(f"b1/main.m3u8?_HLS_msn={segment}&_HLS_part={part}")
    assert status == 200 and "Server" not in headers


def test_an_answer_says_how_old_it_is() -> None:
    """A cache behind us keeps it only for what is left of its time: a recall reaches that one no later."""
    now_s = time.monotonic()
    head = b"HTTP/1.1 200 OK\r\n"
    assert b"\r\nAge: 3\r\n" in _Answer(200, head, b"part", now_s - 3.5, now_s + 1.5).whole(0)
    assert b"Age" not in _Answer(200, head, b"part", now_s, now_s + 5).whole(0)


def test_how_long_an_answer_may_be_kept() -> None:
    """Cache-Control in its spellings; what is private or must be asked for is not kept at all."""
    told = {
        "public, max-age=5, must-revalidate": 5,
        "max-age=1": 1,
        "PUBLIC,MAX-AGE=3": 3,
        "no-cache": 0,
        "private, max-age=5": 0,
        "no-store": 0,
        "": 0,
        "max-age=x": 0,
        "s-max-age=9": 0,
    }
    assert {text: _lifetime_s(text) for text in told} == told
