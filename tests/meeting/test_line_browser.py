"""The meeting page on a weak line: it says so in words, tells media what it shows, and keeps figures for a report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, expect

from tests.journeys import steps
from tests.journeys.visitor import DESK, PHONE, WAIT_MS, Visitor
from tests.servers import RunningStation

# What the page says to media, so that a test can read it.
LISTEN = """
window.said = [];
const send = WebSocket.prototype.send;
WebSocket.prototype.send = function (text) { window.said.push(JSON.parse(text)); return send.call(this, text); };
// Chromium cannot be told to lose datagrams: it is only made to say that half of them were lost.
const getStats = RTCRtpReceiver.prototype.getStats;
RTCRtpReceiver.prototype.getStats = async function () {
  const entries = [...(await getStats.call(this)).entries()];
  return new Map(entries.map(([id, entry]) => {
    const loses = window.losing && entry.type === "inbound-rtp";
    return [id, loses ? { ...entry, packetsLost: entry.packetsReceived } : entry];
  }));
};
"""
SHOWN = "Object.values(said.filter((message) => message.type === 'show').at(-1)?.tracks ?? {})"
SAY = "(message) => __sockets.at(-1).dispatchEvent(new MessageEvent('message', { data: JSON.stringify(message) }))"
HIDE = """
(state) => {
  Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}
"""


async def meet(browser: Browser, running_station: RunningStation) -> tuple[Visitor, Visitor]:
    """A citizen on a phone and the deputy at a desk, in the room and seeing each other."""
    citizen = await Visitor.arrive(browser, running_station.address, PHONE)
    deputy = await Visitor.arrive(browser, running_station.address, DESK)
    for person in (citizen, deputy):
        await person.context.add_init_script(LISTEN)
    booking = await steps.book(citizen)
    meeting = await steps.try_devices(citizen, f"/meet/booking/{booking}")
    await citizen.page.click("#join")
    await steps.give_consent(citizen)
    await deputy.sign_in_as("linxiulan")
    await steps.let_in(deputy, citizen, meeting)
    await steps.frames_flow(citizen)
    return citizen, deputy


async def test_the_page_tells_media_what_it_shows_and_people_how_the_line_is(
    browser: Browser, running_station: RunningStation, tmp_path: Path
) -> None:
    """What is in sight reaches media; what media says, and what the browser measures, is said in words."""
    citizen, deputy = await meet(browser, running_station)
    await check_in_sight(citizen)
    for person in (citizen, deputy):
        await check_media_is_believed(person)
        await check_report(person, tmp_path / "report.json")
    await check_weak_line(citizen, deputy)
    assert citizen.errors == [] and deputy.errors == []
    for person in (citizen, deputy):
        await person.leave()


async def tell(page: Page, **message: Any) -> None:
    """As if media said it."""
    await page.evaluate(SAY, message)


async def camera_seen_by(person: Visitor) -> str:
    """The id of the other's camera."""
    await person.until(f"{SHOWN}.length === 1")
    shown: dict[str, int] = await person.page.evaluate("said.filter((m) => m.type === 'show').at(-1).tracks")
    (camera,) = shown
    return camera


async def check_in_sight(citizen: Visitor) -> None:
    """A full picture counts its pixels, a sheet over half of it makes it lower, a hidden page shows nothing."""
    page = citizen.page
    await citizen.until(f"{SHOWN}[0] > 500")
    await page.click("#open-side")
    await citizen.until(f"{SHOWN}[0] > 100 && {SHOWN}[0] < 300")
    await page.evaluate(HIDE, "hidden")
    await citizen.until(f"{SHOWN}[0] === 0")
    await page.evaluate(HIDE, "visible")
    await citizen.until(f"{SHOWN}[0] > 100")
    await page.evaluate("__sockets.at(-1).close()")
    await citizen.until("document.body.dataset.roomState === 'reconnecting'")
    shows = await page.evaluate("said.filter((m) => m.type === 'show').length")
    await steps.enter_room(citizen)
    await citizen.until(f"said.filter((m) => m.type === 'show').length > {shows} && {SHOWN}[0] > 100")


async def check_media_is_believed(person: Visitor) -> None:
    """Media's word dims the picture under a sentence, and takes both away again; its word alone says who speaks."""
    page = person.page
    camera = await camera_seen_by(person)
    other = await page.locator("#tiles .tile:not(.self) video").get_attribute("data-person")
    words = page.locator("#tiles .tile:not(.self) .resting")
    await expect(words).to_be_hidden()
    await tell(page, type="track_paused", track=camera, paused=True)
    await expect(words).to_have_text("对方画面暂停：您的网络较弱，声音照常")
    await tell(page, type="speakers", people=[other])
    await expect(page.locator("#tiles .tile.is-speaking:not(.self)")).to_have_count(1)
    await person.look("room-paused")
    await tell(page, type="track_paused", track=camera, paused=False)
    await expect(words).to_be_hidden()
    await tell(page, type="speakers", people=[])
    await expect(page.locator("#tiles .tile.is-speaking:not(.self)")).to_have_count(0)


async def check_weak_line(citizen: Visitor, deputy: Visitor) -> None:
    """When many packets are lost, the own picture says 网络较弱 and a quiet line says what that means; then both go."""
    page = citizen.page
    weak = page.locator("#tiles .tile.self .badge")
    await expect(weak).to_be_hidden()
    await expect(page.locator("#line")).to_be_hidden()
    await page.click("#sheet-close")
    await page.evaluate("window.losing = true")
    await expect(weak).to_be_visible(timeout=WAIT_MS)
    await expect(weak).to_have_text("网络较弱")
    await expect(page.locator("#line")).to_contain_text("您的网络")
    await citizen.look("room-weak")
    await deputy.look("room-weak")
    await page.evaluate("window.losing = false")
    await expect(weak).to_be_hidden(timeout=WAIT_MS)
    await expect(page.locator("#line")).to_be_hidden()


async def check_report(person: Visitor, file: Path) -> None:
    """The file has the figures of both connections and what happened when, and neither names, addresses nor keys."""
    page = person.page
    async with page.expect_download() as saving:
        await page.click("#trouble")
    await (await saving.value).save_as(file)
    await expect(page.locator("#trouble-said")).to_contain_text("问题报告已存到")
    await person.look("room-report")
    text = file.read_text(encoding="utf-8")
    report = json.loads(text)
    assert report["meeting"].startswith("mt_")
    assert {"outbound-rtp", "candidate-pair"} <= {entry["type"] for entry in report["up"]["stats"]}
    assert {"inbound-rtp", "transport"} <= {entry["type"] for entry in report["down"]["stats"]}
    states = [entry["detail"] for entry in report["trace"] if entry["what"] == "state"]
    assert states[:2] == ["connecting", "connected"]
    assert "Chrome" in report["browser"]["agent"]
    for secret in ("赵玉梅", "林秀兰", "127.0.0.1", "ac_demo", "ingerprint", "frag", "assword"):
        assert secret not in text, secret
    hashes = "[...new Set((await Promise.all(__peers.map(async (p) => [...(await p.getStats()).values()]))).flat()"
    found = await page.evaluate(f"async () => {hashes}.map((entry) => entry.fingerprint).filter(Boolean))]")
    assert found and not any(fingerprint in text for fingerprint in found)
