"""The player in Firefox: hls.js over media source extensions, H.264 and AAC by the system's own decoders."""

from __future__ import annotations

from tests.browsers.firefox import Firefox, FirefoxPage
from tests.live.studio import Studio
from tests.live.test_player import front, media

__all__ = ["media"]
SHOWN = "document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames"


async def frames_advance(page: FirefoxPage, by: int = 20) -> None:
    """Wait until the browser has decoded more frames."""
    before = int(await page.evaluate(f"() => {SHOWN}"))
    await page.until(f"{SHOWN} > {before + by}")


async def test_firefox_watches_rewinds_and_sees_the_replay(studio: Studio) -> None:
    """Live soon after the source, back to the start and to the edge again; afterwards the replay to its end."""
    await studio.go_live()
    async with front(studio) as address, Firefox.launch() as browser:
        page = await browser.open_page(1280, 800)
        await page.goto(address)
        await page.until("window.player?.state === 'playing'")
        await frames_advance(page)
        await page.until("player.range.end > 8 && player.latency > 0 && player.latency < 4 && !player.isBehind")

        await page.evaluate("() => player.rewindToStart()")
        await page.until("player.isBehind && player.state === 'playing'")
        await frames_advance(page)
        await page.evaluate("() => player.backToLive()")
        await page.until("!player.isBehind && player.state === 'playing'")
        await frames_advance(page)

        await studio.set_access(public=True)
        await studio.control("DELETE", "b1")
        await page.until("player.isOver")
        await page.goto(address)
        await page.until("window.player?.isOver && player.state === 'playing'")
        await frames_advance(page)
        await page.evaluate("() => player.seekTo(player.range.end - 1)")
        await page.until("player.state === 'finished'")
        assert page.errors == []


async def test_a_browser_without_the_decoder_says_so(studio: Studio) -> None:
    """Without a decoder for H.264 the viewer is sent to another browser, not told of a broken network for ever."""
    await studio.go_live()
    async with front(studio) as address, Firefox.launch({"media.ffmpeg.enabled": False}) as browser:
        page = await browser.open_page(1280, 800)
        await page.goto(address)
        await page.until("window.player?.state === 'unsupported'")
        assert await page.evaluate("() => states.includes('reconnecting')") is False


async def test_a_browser_without_media_sources_says_so(studio: Studio) -> None:
    """Where neither hls.js nor the browser itself can play a playlist, it is the same."""
    await studio.go_live()
    async with front(studio) as address, Firefox.launch({"media.mediasource.enabled": False}) as browser:
        page = await browser.open_page(1280, 800)
        await page.goto(address)
        await page.until("window.states?.includes('unsupported')")
