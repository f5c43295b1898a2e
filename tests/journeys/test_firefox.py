"""A public hearing where most people use Firefox, which sends and takes no H.264: seen, heard, recorded, on air."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import av
import pytest_asyncio
from playwright.async_api import Browser, expect

from recordings.timeline import read_timeline
from tests.browsers.firefox import Firefox
from tests.journeys import steps
from tests.journeys.firefox_visitor import SMALL_CAMERA, FirefoxVisitor
from tests.journeys.test_hearing import open_hearing
from tests.journeys.visitor import DESK, PHONE, Visitor
from tests.servers import RunningStation, wait_for

CLERK, DEPUTY, CITIZEN = "ac_demo_clerk", "ac_demo_deputy1", "ac_demo_citizen"
PATIENCE_S = 60.0  # three browsers encode and decode by software beside each other
IS_MUTED = re.compile(r"\bis-muted\b")


@pytest_asyncio.fixture
async def firefox() -> AsyncIterator[Firefox]:
    """A Firefox with a fresh profile."""
    async with Firefox.launch() as started:
        yield started


async def arrive_in_chromium(browser: Browser, address: str) -> Visitor:
    """A person at a desk, with the small camera of the others."""
    visitor = await Visitor.arrive(browser, address, DESK)
    await visitor.context.add_init_script(SMALL_CAMERA)
    return visitor


async def sees(viewer: FirefoxVisitor, person: str, more: int = 10) -> None:
    """New pictures of that person's camera are decoded in the viewer's tile, which says nothing against it."""
    before = await viewer.pictures_shown(person)

    async def grown() -> bool:
        return await viewer.pictures_shown(person) >= before + more

    await wait_for(grown, f"{more} more pictures of {person}", PATIENCE_S)


async def sees_in_chromium(viewer: Visitor, person: str, more: int = 10) -> None:
    """The same at Chromium."""
    shown = (
        f"(document.querySelector(\"video[data-person='{person}']\")?.getVideoPlaybackQuality().totalVideoFrames ?? 0)"
    )
    before = int(await viewer.page.evaluate(shown))
    await viewer.until(f"{shown} >= {before + more}", PATIENCE_S)


async def come_in(citizen: FirefoxVisitor, clerk: Visitor, meeting: str) -> None:
    """Sign in, try the devices, agree to be recorded, wait, and be let in."""
    await citizen.sign_in_by_phone("13800001234")
    await citizen.try_devices(meeting)
    page = citizen.page
    await page.click("#join")
    for answer in ("#consent-yes", "#broadcast-yes", "#publish-yes", "#consent-send"):
        await page.click(answer)
    await page.until("!document.querySelector('[data-step=lobby]').hidden")
    await clerk.page.click("#tab-people")
    await clerk.page.click(f"#admit-{CITIZEN}")
    await citizen.enter_room()


async def mute_and_unmute(citizen: FirefoxVisitor, clerk: Visitor) -> None:
    """What the citizen switches off is shown as off to the others, and comes back."""
    tile = clerk.page.locator(f".tile:has(video[data-person='{CITIZEN}'])")
    await citizen.page.click("#mute")
    await expect(tile).to_have_class(IS_MUTED)
    await citizen.page.click("#mute")
    await expect(tile).not_to_have_class(IS_MUTED)
    await citizen.page.click("#camera")
    await expect(tile.locator(".off")).to_be_visible()
    await citizen.page.click("#camera")
    await expect(tile.locator(".off")).to_be_hidden()
    await sees_in_chromium(clerk, CITIZEN)


async def go_on_air(clerk: Visitor, meeting: str) -> None:
    """The clerk broadcasts the deputy from another window, so that the room stays open."""
    desk = Visitor(clerk.address, clerk.context, await clerk.context.new_page())
    await desk.go(f"/desk/hearings/{meeting}")
    await desk.page.locator("#live-form label", has_text="林秀兰").locator("input").check()
    await desk.page.click("#go-live")
    await expect(desk.page.locator("#on-air")).to_be_visible()
    assert desk.errors == []
    await desk.page.close()


async def watch_live(viewer: FirefoxVisitor) -> str:
    """Without signing in, find the broadcast and see it; returns its path."""
    await viewer.go("/live")
    await viewer.page.click(".live-card")
    await viewer.page.until("location.pathname.startsWith('/live/')")
    await broadcast_advances(viewer)
    await viewer.page.click("#to-start")
    await broadcast_advances(viewer)
    return str(await viewer.page.evaluate("() => location.pathname"))


async def broadcast_advances(viewer: FirefoxVisitor, more: int = 25) -> None:
    shown = "(document.querySelector('video')?.getVideoPlaybackQuality().totalVideoFrames ?? 0)"
    before = int(await viewer.page.evaluate(f"() => {shown}"))
    await viewer.page.until(f"{shown} >= {before + more}", 40)


async def leave_and_return(deputy: FirefoxVisitor, clerk: Visitor) -> None:
    """Who leaves by the button is gone from the others' screens, and comes back in by the meeting's page."""
    await deputy.page.click("#leave")
    tile = clerk.page.locator(f"video[data-person='{DEPUTY}']")
    await expect(tile).to_have_count(0)
    meeting = str(await deputy.page.evaluate("() => document.querySelector('#room').dataset.meeting"))
    await deputy.try_devices(meeting)
    await deputy.page.click("#join")
    await deputy.enter_room()
    await sees_in_chromium(clerk, DEPUTY)
    for person in (CLERK, CITIZEN):
        await sees(deputy, person)


def check_recording(folder: Path) -> None:
    """Each person's camera and microphone are in the recording, with pictures that can be decoded."""
    timeline = read_timeline(folder)
    for person in (CLERK, DEPUTY, CITIZEN):
        files = [folder / track.file for track in timeline.tracks if track.info.person == person]
        kinds = {"video": 0, "audio": 0}
        for file in files:
            with av.open(str(file)) as container:
                for frame in container.decode():
                    kinds["video" if isinstance(frame, av.VideoFrame) else "audio"] += 1
        assert all(count > 25 for count in kinds.values()), (person, kinds)


