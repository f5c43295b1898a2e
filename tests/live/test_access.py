"""Who may fetch a broadcast: everybody while it is on air, nobody before its review, no cache after a recall."""

from __future__ import annotations

import asyncio
import json
import re

import pytest
from multidict import CIMultiDictProxy

from tests.live.media import FakeMedia
from tests.live.studio import Studio, closed, hint

FILES = ("index.m3u8", "main.m3u8", "init.mp4", "s0.mp4")


async def statuses(studio: Studio, **headers: str) -> set[int]:
    return {(await studio.get(f"b1/{file}", **headers))[0] for file in FILES}


def gaps(text: str) -> list[int]:
    """The segments that a player must skip."""
    return [int(n) for n in re.findall(r"#EXT-X-GAP\n#EXTINF:[0-9.]+,\ns(\d+)\.mp4", text)]


async def test_what_has_ended_is_not_public_before_its_review(studio: Studio) -> None:
    """Strangers find nothing, also after a restart; who reviews it sees all, and nothing of that is kept in a cache."""
    await studio.go_live()
    await studio.playlist_when(lambda text: closed(text) >= 1)
    assert await statuses(studio) == {200}
    await studio.control("DELETE", "b1")
    for _ in range(2):
        assert await statuses(studio) == {404}
        assert await statuses(studio, Authorization="Bearer nonsense") == {404}
        reviewer = {"Authorization": f"Bearer {studio.signer.service_token()}"}
        for file in FILES:
            status, _, headers = await studio.get(f"b1/{file}", **reviewer)
            assert (status, headers["Cache-Control"]) == (200, "private, no-store")
        await studio.stop()
        await studio.start()
    await studio.set_access(public=True)
    assert await statuses(studio) == {200}
    await studio.set_access(public=False)
    assert await statuses(studio) == {404}


async def test_a_recall_reaches_the_caches(studio: Studio) -> None:
    """Nothing may be kept longer than some seconds, nor handed on stale; asking anew after a recall gives 404."""
    await studio.go_live()
    segment, part = hint(await studio.playlist_when(lambda text: closed(text) >= 1))
    urls = [*FILES, f"s{segment}.p{part}.mp4", f"main.m3u8?_HLS_msn={segment}&_HLS_part={part}"]
    tags: dict[str, str] = {}

    async def check() -> None:
        for url in urls:
            status, _, headers = await studio.get(f"b1/{url}")
            kept = headers["Cache-Control"]
            assert status == 200 and "immutable" not in kept, url
            age = re.search(r"max-age=(\d+)", kept)
            assert kept == "no-cache" or (age and int(age[1]) <= 5 and "must-revalidate" in kept), (url, kept)
            if "ETag" in headers:
                tags[url] = headers["ETag"]

    await check()
    await studio.set_access(public=True)
    await studio.control("DELETE", "b1")
    urls = list(FILES)
    await check()
    assert (await studio.get("b1/s0.mp4", **{"If-None-Match": tags["s0.mp4"]}))[0] == 304
    await studio.set_access(public=False)
    assert (await studio.get("b1/s0.mp4", **{"If-None-Match": tags["s0.mp4"]}))[0] == 404


async def test_who_no_longer_wants_to_be_seen_cannot_be_rewound_to(studio: Studio, media: FakeMedia) -> None:
    """Their segments become gaps and their files are gone, also after a restart; the others' play on."""
    await studio.go_live(person="p1")
    await studio.playlist_when(lambda text: closed(text) >= 2)
    await studio.go_live(person="p2")
    await studio.playlist_when(lambda _text: any('"p2"' in line for line in _lines(studio)))
    await studio.set_access("p1", public=False)
    text = await studio.playlist()
    shown = [json.loads(line)["person"] for line in _lines(studio)]
    assert set(shown) == {"p1", "p2"}
    hers = [n for n, person in enumerate(shown) if person == "p1"]
    assert gaps(text) == hers
    for n in range(len(shown)):
        assert (await studio.get(f"b1/s{n}.mp4"))[0] == (404 if n in hers else 200)
        for part in range(6):
            assert n not in hers or (await studio.get(f"b1/s{n}.p{part}.mp4"))[0] == 404
    assert not any(f'URI="s{n}.p' in text for n in hers)
    await studio.stop()
    await studio.start()
    assert gaps(await studio.playlist()) == hers
    await studio.set_access(public=False)
    assert gaps(await studio.playlist()) == []


async def test_who_withdraws_while_the_source_changes_is_hidden_at_once(studio: Studio) -> None:
    """Until the next person's picture comes, the open segment is still of the one before: it is hidden too."""
    await studio.go_live(person="p1")
    await studio.playlist_when(lambda text: closed(text) >= 1)
    broadcast = await studio.server.registry.get("b1")
    broadcast.programme.person = "p2"  # what the change does first
    await studio.set_access("p1", public=False)
    segment = broadcast.cache.playlist.closed
    assert broadcast.is_hidden(segment)
    text = await studio.playlist()
    assert "#EXT-X-PART:" not in text and len(gaps(text)) == closed(text)
    assert (await studio.get(f"b1/s{segment}.p0.mp4"))[0] == 404


async def test_in_an_old_recording_one_hides_all(studio: Studio) -> None:
    """Recordings made before segments named whom they show are hidden whole."""
    await studio.go_live()
    await studio.playlist_when(lambda text: closed(text) >= 2)
    await studio.control("DELETE", "b1")
    await studio.stop()
    path = studio.folder / "live" / "b1" / "segments.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps({k: v for k, v in row.items() if k != "person"}) + "\n" for row in rows))
    await studio.start()
    await studio.set_access("p9", public=True)
    assert len(gaps(await studio.playlist())) == len(rows)


async def test_who_waits_at_the_end_is_told_that_it_is_over(studio: Studio) -> None:
    """The last playlist carries the end mark to those who wait for it, and no cache keeps it."""
    await studio.go_live()
    segment, _ = hint(await studio.playlist_when(lambda text: closed(text) >= 1))
    waiting = asyncio.create_task(_wait_for_the_end(studio, segment + 1))
    broadcast = await studio.server.registry.get("b1")
    async with asyncio.timeout(10):
        while not broadcast.cache.waiting:
            await asyncio.sleep(0.01)
    await studio.control("DELETE", "b1")
    status, body, headers = await waiting
    assert status == 200 and body.endswith(b"#EXT-X-ENDLIST\n") and headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("body", [{}, {"public": "yes", "hidden": []}, {"public": True, "hidden": ["../x"]}, []])
async def test_a_broken_order_changes_nothing(studio: Studio, body: object) -> None:
    """Bad bodies are refused whole, and without a service grant nobody publishes."""
    await studio.go_live()
    await studio.playlist()
    assert (await studio.control("PUT", "b1/access", body))[0] == 422
    assert (await studio.control("PUT", "b1/access", {"public": True, "hidden": []}, token=""))[0] in (401, 403)
    assert (await studio.control("PUT", "b9/access", {"public": True, "hidden": []}))[0] == 404
    await studio.control("DELETE", "b1")
    assert await statuses(studio) == {404}


async def _wait_for_the_end(studio: Studio, segment: int) -> tuple[int, bytes, CIMultiDictProxy[str]]:
    """What a player is told that always waits for the next segment, once that is the last."""
    while True:
        status, body, headers = await studio.get(f"b1/main.m3u8?_HLS_msn={segment}")
        if status != 200 or b"#EXT-X-ENDLIST" in body:
            return status, body, headers
        segment += 1


def _lines(studio: Studio) -> list[str]:
    return (studio.folder / "live" / "b1" / "segments.jsonl").read_text().splitlines()
