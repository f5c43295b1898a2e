"""What a page does with its own tracks, as the others see it."""

from __future__ import annotations

import time

import pytest
from playwright.async_api import Error, Page

from station.base.grants import Right
from tests.rtc.conftest import Media, OpenPage
from tests.rtc.test_call import decodes, holds

SHARE = """
async () => {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { width: 320, height: 240 } });
  await room.publish(stream.getVideoTracks()[0], "screen");
}
"""
SOURCES = "() => [...room.tracks.values()].map((track) => track.source).sort().join()"
ARRIVES = """
async ([source, more]) => {
  const id = [...room.tracks.values()].find((track) => track.source === source)?.id;
  const now = (await room.stats()).down.find((stats) => stats.track === id)?.framesDecoded ?? 0;
  window.before ??= now;
  return now >= window.before + more;
}
"""


async def arrives(page: Page, source: str, more: int = 10) -> None:
    """Waits until the page has decoded more frames of this source."""
    await page.evaluate("() => { delete window.before }")
    await holds(page, ARRIVES, [source, more])


async def meet(media: Media, open_page: OpenPage) -> tuple[Page, Page]:
    one, other = await open_page(), await open_page()
    await media.enter(one, "anna")
    await media.enter(other, "boris", publishes=False)
    await decodes(other, 5)
    return one, other


async def test_a_screen_comes_and_goes_and_comes_again(media: Media, open_page: OpenPage) -> None:
    """A source published, taken back and published again is seen each time, while the camera goes on."""
    one, other = await meet(media, open_page)
    for _ in range(3):
        await one.evaluate(SHARE)
        await other.wait_for_function(f"({SOURCES})() === 'camera,microphone,screen'")
        await arrives(other, "screen")
        await one.evaluate("room.unpublish('screen')")
        await other.wait_for_function(f"({SOURCES})() === 'camera,microphone'")
        await arrives(other, "camera")
    assert await other.evaluate("seen.filter(([name]) => name === 'trackremoved').length") == 3


async def test_another_camera_takes_the_place_of_the_first(media: Media, open_page: OpenPage) -> None:
    """Publishing a source again replaces its track: the others keep the same one, and its picture goes on."""
    one, other = await meet(media, open_page)
    before = await other.evaluate("[...room.tracks.keys()].sort().join()")
    await one.evaluate(SHARE.replace('"screen"', '"camera"'))
    await arrives(other, "camera", 30)
    assert await other.evaluate("[...room.tracks.keys()].sort().join()") == before


async def test_muting_is_told_also_to_those_who_come_later(media: Media, open_page: OpenPage) -> None:
    """Who is muted looks so to those inside and to newcomers; muting before publishing counts when it comes."""
    one, other = await meet(media, open_page)
    await one.evaluate("room.setMuted('microphone', true)")
    muted = "[...room.tracks.values()].filter((track) => track.muted).map((track) => track.source).join()"
    await other.wait_for_function(f"{muted} === 'microphone'")
    assert await other.evaluate("seen.filter(([name]) => name === 'muted').length") == 1
    late = await open_page()
    await media.enter(late, "clara", publishes=False)
    await late.wait_for_function(f"{muted} === 'microphone'")
    await one.evaluate("room.setMuted('microphone', false)")
    for page in (other, late):
        await page.wait_for_function(f"{muted} === ''")


async def test_a_refused_page_does_not_try_again(media: Media, open_page: OpenPage) -> None:
    """A grant that media does not take ends the attempt with its code, and the room is closed."""
    page = await open_page()
    await page.goto(media.pages)
    await page.wait_for_function("window.ready")
    expired = media.grant("anna", ttl_s=-5)
    with pytest.raises(Error):
        await page.evaluate("([url, grant]) => enter(url, grant, false)", [media.url + "/media/ws", expired])
    assert await page.evaluate("[room.state, seen.at(-1)[0], seen.at(-1)[1].reason]") == [
        "closed",
        "closed",
        "grant-invalid",
    ]


async def test_who_may_only_watch_cannot_publish_but_goes_on_watching(media: Media, open_page: OpenPage) -> None:
    """Publishing without the right rejects with a code; what is received is not disturbed."""
    one, other = await open_page(), await open_page()
    await media.enter(one, "anna")
    await other.goto(media.pages)
    await other.wait_for_function("window.ready")
    grant = media.grant("boris", Right.SUBSCRIBE)
    await other.evaluate("([url, grant]) => enter(url, grant, false)", [media.url + "/media/ws", grant])
    await arrives(other, "camera")
    code = await other.evaluate(f"({SHARE})().then(() => '', (error) => error.code)")
    assert code
    began = time.monotonic()
    await arrives(other, "camera", 20)
    assert time.monotonic() - began < 10
    assert await one.evaluate("room.tracks.size") == 0
