"""The whole chain of a reception: book, meet, record, note a matter, follow the case, archive, prove."""

from __future__ import annotations

import re
import subprocess
import sys

import av
from playwright.async_api import Browser, expect

from tests.journeys import steps
from tests.journeys.visitor import DESK, PHONE, Visitor
from tests.servers import ROOT, RunningStation, wait_for

MATTER = "请人上门测一楼采光"


async def meet(browser: Browser, station: RunningStation) -> tuple[Visitor, Visitor, str]:
    """Citizen and deputy, both in the room and seeing each other; returns them and the meeting's id."""
    citizen = await Visitor.arrive(browser, station.address, PHONE)
    deputy = await Visitor.arrive(browser, station.address, DESK)
    booking = await steps.book(citizen)
    await steps.check_calendar_file(citizen, booking)
    await citizen.go("/my")
    await citizen.look("my")
    meeting = await steps.try_devices(citizen, f"/meet/booking/{booking}")
    await citizen.look("device")
    await citizen.page.click("#join")
    await steps.give_consent(citizen)
    await expect(citizen.page.locator("#place")).to_be_visible()
    await citizen.look("lobby")

    await deputy.sign_in_as("linxiulan")
    await deputy.go("/deputy")
    await expect(deputy.page.locator("main")).to_contain_text("赵玉梅")
    await deputy.look("deputy-day")
    await steps.let_in(deputy, citizen, meeting)
    await steps.frames_flow(citizen)
    await steps.frames_flow(deputy)
    return citizen, deputy, meeting


async def test_reception_from_booking_to_rating(browser: Browser, running_station: RunningStation) -> None:
    """A citizen books and meets a deputy; the matter becomes a case, is answered, rated, archived and provable."""
    citizen, deputy, meeting = await meet(browser, running_station)
    await citizen.look("room-citizen")
    await talk_and_record(citizen, deputy)
    await citizen.look("room-citizen-recording")
    await deputy.look("room-deputy")
    await deputy.page.click("#end")
    await deputy.page.click("#end-confirm")
    await expect(citizen.page.locator("#over-words")).to_be_visible()
    assert citizen.errors == [] and deputy.errors == []
    await deputy.leave()
    case = await follow_case(browser, running_station, citizen)
    await check_archive(running_station, citizen, meeting)
    await check_public_view(browser, running_station, case)
    proof = running_station.command("ledger", "verify")
    assert proof.returncode == 0, proof.stdout + proof.stderr


async def talk_and_record(citizen: Visitor, deputy: Visitor) -> None:
    """Record, pause, resume; mute; chat; note a matter at its second of the recording."""
    await deputy.page.click("#record-start")
    await expect(citizen.page.locator("#recording-sign")).to_be_visible()
    await steps.frames_flow(deputy, more=30)
    await deputy.page.click("#record-pause")
    await expect(deputy.page.locator("#record-resume")).to_be_visible()
    await deputy.page.click("#record-resume")
    await expect(deputy.page.locator("#record-pause")).to_be_visible()
    await citizen.page.click("#mute")
    await expect(citizen.page.locator("#mute")).to_have_attribute("aria-pressed", "true")
    await citizen.page.click("#mute")
    await deputy.page.click("#tab-chat")
    await deputy.page.fill("#chat-text", "签字表方便发过来吗？")
    await deputy.page.press("#chat-text", "Enter")
    await expect(citizen.page.locator("#chat")).to_contain_text("签字表方便发过来吗？")
    await deputy.page.click("#tab-matters")
    await deputy.page.fill("#matter-title", MATTER)
    await deputy.page.click("#matter-send")
    await expect(deputy.page.locator("#matters")).to_contain_text(MATTER)
    await steps.frames_flow(deputy, more=10)


