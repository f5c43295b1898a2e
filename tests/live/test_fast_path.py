"""The fast path of the live role says the same as the usual way, to many at once."""

from __future__ import annotations

import asyncio
import json

import pytest
from multidict import CIMultiDictProxy

from station.live.origin import fast_path
from station.live.origin.broadcast import Broadcast
from station.live.packaging.playlist import MediaPlaylist
from tests.live.media import FakeMedia
from tests.live.studio import Studio, closed, hint

Answer = tuple[int, bytes, CIMultiDictProxy[str]]
USUAL = {"Authorization": "none"}  # what the fast path leaves to the usual way


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
@pytest.mark.parametrize("query", ["?_HLS_msn=1&_HLS_part=0", "?_HLS_msn=2", "?_HLS_msn=1&_HLS_part=0&_HLS_skip=YES"])
async def test_a_playlist_is_the_same_either_way(studio: Studio, media: FakeMedia, query: str, encoding: str) -> None:
    """Status, headers and body, packed or not; the usual way names its server, the fast path does not."""
    await studio.go_live()
    await studio.playlist_when(lambda text: closed(text) >= 3)
    media.speed = 0.0001  # nothing changes between the two
    await asyncio.sleep(0.1)
    fast = await studio.get(f"b1/main.m3u8{query}", **{"Accept-Encoding": encoding})
    usual = await studio.get(f"b1/main.m3u8{query}", **{"Accept-Encoding": encoding}, **USUAL)
    _assert_same(fast, usual)
    assert ("Content-Encoding" in fast[2]) == (encoding == "gzip" and len(usual[1]) >= 4096)


async def test_a_part_is_the_same_either_way(studio: Studio) -> None:
    """A part's bytes and headers; one that is not there is not found, by the usual way."""
    await studio.go_live()
    await studio.playlist_when(lambda text: closed(text) >= 2)
    _assert_same(await studio.get("b1/s1.p0.mp4"), await studio.get("b1/s1.p0.mp4", **USUAL))
    status, _, headers = await studio.get("b1/s1.p99.mp4")
    assert status == 404 and "Server" in headers


def _assert_same(fast: Answer, usual: Answer) -> None:
    assert fast[:2] == usual[:2]
    told, expected = fast[2].copy(), usual[2].copy()
    assert expected.pop("Server") and "Server" not in told
    assert told.pop("Date") and expected.pop("Date")
    assert dict(told) == dict(expected)  # multidicts compare the order too


async def test_everybody_who_waits_is_answered_and_counted(studio: Studio) -> None:
    """Fifty viewers behind one address wait for one part: each has the answer, none is a task, fifty are counted."""
    await studio.go_live()
    segment, part = hint(await studio.playlist_when(lambda text: closed(text) >= 1))
    query = f"b1/main.m3u8?_HLS_msn={segment}&_HLS_part={part}"
    answers = await asyncio.gather(*(studio.get(query, **{"User-Agent": f"phone {index}"}) for index in range(50)))
    assert {status for status, _, _ in answers} == {200}
    assert all(b"s%d.p%d.mp4" % (segment, part) in body.partition(b"#EXT-X-PRELOAD")[0] for _, body, _ in answers)
    broadcast = await studio.server.registry.get("b1")
    assert broadcast.viewers.now() >= 50 and broadcast.cache.waiting == 0


async def test_who_waits_in_vain_is_told_to_ask_again(
    studio: Studio, media: FakeMedia, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three target durations without news are a 503 with Retry-After, as by the usual way."""
    monkeypatch.setattr(MediaPlaylist, "block_limit_s", 0.05)
    monkeypatch.setattr(fast_path, "LOOK_EVERY_S", 0.05)
    await studio.go_live()
    async with asyncio.timeout(20):  # the limit holds for the first segment too
        while (await studio.get("b1/main.m3u8"))[0] != 200:
            pass
    segment, _ = hint(await studio.playlist())
    media.speed = 0.0001
    status, body, headers = await studio.get(f"b1/main.m3u8?_HLS_msn={segment + 1}&_HLS_part=0")
    assert status == 503 and json.loads(body)["type"] == "/problems/nothing-new"
    assert headers["Retry-After"] == "1" and headers["Cache-Control"] == "no-store"


async def wait_in_vain(studio: Studio, media: FakeMedia) -> tuple[Broadcast, asyncio.Task[Answer]]:
    """A broadcast whose source has stopped, and a viewer who waits for its next part."""
    await studio.go_live()
    segment, _ = hint(await studio.playlist_when(lambda text: closed(text) >= 1))
    media.speed = 0.0001
    broadcast = await studio.server.registry.get("b1")
    asking = asyncio.create_task(studio.get(f"b1/main.m3u8?_HLS_msn={segment + 1}&_HLS_part=0"))
    async with asyncio.timeout(10):
        while broadcast.cache.waiting == 0:
            await asyncio.sleep(0.01)
    return broadcast, asking


async def test_the_end_is_told_to_who_waits(studio: Studio, media: FakeMedia) -> None:
    """A broadcast that ends while viewers wait: they get its last playlist, which no cache keeps."""
    _, asking = await wait_in_vain(studio, media)
    await studio.control("DELETE", "b1")
    status, body, headers = await asking
    assert status == 200 and b"#EXT-X-ENDLIST" in body and headers["Cache-Control"] == "no-store"


async def test_a_change_while_a_broadcast_ends_forgets_nobody(studio: Studio, media: FakeMedia) -> None:
    """Rights that change between the last frame and the end mark: who waits is still told of the end."""
    broadcast, asking = await wait_in_vain(studio, media)
    broadcast.programme.state = "ended"
    broadcast.cache.wake()
    broadcast.cache.finish()
    async with asyncio.timeout(10):
        status, body, _ = await asking
    assert status == 200 and b"#EXT-X-ENDLIST" in body and broadcast.cache.waiting == 0


async def test_whom_one_hides_is_not_handed_out(studio: Studio) -> None:
    """A part of somebody who takes their consent back is not found a moment later, though it was just sent."""
    await studio.go_live()
    await studio.playlist_when(lambda text: closed(text) >= 1)
    assert (await studio.get("b1/s0.p0.mp4"))[0] == 200
    await studio.set_access("p1")
    assert (await studio.get("b1/s0.p0.mp4"))[0] == 404
