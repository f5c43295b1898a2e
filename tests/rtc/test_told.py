"""What a page tells media of what it shows and how it goes, and what media tells the page."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from playwright.async_api import Page

from station.rtc.rooms import messages
from station.rtc.rooms.member import Member
from tests.rtc.conftest import ROOM, Media, OpenPage
from tests.rtc.test_call import decodes
from tests.rtc.test_publishing import meet

CAMERA = "[...room.tracks.values()].find((track) => track.source === 'camera').id"
NEXT = """
([first, second]) => import("/js/media/report.js").then(({ Reports }) => {
  const reports = new Reports();
  return [reports.next([first], 1000), reports.next([second], 6000)];
})
"""
PAUSED = "seen.filter(([name]) => name === 'paused').map(([, what]) => what.paused)"
SPEAKERS = "seen.filter(([name]) => name === 'speakers').map(([, what]) => JSON.stringify(what))"
ZERO = dict.fromkeys(
    ("framesDecoded", "framesPerSecond", "height", "freezeCount", "freezeTime", "bufferTime", "buffered", "samples",
     "samplesConcealed"), 0,
)  # fmt: skip


def member_of(media: Media, person: str) -> Member:
    return media.server.rooms.open(ROOM).members[person]


async def comes(condition: Callable[[], object], timeout_s: float = 15) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.05)


async def watch(media: Media, open_page: OpenPage) -> tuple[Page, str]:
    _, other = await meet(media, open_page)
    return other, await other.evaluate(CAMERA)


async def test_media_is_told_what_is_shown_also_after_a_reconnection(media: Media, open_page: OpenPage) -> None:
    """The heights a page shows reach media, and reach it again when the page has come back."""
    page, camera = await watch(media, open_page)
    await page.evaluate("(id) => room.show({ [id]: 480 })", camera)
    await comes(lambda: member_of(media, "boris").shown == {camera: 480})
    before = member_of(media, "boris")
    before.channel.close()
    await comes(lambda: media.server.rooms.open(ROOM).members.get("boris") not in (None, before))
    await comes(lambda: member_of(media, "boris").shown == {camera: 480})


async def test_media_is_told_how_the_pictures_arrive(media: Media, open_page: OpenPage) -> None:
    """Within seconds media has a report of each track received, with the frames and the height it is seen at."""
    page, camera = await watch(media, open_page)
    await decodes(page, 20)
    await comes(lambda: camera in member_of(media, "boris").reported.latest)
    reports = member_of(media, "boris").reported.latest
    assert len(reports) == 2
    assert reports[camera].frames_per_s > 5
    assert reports[camera].height in (240, 480)
    assert reports[camera].jitter_ms > 0


async def test_a_report_tells_what_has_changed_since_the_last(media: Media, open_page: OpenPage) -> None:
    """Counters become differences and shares; a connection that counts anew does not give negative ones."""
    page = await open_page()
    await page.goto(media.pages)
    first = {**ZERO, "track": "t", "framesDecoded": 100, "framesPerSecond": 20, "freezeCount": 1, "freezeTime": 0.4}
    second = {**first, "framesDecoded": 150, "freezeCount": 0, "freezeTime": 1.0, "bufferTime": 2, "buffered": 40,
              "samples": 200, "samplesConcealed": 50, "height": 720}  # fmt: skip
    was, now = await page.evaluate(NEXT, [first, second])
    assert was["t"]["frames_per_s"] == 20
    assert now["t"] == {
        "frames_per_s": 10, "height": 720, "freezes": 0, "frozen_s": 0.6, "jitter_ms": 50, "concealed": 0.25,
    }  # fmt: skip


async def test_a_page_hears_of_speakers_and_of_pictures_its_line_does_not_carry(
    media: Media, open_page: OpenPage
) -> None:
    """Who speaks and what is paused become events, each once; after a reconnection nothing counts as paused."""
    page, camera = await watch(media, open_page)
    channel = member_of(media, "boris").channel
    for _ in range(2):
        channel.send(messages.TrackPaused(track=camera, paused=True))
        channel.send(messages.Speakers(people=["anna"]))
    # What media itself hears and sees of these two comes in between: the made-up events are looked for among it.
    heard = await page.evaluate(f"{SPEAKERS}.length")
    await page.wait_for_function(f"{PAUSED}.includes(true) && {SPEAKERS}.includes('[\"anna\"]')")
    channel.close()
    await page.wait_for_function(f"{PAUSED}.at(-1) === false && {SPEAKERS}.slice({heard}).includes('[]')")
    assert await page.evaluate(f"[{PAUSED}, {SPEAKERS}].every((told) => told.every((one, n) => one !== told[n - 1]))")
