"""A person at a browser: signs in as the demo's page says, looks at the screen, reads WebRTC's own statistics."""

from __future__ import annotations

import os
import re
from pathlib import Path

from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.servers import wait_for

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 800}
WAIT_MS = 30_000

# Collects every peer connection of a page, so that a test can ask the browser itself what it sent and decoded;
# and its sockets, so that a test can break them: taking a page offline does not always close one that is open.
COLLECT_PEERS = """
window.__peers = [];
const Native = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Native {
  constructor(...given) { super(...given); window.__peers.push(this); }
};
window.__sockets = [];
const NativeSocket = window.WebSocket;
window.WebSocket = class extends NativeSocket {
  constructor(...given) { super(...given); window.__sockets.push(this); }
};
"""
FRAMES = """
async () => {
  const sums = {decoded: 0, sent: 0};
  for (const peer of window.__peers) {
    if (peer.connectionState === 'closed') continue;
    for (const report of (await peer.getStats()).values()) {
      if (report.type === 'inbound-rtp' && report.kind === 'video') sums.decoded += report.framesDecoded || 0;
      if (report.type === 'outbound-rtp' && report.kind === 'video') sums.sent += report.framesEncoded || 0;
    }
  }
  return sums;
}
"""


class Visitor:
    """One person with a browser of their own (cookies, window)."""

    def __init__(self, address: str, context: BrowserContext, page: Page) -> None:
        self.address, self.context, self.page = address, context, page
        page.set_default_timeout(WAIT_MS)
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    @classmethod
    async def arrive(cls, browser: Browser, address: str, size: dict[str, int], language: str = "zh-CN") -> Visitor:
        """Open a window at that size."""
        context = await browser.new_context(viewport=size, locale=language, ignore_https_errors=True)  # type: ignore[arg-type]
        await context.grant_permissions(["camera", "microphone"])
        await context.add_init_script(COLLECT_PEERS)
        return cls(address, context, await context.new_page())

    async def go(self, path: str) -> None:
        await self.page.goto(self.address + path)

    async def demo_page(self) -> str:
        answer = await self.context.request.get(self.address + "/demo")
        return await answer.text()

    async def sign_in_by_phone(self, phone: str) -> None:
        """From the sign-in page on, wherever it leads next."""
        page = self.page
        await page.fill("#phone", phone)
        await page.click("main form[action='/signin'] button")
        await page.wait_for_url("**/signin/code**")
        found = re.search(rf'data-to="{phone}">[^<]*?(\d{{6}})', await self.demo_page())
        assert found, "the code is not in the demo's outbox"
        await page.fill("#code", found[1])
        await page.click("form[action='/signin/code'] button.btn-main")

    async def sign_in_as(self, login: str) -> None:
        """Staff: password and the dynamic code that the demo page shows in place of a phone."""
        await self.go("/signin/staff")
        found = re.search(rf'data-login="{login}".*?class="num otp">(\d{{6}})', await self.demo_page(), re.DOTALL)
        assert found, "no dynamic code for " + login
        await self.page.fill("#login", login)
        await self.page.fill("#password", "demo-station")
        await self.page.fill("#otp", found[1])
        await self.page.click("form[action='/signin/staff'] button.btn-main")
        await expect(self.page.locator("#login")).to_have_count(0)

    async def frames(self) -> dict[str, int]:
        """Video frames decoded and sent so far, from getStats."""
        counts: dict[str, int] = await self.page.evaluate(FRAMES)
        return counts

    async def until(self, expression: str, timeout_s: float = 30.0) -> None:
        """Wait until a JavaScript expression holds (polled from here: the page's CSP forbids eval in it)."""

        async def holds() -> bool:
            return bool(await self.page.evaluate(f"() => {expression}"))

        await wait_for(holds, expression, timeout_s)

    async def look(self, name: str) -> None:
        """Keep a picture of the screen when SHOTS names a folder for it."""
        folder = os.environ.get("SHOTS")
        if folder:
            width = self.page.viewport_size["width"] if self.page.viewport_size else 0
            path = Path(folder) / f"{name}-{width}.png"
            await self.page.screenshot(path=path, full_page="room" not in name)

    async def leave(self) -> None:
        await self.context.close()
