"""What viewers get through the web role, which stands between them and live."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from station.base.settings import Settings
from tests.live.media import FakeMedia
from tests.live.studio import Studio, closed, hint


@pytest.fixture
def front_door(studio: Studio, station: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The station's web role forwards to this studio's live role."""
    monkeypatch.setattr(Settings, "live_url", studio.url)


async def test_web_hands_on_packed_playlists_and_counts_viewers(
    studio: Studio, media: FakeMedia, front_door: None, new_person: Any
) -> None:
    """A long playlist arrives readable whether or not the browser takes gzip; 150 waiting viewers hold up nobody."""
    guest, others = await new_person(), [await new_person(), await new_person()]
    await studio.go_live()
    text = await studio.playlist_when(lambda text: closed(text) >= 1)
    media.speed = 0.2  # the feed that comes next is slow, so that all of them wait at once
    await studio.go_live(person="p2")
    text = await studio.playlist_when(lambda text: "#EXT-X-DISCONTINUITY" in text)
    broadcast = await studio.server.registry.get("b1")
    assert len(text) < 4096
    path = "/live/b1/main.m3u8"
    segment, part = hint(text)
    waiting = [
        asyncio.create_task(other.client.get(f"{path}?_HLS_msn={segment + 1}&_HLS_part={part}"))
        for other in others
        for _ in range(75)
    ]
    async with asyncio.timeout(10):
        while broadcast.cache.waiting < 150:
            await asyncio.sleep(0.01)
    async with guest.client.get(path, headers={"User-Agent": "phone"}) as answer:
        assert (await answer.text()).startswith("#EXTM3U")
    media.speed = 40.0
    await studio.go_live(person="p1")
    for answer in await asyncio.gather(*waiting):
        assert answer.status == 200
        await answer.release()
    assert broadcast.viewers.now() == 2
    await studio.playlist_when(lambda text: len(text) > 4200)
    for encoding in ("gzip", "identity"):
        async with guest.client.get(path, headers={"Accept-Encoding": encoding}) as answer:
            assert (answer.headers.get("Content-Encoding") == "gzip") == (encoding == "gzip")
            assert (await answer.text()).startswith("#EXTM3U")


async def test_players_on_other_sites_pass_through_web(studio: Studio, front_door: None, new_person: Any) -> None:
    """GET, HEAD and OPTIONS of a broadcast's files are open to every site, errors too; no page of ours is."""
    guest = await new_person()
    await studio.go_live()
    await studio.playlist_when(lambda text: closed(text) >= 1)
    for method, path, expected in (
        ("GET", "/live/b1/index.m3u8", 200),
        ("HEAD", "/live/b1/s0.mp4", 200),
        ("OPTIONS", "/live/b1/main.m3u8", 204),
        ("GET", "/live/b-1/nothing.mp4", 404),
        ("GET", "/live/b1/$", 404),
    ):
        async with guest.client.request(method, path, headers={"Origin": "https://district.example"}) as answer:
            assert answer.status == expected, (method, path)
            assert answer.headers["Access-Control-Allow-Origin"] == "*", (method, path)
    for method in ("GET", "HEAD"):
        async with guest.client.request(method, "/live") as answer:
            assert answer.status == 200 and "Access-Control-Allow-Origin" not in answer.headers
