"""The player in a real browser, with the browser's own decoders, against a running live role."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession, web
from playwright.async_api import Page, async_playwright

from tests.live.media import FakeMedia, encoded_tone, encoded_video, fake_media, interleaved
from tests.live.studio import Studio

ROOT = Path(__file__).parents[2]
HLS = ROOT / "node_modules" / "hls.js" / "dist" / "hls.mjs"
CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
POLICY = "default-src 'self'; media-src 'self' blob:"
PAGE = """<!doctype html><title>live</title><video muted width=320></video><script type=module src=/page.js></script>"""
SCRIPT = """
import { LivePlayer } from "/static/js/live/player.js";
import Hls from "/static/vendor/hls.mjs";
const native = location.hash === "#native";
window.player = new LivePlayer(document.querySelector("video"), "/live/b1/index.m3u8", native ? {} : { Hls });
window.states = [];
player.addEventListener("state", (event) => states.push(event.detail.state));
"""


@pytest_asyncio.fixture
async def media() -> AsyncIterator[FakeMedia]:
    """A media role at the speed of life."""
    async with fake_media(interleaved(encoded_video(4), encoded_tone(4)), 4) as running:
        yield running


@asynccontextmanager
async def front(studio: Studio) -> AsyncIterator[str]:
    """A page and its modules, with the live role behind the same origin as in the station; its address."""

    async def forward(request: web.Request) -> web.Response:
        async with session.get(studio.url + request.raw_path, headers={"Accept-Encoding": "identity"}) as answer:
            headers = {"Content-Type": answer.headers["Content-Type"]}
            return web.Response(status=answer.status, body=await answer.read(), headers=headers)

    async def page(request: web.Request) -> web.Response:
        if request.path == "/page.js":
            return web.Response(text=SCRIPT, content_type="text/javascript")
        return web.Response(text=PAGE, content_type="text/html", headers={"Content-Security-Policy": POLICY})

    async def module(request: web.Request) -> web.FileResponse:
        return web.FileResponse(HLS, headers={"Content-Type": "text/javascript"})

    app = web.Application()
    app.router.add_get("/live/{broadcast}/{file}", forward)
    app.router.add_get("/static/vendor/hls.mjs", module)
    app.router.add_static("/static/js", ROOT / "web" / "js")
    app.router.add_get("/{page:.*}", page)
    async with ClientSession() as session:
        runner = web.AppRunner(app, shutdown_timeout=0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
        finally:
            await runner.cleanup()


@asynccontextmanager
async def browser_at(address: str) -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        page = await browser.new_page()
        page.set_default_timeout(40_000)
        await page.goto(address)
        yield page
        await browser.close()


async def decoded(page: Page) -> int:
    return int(await page.evaluate("document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames"))


async def frames_advance(page: Page, by: int = 20) -> None:
    """Wait until the browser has decoded more frames."""
    until = await decoded(page) + by
    await page.wait_for_function(
        "until => document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames > until", arg=until
    )


async def ask(page: Page, expression: str) -> Any:
    return await page.evaluate(expression)


async def test_a_viewer_watches_rewinds_and_sees_the_replay(studio: Studio) -> None:
    """Live within seconds of the source; back to the very start; to the live edge again; the replay to its end."""
    await studio.go_live()
    async with front(studio) as address, browser_at(address) as page:
        await frames_advance(page)
        await page.wait_for_function("() => player.range.end > 8 && player.latency > 0")
        assert await ask(page, "player.latency") < 4
        assert await ask(page, "player.isBehind") is False

        await ask(page, "player.rewindToStart()")
        await page.wait_for_function("() => player.isBehind && player.state === 'playing'")
        assert await ask(page, "document.querySelector('video').currentTime") < 4
        await frames_advance(page)

        await ask(page, "player.backToLive()")
        await page.wait_for_function("() => !player.isBehind && player.state === 'playing'")
        await frames_advance(page)

        await studio.set_access(public=True)
        await studio.control("DELETE", "b1")
        await page.wait_for_function("() => player.isOver")
        await page.reload()
        await page.wait_for_function("() => player.isOver && player.state === 'playing'")
        assert await ask(page, "document.querySelector('video').currentTime") < 4
        await frames_advance(page)
        end = await ask(page, "player.range.end")
        await ask(page, f"player.seekTo({end} - 1)")
        await page.wait_for_function("() => player.state === 'finished'")
        await ask(page, "player.rewindToStart()")
        await page.wait_for_function("() => player.state === 'playing'")
        await frames_advance(page)


async def test_the_picture_comes_back_when_live_and_media_were_gone(studio: Studio, media: FakeMedia) -> None:
    """A restarted live role, then a restarted media role: the same page goes on without anybody touching it."""
    await studio.go_live()
    async with front(studio) as address, browser_at(address) as page:
        await frames_advance(page)
        await studio.stop()
        await studio.start()
        await frames_advance(page, 75)
        await media.stop()
        await media.start()
        await frames_advance(page, 75)


@pytest.mark.parametrize("kind", ["vp8"])
async def test_a_vp8_source_is_watched_too(studio: Studio, media: FakeMedia, kind: str) -> None:
    """Transcoded pictures play like others."""
    media.clip = interleaved(encoded_video(4, kind), encoded_tone(4))
    await studio.go_live()
    async with front(studio) as address, browser_at(address) as page:
        await frames_advance(page, 50)


async def test_without_media_source_extensions_the_browsers_own_hls_is_used(studio: Studio) -> None:
    """Chromium's native HLS plays the same address, without hls.js."""
    await studio.go_live()
    async with front(studio) as address, browser_at(address + "#native") as page:
        await page.wait_for_function("() => document.querySelector('video').src.endsWith('/live/b1/index.m3u8')")
        await frames_advance(page)