async def publish(clerk: Visitor, broadcast: str) -> None:
    """What was on air is not public before the clerk has looked at it."""
    await clerk.page.goto(clerk.address + broadcast.replace("/live/", "/desk/broadcasts/"))
    await clerk.page.click("#publish")
    await expect(clerk.page.locator("main")).to_contain_text("现在谁都能看这段录像")


async def watch_replay(viewer: FirefoxVisitor, broadcast: str) -> None:
    """After the hearing the same page plays it from the start."""
    await viewer.go(broadcast)
    await viewer.page.until("document.querySelector('video').duration > 2")
    await viewer.page.until("document.body.dataset.playerState === 'playing'")
    await broadcast_advances(viewer)
    await viewer.look("live-replay")


async def print_pages(citizen: FirefoxVisitor) -> None:
    """A short page takes one sheet and no blank one after it; a long list begins on the sheet of its heading."""
    for path, sheets in (("/deputies/dp_demo_linxiulan/poster", 1), ("/my/consents", 1), ("/cases/rules", 3)):
        await citizen.go(path)
        assert await citizen.page.count_sheets() == sheets, path


async def write_over_a_broken_line(citizen: FirefoxVisitor) -> None:
    """What was typed is there again after a reload and after the sending broke, and gone once it has arrived."""
    page, topic = citizen.page, "() => document.querySelector('#topic')?.value ?? ''"
    await citizen.go("/deputies/dp_demo_linxiulan")
    await page.click("label.slot:not(.is-full)")
    await page.click("form[action='/book'] button")
    await page.fill("#topic", steps.TOPIC)
    await page.reload()
    await page.until_text("main .notice", "写了一半")
    assert await page.evaluate(topic) == steps.TOPIC
    async with page.broken_line():
        await page.click("main form .btn-main")
        await page.until("Object.values(sessionStorage).some((kept) => kept.includes('form_key'))")
    await page.reload()
    await page.until("document.querySelector('main .notice')?.innerText.includes('放回来了')")
    assert await page.evaluate(topic) == steps.TOPIC
    await page.click("main form .btn-main")
    await page.until("location.pathname.endsWith('/check') && document.readyState === 'complete'")
    assert await page.evaluate("() => Object.keys(sessionStorage).filter((key) => key.startsWith('sent/'))") == []


async def test_a_hearing_of_chromium_and_two_firefoxes(
    browser: Browser, firefox: Firefox, running_station: RunningStation
) -> None:
    """All see each other, two and three; one mutes, leaves and returns; it is recorded, broadcast, and replayed."""
    address = running_station.address
    clerk = await arrive_in_chromium(browser, address)
    await clerk.sign_in_as("clerk")
    meeting = await open_hearing(clerk)
    await steps.try_devices(clerk, f"/meet/{meeting}")
    await clerk.page.click("#join")
    await steps.enter_room(clerk)

    deputy = await FirefoxVisitor.arrive(firefox, address, DESK)
    await deputy.sign_in_as("linxiulan")
    await deputy.try_devices(meeting)
    await deputy.page.click("#join")
    await deputy.enter_room()
    await sees(deputy, CLERK)
    await sees_in_chromium(clerk, DEPUTY)
    await deputy.look("room-two")

    citizen = await FirefoxVisitor.arrive(firefox, address, PHONE)
    await come_in(citizen, clerk, meeting)
    for person in (CLERK, DEPUTY):
        await sees(citizen, person)
    await sees(deputy, CITIZEN)
    await sees_in_chromium(clerk, CITIZEN)
    await citizen.look("room-three")

    await mute_and_unmute(citizen, clerk)
    await clerk.page.click("#record-start")
    await citizen.page.until("!document.querySelector('#recording-sign').hidden")
    await go_on_air(clerk, meeting)
    viewer = await FirefoxVisitor.arrive(firefox, address, PHONE)
    broadcast = await watch_live(viewer)
    await leave_and_return(deputy, clerk)
    await broadcast_advances(viewer)
    await viewer.look("live")

    await clerk.page.click("#record-stop")
    await expect(clerk.page.locator("#record-start")).to_be_visible()
    check_recording(running_station.data / "recordings" / meeting)
    await clerk.page.click("#end")
    await clerk.page.click("#end-confirm")
    await citizen.page.until("!document.querySelector('[data-step=over]').hidden")
    await print_pages(citizen)
    await write_over_a_broken_line(citizen)
    await publish(clerk, broadcast)
    await watch_replay(viewer, broadcast)
    for visitor in (clerk, deputy, citizen, viewer):
        assert visitor.errors == []
