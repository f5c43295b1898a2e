"""A public hearing: the clerk goes live with the deputy, a viewer without login watches, rewinds, sees the replay."""

from __future__ import annotations

import re

from playwright.async_api import Browser, expect

from tests.journeys import steps
from tests.journeys.visitor import DESK, PHONE, Visitor
from tests.servers import RunningStation, wait_for

TITLE = "老旧小区加装电梯办法听证会"


async def open_hearing(clerk: Visitor) -> str:
    """The clerk makes a public hearing for now; returns the meeting's id."""
    page = clerk.page
    await clerk.go("/desk/hearings/new")
    await page.fill("#title", TITLE)
    day, starts = await page.evaluate(
        """() => {
          const part = (o) => new Intl.DateTimeFormat('sv', {timeZone: 'Asia/Shanghai', ...o}).format(new Date());
          return [part({dateStyle: 'short'}), part({timeStyle: 'short'})];
        }"""
    )
    hour = int(starts[:2])
    await page.fill("#day", day)
    await page.fill("#starts", starts)
    await page.fill("#ends", f"{hour + 1:02}:00" if hour < 23 else "23:59")
    await page.select_option("#deputy", "dp_demo_linxiulan")
    await page.check("input[name='public'][value='yes']")
    await page.click("#create-hearing")
    found = re.search(r"mt_\w+", page.url)
    assert found, await page.inner_text("main")
    return found[0]


async def video_time(viewer: Visitor) -> float:
    return float(await viewer.page.evaluate("document.querySelector('video').currentTime"))


async def pictures_shown(viewer: Visitor) -> int:
    """Frames that the video element has really presented."""
    script = "document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames"
    return int(await viewer.page.evaluate(script))


async def picture_advances(viewer: Visitor, more: int) -> None:
    before = await pictures_shown(viewer)

    async def grown() -> bool:
        return await pictures_shown(viewer) >= before + more

    await wait_for(grown, f"{more} more pictures in the live page", 40)


async def test_public_hearing_live_and_replay(browser: Browser, running_station: RunningStation) -> None:
    """Anybody watches the hearing live from a phone, goes back to the start, and after the
    clerk's review sees the same again."""
    clerk = await Visitor.arrive(browser, running_station.address, DESK)
    await clerk.sign_in_as("clerk")
    meeting = await open_hearing(clerk)
    await clerk.look("hearing-desk")
    deputy = await Visitor.arrive(browser, running_station.address, DESK)
    await deputy.sign_in_as("linxiulan")
    await steps.try_devices(deputy, f"/meet/{meeting}")
    await deputy.page.click("#join")
    await steps.enter_room(deputy)

    async def sends() -> bool:
        return (await deputy.frames())["sent"] > 25

    await wait_for(sends, "the deputy's picture")
    await clerk.go(f"/desk/hearings/{meeting}")
    await clerk.page.locator("#live-form input[name='person']").first.check()
    await clerk.page.click("#go-live")
    await expect(clerk.page.locator("#on-air")).to_be_visible()
    await clerk.look("hearing-desk-live")

    viewer = await Visitor.arrive(browser, running_station.address, PHONE)
    await viewer.go("/live")
    await viewer.look("live-list")
    await viewer.page.click(f"text={TITLE}")
    await viewer.page.wait_for_url("**/live/**")
    broadcast_url = viewer.page.url
    await picture_advances(viewer, 50)
    await viewer.look("live")
    await viewer.page.evaluate("document.querySelector('video').currentTime = 0")
    assert await video_time(viewer) < 3
    await picture_advances(viewer, 25)

    await clerk.go(f"/desk/hearings/{meeting}")
    await clerk.page.click("summary:has-text('停止直播')")
    await clerk.page.click("#stop-live")
    await expect(clerk.page.locator("#on-air")).to_have_count(0)
    again = await Visitor.arrive(browser, running_station.address, PHONE)
    await again.page.goto(broadcast_url)
    await expect(again.page.locator("h1")).to_have_text("这场直播结束了")
    await expect(viewer.page.locator("#away")).to_contain_text("录像要先审核", timeout=30_000)
    await clerk.page.locator("a[href*='/desk/broadcasts/']").first.click()
    await clerk.until("document.querySelector('video').duration > 2")
    await clerk.look("broadcast-review")
    await clerk.page.click("#publish")
    await expect(clerk.page.locator("main")).to_contain_text("现在谁都能看这段录像")
    await again.page.goto(broadcast_url)
    await again.until("document.querySelector('video').duration > 2")
    await again.page.evaluate("document.querySelector('video').play()")
    await picture_advances(again, 25)
    await again.look("live-replay")
    assert viewer.errors == [] and again.errors == [] and deputy.errors == []
