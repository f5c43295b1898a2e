"""The quality page beside a real call, one side of which is on a line that gets worse and better again."""

from __future__ import annotations

import re

from playwright.async_api import Browser, expect

from bench.network.link import GOOD, Rules
from bench.network.relay import Relay, detour
from tests.accessibility.checks import STICKING_OUT, run_axe
from tests.journeys import steps
from tests.journeys.test_hearing import open_hearing
from tests.journeys.visitor import DESK, PHONE, Visitor
from tests.servers import RunningStation

PATIENCE_MS = 40_000


async def test_the_page_follows_a_line(browser: Browser, running_station: RunningStation) -> None:
    """Good while both see each other; weak or bad with the reason when one line loses, good again after it;

    all by itself, while the figures that somebody has opened stay open, and nothing to press moves.
    """
    target = ("127.0.0.1", int(running_station.environment["STATION_MEDIA_PORT"]))
    clerk = await Visitor.arrive(browser, running_station.address, DESK)
    deputy = await Visitor.arrive(browser, running_station.address, DESK)
    await clerk.sign_in_as("clerk")
    meeting = await open_hearing(clerk)
    async with Relay(target) as line:
        await deputy.context.add_init_script(detour(line.address))
        await deputy.sign_in_as("linxiulan")
        for person in (deputy, clerk):
            await steps.try_devices(person, f"/meet/{meeting}")
            await person.page.click("#join")
            await steps.enter_room(person)
        await steps.frames_flow(deputy)
        desk = Visitor(clerk.address, clerk.context, await clerk.context.new_page())
        page = desk.page
        await desk.go(f"/meet/{meeting}/quality")
        chair = page.locator("#people li").filter(has_text="林秀兰").first
        await expect(chair).to_contain_text("听得清，看得清", timeout=PATIENCE_MS)
        await page.locator("summary", has_text="看数字").click()
        report = await page.locator("#report").bounding_box()
        await desk.look("quality-good")

        line.set_rules(up=Rules(loss=0.12, delay_s=0.05), down=Rules(loss=0.12, delay_s=0.05))
        await expect(chair).to_contain_text("上行丢包", timeout=PATIENCE_MS)
        await expect(chair.locator(".tag")).to_have_text(re.compile("较弱|很差"))
        await expect(chair).to_contain_text("怎么办：")
        await expect(page.locator("#figures table")).to_be_visible()
        assert await page.locator("#report").bounding_box() == report
        await desk.look("quality-weak")
        await looks_right(desk)

        line.set_rules(up=GOOD, down=GOOD)
        await expect(chair.locator(".tag")).to_have_text("好", timeout=90_000)
    for person in (desk, deputy, clerk):
        assert person.errors == []
    for person in (deputy, clerk):
        await person.leave()


async def looks_right(person: Visitor) -> None:
    """No finding by axe, and no sideways scroll on a phone."""
    page = person.page
    assert await run_axe(page) == []
    await page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert await page.evaluate(STICKING_OUT) == []
    await person.look("quality-weak")
