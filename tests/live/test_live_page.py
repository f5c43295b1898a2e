"""The live page while its source goes away and comes back, in Chromium and in WebKit."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from station.base.principal import Principal, Role
from station.base.settings import Settings
from station.base.station import Station
from station.live.origin.main import LiveServer
from station.live.web.model import Broadcast
from station.live.web.service import start_broadcast, stop_broadcast
from tests.live.media import FakeMedia, encoded_tone, encoded_video, fake_media, interleaved
from tests.servers import wait_for
from tests.webkit import webkit_page

CLERK = Principal("ac_demo_clerk", Role.CLERK, "何晓雯", "st_demo_guihua")
VIDEO = "document.querySelector('#video')"
SHOWN = "[...document.querySelectorAll('#away, #player-state')].filter((e) => !e.hidden).map((e) => e.innerText).join()"
Evaluate = Callable[[str], Awaitable[Any]]


@pytest_asyncio.fixture
async def media() -> AsyncIterator[FakeMedia]:
    """A media role at the speed of life."""
    async with fake_media(interleaved(encoded_video(4), encoded_tone(4)), 4) as running:
        yield running


@dataclass
class Hall:
    """A broadcast on air, and the address of its page."""

    station: Station
    broadcast: Broadcast
    address: str
    media: FakeMedia

    async def end(self) -> None:
        await stop_broadcast(self.station, CLERK, self.broadcast.id)


@pytest_asyncio.fixture
async def hall(
    station: Station, media: FakeMedia, new_person: Any, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Hall]:
    """A station with its live role beside it; one person is on air."""
    settings = station.settings.model_copy(update={"media_http_port": media.port, "live_http_port": 0})
    async with LiveServer(settings) as live:
        monkeypatch.setattr(Settings, "live_url", f"http://127.0.0.1:{live.port}")
        broadcast = await start_broadcast(station, CLERK, "mt_hearing", "听证会", "林秀兰", "p1", "林秀兰代表")
        guest = await new_person()
        yield Hall(station, broadcast, str(guest.client.make_url(f"/live/{broadcast.id}")), media)


@asynccontextmanager
async def watching(name: str, address: str, browser: Browser) -> AsyncIterator[Evaluate]:
    """The page in that browser; what evaluates an expression in it."""
    if name == "webkit":
        async with webkit_page() as page:
            await page.go(address)
            yield page.evaluate
        return
    context = await browser.new_context(locale="zh-CN")
    tab = await context.new_page()
    await tab.goto(address)
    yield tab.evaluate
    await context.close()


async def until(evaluate: Evaluate, expression: str, timeout_s: float = 40.0) -> None:
    async def holds() -> bool:
        return bool(await evaluate(expression))

    await wait_for(holds, expression, timeout_s)


async def picture_advances(evaluate: Evaluate) -> None:
    at = await evaluate(f"{VIDEO}.currentTime")
    await until(evaluate, f"{VIDEO}.currentTime > {at} + 1")


@pytest.mark.parametrize("name", ["chromium", "webkit"])
async def test_a_viewer_is_told_that_the_source_is_away_and_when_it_is_back(
    name: str, hall: Hall, browser: Browser
) -> None:
    """The picture says that it waits, nothing says that it is over, and the next picture is shown without a tap;

    only the end of the broadcast makes it a replay.
    """
    async with watching(name, hall.address, browser) as evaluate:
        await picture_advances(evaluate)
        await hall.media.stop()
        await until(evaluate, f"{SHOWN}.includes('画面暂时中断')")
        assert await evaluate("document.querySelector('#latency').textContent") == ""
        assert "放完了" not in await evaluate(SHOWN)
        await hall.media.start()
        await until(evaluate, f"{SHOWN}.includes('画面回来了')")
        await picture_advances(evaluate)
        assert "中断" not in await evaluate(SHOWN)
        await hall.end()
        await until(evaluate, "document.querySelector('#sign').innerText.includes('回放')")
