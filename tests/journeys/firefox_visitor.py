"""A person at Firefox, with the same words as `visitor.Visitor` where both can do it."""

from __future__ import annotations

import os
import re
from pathlib import Path

from tests.browsers.firefox import Firefox, FirefoxPage
from tests.journeys.visitor import COLLECT_PEERS, FRAMES
from tests.servers import wait_for

# Several browsers that encode by software share the cores of one machine. A window's first, empty page has no devices.
SMALL_CAMERA = """
const open = window.MediaDevices?.prototype.getUserMedia;
if (open) MediaDevices.prototype.getUserMedia = function (wanted) {
  const video = wanted.video && {...(wanted.video === true ? {} : wanted.video), width: 640, height: 360};
  return open.call(this, {...wanted, video: video ?? false});
};
"""


class FirefoxVisitor:
    """One person with a window and cookies of their own."""

    def __init__(self, address: str, page: FirefoxPage, width: int) -> None:
        self.address, self.page, self._width = address, page, width

    @classmethod
    async def arrive(cls, browser: Firefox, address: str, size: dict[str, int]) -> FirefoxVisitor:
        """Open a window at that size."""
        page = await browser.open_page(size["width"], size["height"], COLLECT_PEERS + SMALL_CAMERA)
        return cls(address, page, size["width"])

    @property
    def errors(self) -> list[str]:
        """The uncaught errors of the pages seen so far."""
        return self.page.errors

    async def go(self, path: str) -> None:
        await self.page.goto(self.address + path)

    async def demo_page(self) -> str:
        return str(await self.page.evaluate("async () => (await fetch('/demo')).text()"))

    async def sign_in_by_phone(self, phone: str) -> None:
        """A citizen: the number from the text message, which the demo's page shows."""
        page = self.page
        await self.go("/signin")
        await page.fill("#phone", phone)
        await page.click("main form[action='/signin'] button")
        await page.until("location.pathname === '/signin/code'")
        found = re.search(rf'data-to="{phone}">[^<]*?(\d{{6}})', await self.demo_page())
        assert found, "the code is not in the demo's outbox"
        await page.fill("#code", found[1])
        await page.click("form[action='/signin/code'] button.btn-main")
        await page.until("!location.pathname.startsWith('/signin')")

    async def sign_in_as(self, login: str) -> None:
        """Staff: password and the dynamic code that the demo page shows in place of a phone."""
        page = self.page
        await self.go("/signin/staff")
        found = re.search(rf'data-login="{login}".*?class="num otp">(\d{{6}})', await self.demo_page(), re.DOTALL)
        assert found, "no dynamic code for " + login
        await page.fill("#login", login)
        await page.fill("#password", "demo-station")
        await page.fill("#otp", found[1])
        await page.click("form[action='/signin/staff'] button.btn-main")
        await page.until("!document.querySelector('#login')")

    async def try_devices(self, meeting: str) -> None:
        """Open the meeting's page and see the own picture."""
        await self.go(f"/meet/{meeting}")
        await self.page.until("document.querySelector('#preview').videoWidth > 0")

    async def enter_room(self) -> None:
        """Wait until the room's page is connected to the media role."""
        await self.page.until("document.body.dataset.roomState === 'connected'")

    async def frames(self) -> dict[str, int]:
        """Video frames decoded and sent so far, from getStats."""
        counts: dict[str, int] = await self.page.evaluate(FRAMES)
        return counts

    async def frames_flow(self, more: int = 10, timeout_s: float = 30) -> None:
        """The browser itself says that it decodes new frames and sends its own."""
        before = await self.frames()

        async def grown() -> bool:
            now = await self.frames()
            return all(now[way] >= before[way] + more for way in ("decoded", "sent"))

        try:
            await wait_for(grown, "frames decoded and sent", timeout_s)
        except AssertionError as error:
            raise AssertionError(f"{error}: {before} before, now {await self.frames()}") from error

    async def pictures_shown(self, person: str) -> int:
        """Frames of one camera painted on its tile: Firefox's playback quality counts none of a live stream."""
        script = "(who) => document.querySelector(`video[data-person='${who}']`)?.mozPaintedFrames ?? 0"
        return int(await self.page.evaluate(script, person))

    async def look(self, name: str) -> None:
        """Keep a picture of the screen when SHOTS names a folder for it."""
        folder = os.environ.get("SHOTS")
        if folder:
            await self.page.screenshot(Path(folder) / f"{name}-firefox-{self._width}.png")

    async def leave(self) -> None:
        await self.page.close()
