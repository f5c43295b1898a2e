"""The meeting page in real browsers where things do not go smoothly: no devices, no consent, put out."""

from __future__ import annotations

from playwright.async_api import Browser, expect

from tests.journeys import steps
from tests.journeys.visitor import DESK, PHONE, Visitor
from tests.servers import RunningStation

REFUSED = """
navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("no", "NotAllowedError"));
"""


async def test_without_camera_and_against_recording_one_still_meets(
    browser: Browser, running_station: RunningStation
) -> None:
    """A citizen whose browser refuses camera and microphone is told how to allow them, goes in to listen and write;

    their no keeps the recording off, their yes lets it begin, 「停录」 pauses it, and who is put out reads why.
    """
    citizen = await Visitor.arrive(browser, running_station.address, PHONE)
    await citizen.context.add_init_script(REFUSED)
    booking = await steps.book(citizen)
    deputy = await Visitor.arrive(browser, running_station.address, DESK)
    await deputy.sign_in_as("linxiulan")
    page, desk = citizen.page, deputy.page

    await citizen.go(f"/meet/booking/{booking}")
    await expect(page.locator("#check-camera")).to_contain_text("没有让用摄像头")
    await expect(page.locator("#check-mic")).to_contain_text("没有让用麦克风")
    await page.click("#join")
    await page.click("#consent-send")
    await expect(page.locator("#consent-form .errsum h2")).to_have_text("有 2 处要改")
    await expect(page.locator("#consent-form .errsum")).to_be_focused()
    await page.click("#consent-form .errsum a >> nth=1")
    await expect(page.locator("#publish-yes")).to_be_focused()
    await steps.give_consent(citizen, recorded=False, published=False)
    await expect(page.locator("#place h2")).to_have_text("您排在下一位")

    await deputy.go("/deputy")
    await desk.click("#admit-ac_demo_citizen")
    await desk.click("#join")
    await steps.enter_room(deputy)
    await steps.enter_room(citizen)
    await expect(page.locator("#mute")).to_be_disabled()
    await expect(desk.locator(".tile:not(.self) .off")).to_have_text("没开画面")

    await expect(desk.locator("#recording-sign")).to_contain_text("不同意录像")
    await expect(desk.locator("#record-start")).to_be_hidden()
    await page.click("#allow-recorded")
    await expect(page.locator("#allow-recorded")).to_be_hidden()
    await desk.click("#record-start")
    await expect(page.locator("#recording-sign")).to_contain_text("正在录像")
    await page.click("#stop-recorded")
    await expect(desk.locator("#recording-sign")).to_contain_text("不同意录像")
    await expect(desk.locator("#record-resume")).to_be_hidden()

    await page.click("#open-side")
    await page.fill("#chat-text", "我听得见，<b>看不见</b>")
    await page.press("#chat-text", "Enter")
    await desk.click("#tab-chat")
    await expect(desk.locator("#chat .words")).to_have_text("我听得见，<b>看不见</b>")

    await desk.click("#tab-people")
    await desk.click("#remove-ac_demo_citizen")
    await expect(desk.locator("#nobody-inside")).to_contain_text("对方出去了")
    await expect(page.locator("#over-words")).to_have_text("工作人员请您离开了会场，有疑问请打电话")
    assert citizen.errors == [] and deputy.errors == []
    for person in (citizen, deputy):
        await person.leave()
