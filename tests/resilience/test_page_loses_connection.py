"""One page loses its network for a while in the middle of a meeting and comes back by itself."""

from __future__ import annotations

import time

from playwright.async_api import Browser, expect

from tests.journeys import steps
from tests.journeys.test_meeting import meet
from tests.journeys.visitor import Visitor
from tests.servers import RunningStation, wait_for

OFFLINE_S = 6.0
BACK_WITHIN_S = 10.0
STATE = "document.body.dataset.roomState"
DROP_SOCKETS = "() => window.__sockets.forEach((socket) => socket.close())"


async def test_a_page_comes_back_after_its_network_was_away(browser: Browser, running_station: RunningStation) -> None:
    """It says that it reconnects for as long as it must, then both see each other again; nobody touched anything."""
    citizen, deputy, _ = await meet(browser, running_station)
    tiles = deputy.page.locator("#tiles video")
    before = await tiles.count()
    await citizen.context.set_offline(True)
    await citizen.page.evaluate(DROP_SOCKETS)
    await citizen.until(f"{STATE} === 'reconnecting'", 10)
    await expect(citizen.page.locator("#network")).to_be_visible()
    await keeps_trying(citizen, OFFLINE_S)
    assert await deputy.page.evaluate(f"() => {STATE}") == "connected"
    await citizen.context.set_offline(False)
    online = time.monotonic()
    await steps.enter_room(citizen)
    for person in (citizen, deputy):
        await steps.frames_flow(person, more=5)
    assert time.monotonic() - online < BACK_WITHIN_S
    await expect(citizen.page.locator("#network")).to_be_hidden()
    await expect(tiles).to_have_count(before)
    await deputy.page.click("#tab-chat")
    await deputy.page.fill("#chat-text", "刚才断了一下")
    await deputy.page.press("#chat-text", "Enter")
    await expect(citizen.page.locator("#chat")).to_contain_text("刚才断了一下")
    assert citizen.errors == [] and deputy.errors == []


async def keeps_trying(person: Visitor, for_s: float) -> None:
    """The page stays in the room without giving up."""
    end = time.monotonic() + for_s

    async def over() -> bool:
        assert await person.page.evaluate(f"() => {STATE}") == "reconnecting"
        return time.monotonic() >= end

    await wait_for(over, "the time offline", for_s + 10)
