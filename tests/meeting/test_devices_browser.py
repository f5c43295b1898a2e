"""Cameras and microphones that are closed, pulled out or not lent by the browser, in a real one."""

from __future__ import annotations

from playwright.async_api import Browser, expect

from tests.journeys import steps
from tests.journeys.test_hearing import open_hearing
from tests.journeys.visitor import DESK, PHONE, Visitor
from tests.servers import RunningStation

COLLECT_TRACKS = """
window.__tracks = [];
const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (wanted) => {
  const stream = await open(wanted);
  window.__tracks.push(...stream.getTracks());
  return stream;
};
"""
LIVE = "window.__tracks.filter((track) => track.readyState === 'live').map((track) => track.kind)"
# What a browser does when a device in use is pulled out.
PULL_OUT = """(kind) => {
  for (const track of window.__tracks.filter((one) => one.kind === kind && one.readyState === 'live')) {
    track.stop();
    track.dispatchEvent(new Event('ended'));
  }
}"""
NO_WEBRTC = "delete window.RTCPeerConnection"
NO_DEVICES = "Object.defineProperty(Navigator.prototype, 'mediaDevices', { get: () => undefined })"
WECHAT = "Mozilla/5.0 (Linux; Android 10) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36 MicroMessenger/8.0.50"


async def test_what_the_room_says_of_a_device_is_what_it_does(
    browser: Browser, running_station: RunningStation
) -> None:
    """A camera that is off is closed, and opened anew; a microphone that is pulled out is said to its owner and to

    the others, and another can be chosen without leaving. On a phone muting and leaving stay in reach beside the chat.
    """
    clerk = await Visitor.arrive(browser, running_station.address, PHONE)
    await clerk.context.add_init_script(COLLECT_TRACKS)
    await clerk.sign_in_as("clerk")
    meeting = await open_hearing(clerk)
    deputy = await Visitor.arrive(browser, running_station.address, DESK)
    await deputy.sign_in_as("linxiulan")
    for person in (clerk, deputy):
        await steps.try_devices(person, f"/meet/{meeting}")
        await person.page.click("#join")
        await steps.enter_room(person)
    await steps.frames_flow(clerk)
    page, other = clerk.page, deputy.page.locator("#tiles .tile:not(.self)").first

    await page.click("#camera")
    await clerk.until(f"!{LIVE}.includes('video')")
    await expect(other.locator(".off")).to_have_text("没开画面")
    await expect(page.locator("#camera")).to_have_attribute("aria-pressed", "true")
    await page.click("#camera")
    await clerk.until(f"{LIVE}.includes('video')")
    await expect(other.locator(".off")).to_be_hidden()
    await steps.frames_flow(clerk)

    await page.evaluate(PULL_OUT, "audio")
    await expect(page.locator("#device-problem")).to_contain_text("麦克风断开了")
    await expect(page.locator("#mute")).to_have_attribute("aria-pressed", "true")
    await expect(deputy.page.locator("#tiles .tile:not(.self).is-muted")).to_have_count(1)
    await page.locator("#device-offers button").first.click()
    await expect(page.locator("#device-problem")).to_be_hidden()
    await expect(deputy.page.locator("#tiles .tile:not(.self).is-muted")).to_have_count(0)
    await page.evaluate(PULL_OUT, "video")
    await expect(page.locator("#device-problem")).to_contain_text("摄像头断开了")
    await expect(other.locator(".off")).to_have_text("没开画面")
    await page.click("#camera")
    await expect(other.locator(".off")).to_be_hidden()

    await page.click("#open-side")
    for name in ("#mute", "#leave", "#sheet-close"):
        await expect(page.locator(name)).to_be_in_viewport(ratio=1)
    assert clerk.errors == [] and deputy.errors == []
    for person in (clerk, deputy):
        await person.leave()


async def test_a_browser_that_cannot_meet_says_so_and_never_enters(
    browser: Browser, running_station: RunningStation
) -> None:
    """Without WebRTC nobody gets past the device check; without devices one may listen; both are told what to do."""
    clerk = await Visitor.arrive(browser, running_station.address, PHONE)
    await clerk.sign_in_as("clerk")
    meeting = await open_hearing(clerk)
    cookies = await clerk.context.cookies()
    for lack, agent, told, listens in (
        (NO_WEBRTC, None, "这个浏览器不能视频见面", False),
        (NO_WEBRTC, WECHAT, "在这里打不开摄像头", False),
        (NO_DEVICES, None, "这个浏览器不让网页用摄像头", True),
        (NO_DEVICES, WECHAT, "在这里打不开摄像头", True),
    ):
        context = await browser.new_context(viewport=PHONE, locale="zh-CN", user_agent=agent)  # type: ignore[arg-type]
        await context.add_init_script(lack)
        await context.add_cookies(cookies)  # type: ignore[arg-type]
        page = await context.new_page()
        await page.goto(f"{running_station.address}/meet/{meeting}")
        await expect(page.locator("#lack-title")).to_contain_text(told)
        await expect(page.locator("#address")).to_have_value(page.url)
        await expect(page.locator("#lack-steps")).to_be_visible(visible=agent is not None)
        await expect(page.locator("#way-out")).to_be_visible(visible=agent is not None)
        await expect(page.locator("#join")).to_be_hidden()
        await expect(page.locator("#join-audio")).to_be_visible(visible=listens)
        assert "https" not in await page.inner_text("main")
        await context.close()
    await clerk.leave()
