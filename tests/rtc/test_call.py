"""Two real browsers in a call."""

from __future__ import annotations

import asyncio
import random
import time

from playwright.async_api import Page

from tests.rtc.conftest import Media, OpenPage

DECODED = "async (n) => (await room.stats()).down.filter((s) => s.framesDecoded >= n).length >= 1"
HEARD = "async () => (await room.stats()).down.some((s) => s.audioEnergy > 0)"


async def holds(page: Page, promise: str, argument: object = None, timeout_s: float = 20) -> None:
    """Waits until an asynchronous condition of the page is true."""
    async with asyncio.timeout(timeout_s):
        while not await page.evaluate(promise, argument):
            await asyncio.sleep(0.05)


async def decodes(page: Page, frames: int, timeout_s: float = 20) -> None:
    await holds(page, DECODED, frames, timeout_s)


async def test_two_browsers_see_and_hear_each_other(media: Media, open_page: OpenPage) -> None:
    """Two people who publish decode each other's frames and hear each other's sound, in H.264 and Opus."""
    one, other = await open_page(), await open_page()
    await media.enter(one, "anna")
    await media.enter(other, "boris")
    for page in (one, other):
        await decodes(page, 20)
        await holds(page, HEARD)
    _, room = await media.control("GET", "/control/rooms/mt_test")
    assert sorted(member["person"] for member in room["members"]) == ["anna", "boris"]
    assert sorted(track["codec"] for track in room["tracks"]) == ["h264", "h264", "opus", "opus"]
    await other.evaluate("room.leave()")
    await one.wait_for_function("room.members.size === 1 && room.tracks.size === 0")


async def test_a_new_viewer_sees_a_picture_at_once(media: Media, open_page: OpenPage) -> None:
    """Somebody who comes later sees the first frame soon after asking for the track."""
    one, other = await open_page(), await open_page()
    await media.enter(one, "anna")
    await media.enter(other, "boris", publishes=False)
    began = time.monotonic()
    await decodes(other, 1, timeout_s=5)
    assert time.monotonic() - began < 2.0


async def test_a_call_survives_two_percent_loss(media: Media, open_page: OpenPage) -> None:
    """With every fiftieth datagram lost in each direction, the picture goes on and freezes hardly at all."""
    dice = random.Random(7)
    media.server.port.lose(lambda: dice.random() < 0.02)
    one, other = await open_page(), await open_page()
    await media.enter(one, "anna")
    await media.enter(other, "boris")
    for page in (one, other):
        await decodes(page, 80, timeout_s=30)
    down = (await other.evaluate("room.stats()"))["down"]
    video = next(stats for stats in down if stats["framesDecoded"])
    assert video["freezeCount"] <= 2
