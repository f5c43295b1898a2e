"""The steps of the chain as people do them, for the journeys to put together."""

from __future__ import annotations

import re

from playwright.async_api import expect

from tests.journeys.visitor import Visitor
from tests.photos.pictures import PROGRAM, phone_photo
from tests.servers import wait_for

TOPIC = "7 号楼想装电梯，一楼担心挡光"


async def book(citizen: Visitor) -> str:
    """Find 林秀兰 by the estate one lives in, take her first free video slot; returns the booking's id."""
    page = citizen.page
    await citizen.go("/")
    await citizen.look("home")
    await page.fill("#place", "柳荫新村")
    await page.click("form[action='/deputies'] button")
    await citizen.look("deputies")
    await citizen.go("/deputies/dp_demo_linxiulan")
    await citizen.look("deputy")
    await page.locator("label.slot:not(.is-full)").first.click()
    await page.click("form[action='/book'] button")
    await citizen.sign_in_by_phone("13800001234")
    await page.fill("#topic", TOPIC)
    await page.fill("#description", "22 户同意，一楼两户不同意。")
    await add_photos(citizen)
    await citizen.look("book-topic")
    await page.click("main form .btn-main")
    await expect(page.locator("main")).to_contain_text(TOPIC)
    await expect_pictures(citizen, 1)
    await citizen.look("book-check")
    await page.check("#use")
    await page.click("main form .btn-main")
    await page.wait_for_url(re.compile(r"/bookings/bk_"))
    await expect_pictures(citizen, 1)
    await citizen.look("book-done")
    found = re.search(r"bk_\w+", page.url)
    assert found
    return found[0]


async def add_photos(citizen: Visitor) -> None:
    """Choose a file that is no photo, read why it was not taken, and add a real one; what was typed is still there."""
    page = citizen.page
    lie = {"name": "wall.jpg", "mimeType": "image/jpeg", "buffer": PROGRAM}
    await page.set_input_files("#photos", lie)  # type: ignore[arg-type]
    await page.click("button[value='add']")
    await expect(page.locator("#photos-error")).to_contain_text("没有收下")
    await expect(page.locator("#topic")).to_have_value(TOPIC)
    await citizen.look("book-photo-refused")
    photo = {"name": "IMG_0001.jpg", "mimeType": "image/jpeg", "buffer": phone_photo(size=(4032, 3024))}
    await page.set_input_files("#photos", photo)  # type: ignore[arg-type]
    await page.click("button[value='add']")
    await expect_pictures(citizen, 1)
    await expect(page.locator("#topic")).to_have_value(TOPIC)


async def expect_pictures(person: Visitor, count: int) -> None:
    """So many photos stand on the page, and the browser could decode each; they are upright."""
    pictures = person.page.locator("main .photos img")
    await expect(pictures).to_have_count(count)
    await pictures.first.scroll_into_view_if_needed()
    await person.until(
        "[...document.querySelectorAll('main .photos img')].every((one) => one.naturalHeight > one.naturalWidth)"
    )


async def check_calendar_file(citizen: Visitor, booking: str) -> None:
    """The confirmation's .ics is one that a calendar takes."""
    answer = await citizen.context.request.get(f"{citizen.address}/bookings/{booking}/calendar.ics")
    text = await answer.text()
    assert answer.headers["content-type"].startswith("text/calendar")
    assert "BEGIN:VEVENT" in text and "DTSTART" in text


async def try_devices(person: Visitor, path: str) -> str:
    """Open the meeting's page and see the own picture; returns the meeting's id."""
    await person.go(path)
    await expect(person.page.locator("#preview")).to_be_visible()
    await person.until("document.querySelector('#preview').videoWidth > 0")
    found = re.search(r"mt_\w+", person.page.url)
    assert found, person.page.url
    return found[0]


async def give_consent(person: Visitor, recorded: bool = True, published: bool = True) -> None:
    """Answer both questions; neither is answered beforehand."""
    page = person.page
    await expect(page.locator("#consent-form")).to_be_visible()
    assert await page.locator("#consent-form input:checked").count() == 0
    await person.look("consent")
    await page.check("#consent-yes" if recorded else "#consent-no")
    await page.check("#publish-yes" if published else "#publish-no")
    await page.click("#consent-send")


async def enter_room(person: Visitor) -> None:
    """Wait until the room's page is connected to the media role."""
    await person.until("document.body.dataset.roomState === 'connected'")


async def let_in(host: Visitor, guest: Visitor, meeting: str) -> None:
    """The host goes in and lets the guest in, who waits in the lobby."""
    await try_devices(host, f"/meet/{meeting}")
    await host.page.click("#join")
    await enter_room(host)
    await host.page.click("#tab-people")
    await host.page.click("#waiting [id^='admit-']")
    await enter_room(guest)


async def frames_flow(person: Visitor, more: int = 10, timeout_s: float = 30) -> None:
    """The browser itself says that it decodes new frames and sends its own."""
    before = await person.frames()

    async def grown() -> bool:
        now = await person.frames()
        return now["decoded"] >= before["decoded"] + more and now["sent"] >= before["sent"] + more

    await wait_for(grown, "frames decoded and sent", timeout_s)


async def frames_arrive(person: Visitor, more: int = 10, timeout_s: float = 30) -> None:
    """New frames are decoded, whether or not this page sends any."""
    before = await person.frames()

    async def grown() -> bool:
        return (await person.frames())["decoded"] >= before["decoded"] + more

    await wait_for(grown, "frames decoded", timeout_s)