async def follow_case(browser: Browser, station: RunningStation, citizen: Visitor) -> str:
    """Accepted, assigned, answered, rated and concluded, each by whose turn it is; returns the case's id."""
    await citizen.go("/my")
    await citizen.page.click(f"text={MATTER}")
    found = re.search(r"cs_\w+", citizen.page.url)
    assert found
    case = found[0]
    await citizen.look("case-noted")
    clerk = await Visitor.arrive(browser, station.address, DESK)
    await clerk.sign_in_as("clerk")
    await clerk.go("/desk")
    await clerk.look("desk")
    await clerk.go(f"/desk/cases/{case}")
    await clerk.look("desk-case")
    await clerk.page.click("form[action$='/accept'] button")
    await clerk.page.select_option("form[action$='/assign'] select[name='unit']", "un_demo_housing")
    await clerk.page.click("form[action$='/assign'] button")
    await expect(clerk.page.locator("form[action$='/assign']")).to_have_count(0)
    unit = await Visitor.arrive(browser, station.address, DESK)
    await unit.sign_in_as("unit")
    await expect(unit.page.locator("main")).to_contain_text(MATTER)
    await unit.look("unit")
    await unit.go(f"/unit/cases/{case}")
    await steps.expect_pictures(unit, 1)
    await unit.look("unit-case")
    await unit.page.fill("form[action$='/reply'] textarea", "已上门测过，冬至日照满足 2 小时。")
    await unit.page.locator("input[name='outcome']").first.check()
    await unit.page.click("form[action$='/reply'] button")
    await expect(unit.page.locator("form[action$='/reply']")).to_have_count(0)
    await unit.leave()
    await citizen.go(f"/cases/{case}")
    await expect(citizen.page.locator("main")).to_contain_text("冬至日照满足 2 小时")
    await citizen.look("case-replied")
    await citizen.go(f"/cases/{case}/rate")
    await citizen.look("case-rate")
    await citizen.page.locator("input[name='grade']").first.check()
    await citizen.page.click("form[action$='/rate'] button.btn-main")
    await expect(citizen.page.locator("input[name='grade']")).to_have_count(0)
    await clerk.go(f"/desk/cases/{case}")
    await clerk.page.click("form[action$='/conclude'] button")
    await expect(clerk.page.locator("form[action$='/conclude']")).to_have_count(0)
    await clerk.leave()
    await citizen.go(f"/cases/{case}")
    await expect(citizen.page.locator("main")).to_contain_text("已办结")
    await citizen.look("case-concluded")
    return case


async def check_archive(station: RunningStation, citizen: Visitor, meeting: str) -> None:
    """One bag that verifies, with a video of the right length; the replay plays it; a changed byte is named."""
    bag = station.data / "bags" / meeting

    async def sealed() -> bool:
        return (bag / "bagit.txt").exists()

    await wait_for(sealed, "the bag", 120)
    names = {str(path.relative_to(bag / "data")) for path in (bag / "data").rglob("*") if path.is_file()}
    assert {"meeting.mp4", "chat.json", "attendance.json", "consents.json", "matters.json"} <= names
    assert sum(name.endswith(".mkv") for name in names) >= 4
    with av.open(str(bag / "data" / "meeting.mp4")) as video:
        assert video.duration is not None and 3 < video.duration / 1e6 < 60
        assert {stream.codec_context.name for stream in video.streams} == {"h264", "aac"}
    assert verify(bag).returncode == 0
    await citizen.go(f"/replay/{meeting}")
    await citizen.until("document.querySelector('video')?.readyState >= 1")
    await expect(citizen.page.locator("main")).to_contain_text(MATTER)
    await citizen.page.evaluate("document.querySelector('video').play()")
    await citizen.until("document.querySelector('video').currentTime > 0.5")
    await citizen.look("replay")
    victim = bag / "data" / "chat.json"
    content = bytearray(victim.read_bytes())
    content[5] ^= 1
    victim.chmod(0o600)
    victim.write_bytes(bytes(content))
    broken = verify(bag)
    assert broken.returncode == 1 and "chat.json" in broken.stdout
    content[5] ^= 1
    victim.write_bytes(bytes(content))


async def check_public_view(browser: Browser, station: RunningStation, case: str) -> None:
    """A stranger sees the steps of the case and nothing of the person."""
    stranger = await Visitor.arrive(browser, station.address, PHONE)
    await stranger.go(f"/cases/{case}")
    text = await stranger.page.inner_text("body")
    assert "赵玉梅" not in text and "13800001234" not in text and "22 户同意" not in text
    await stranger.look("case-public")
    await stranger.leave()


def verify(bag: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "recordings", "verify", str(bag)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
