"""A media role in a process of its own, a page server, and one Chromium whose contexts are separate people."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web
from playwright.async_api import Browser, Page, async_playwright
from playwright.async_api import Error as PlaywrightError

from bench.browser.clip import write_moving_picture, write_speech
from bench.network.relay import Relay, detour
from bench.role import media_role
from station.base.grants import Grant, GrantSigner, Right
from tests.servers import CHROMIUM_ARGUMENTS

HERE = Path(__file__).parent
WEB = HERE.parents[1] / "web"
ENTER_S = 20.0


@dataclass(frozen=True, slots=True)
class Devices:
    """What the fake camera and microphone play, written into a folder: `write` gives the paths of picture and sound."""

    width: int
    height: int
    write: Callable[[Path, int, int], tuple[Path, Path]]
    sound: bool | dict[str, bool] = True  # the constraints of the microphone


def speaking(folder: Path, width: int, height: int) -> tuple[Path, Path]:
    """A picture that moves and somebody who speaks."""
    return write_moving_picture(folder / "picture.y4m", width, height), write_speech(folder / "speech.wav")


class Stage:
    """An async context manager."""

    def __init__(self, devices: Devices) -> None:
        self.devices = devices
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Stage:
        async with AsyncExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="station-bench-")))
            self._signer = GrantSigner.load(folder / "keys")
            self._pages = await _serve_pages(stack)
            self.media = stack.enter_context(media_role(folder, self._pages.rstrip("/")))
            files = self.devices.write(folder, self.devices.width, self.devices.height)
            self.browser = await _start_browser(stack, *files)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def grant(self, room: str, person: str) -> str:
        """A pass to publish and watch."""
        rights = frozenset({Right.PUBLISH, Right.SUBSCRIBE})
        return self._signer.sign(Grant(room, person, person.title(), rights, int(time.time()) + 7200, session="bench"))

    def relay(self, seed: int) -> Relay:
        """A line to the media role for one person."""
        return Relay(("127.0.0.1", self.media.media_port), seed)

    async def open_page(self, relay: Relay | None = None) -> Page:
        """A page of somebody of their own, behind the relay if there is one."""
        context = await self.browser.new_context(permissions=["camera", "microphone"])
        if relay is not None:
            await context.add_init_script(detour(relay.address))
        page = await context.new_page()
        page.on("pageerror", lambda error: print(f"page: {error}"))
        await page.goto(self._pages)
        await page.wait_for_function("window.ready")
        return page

    async def enter(self, page: Page, room: str, person: str, *, publishes: bool = True) -> None:
        """Joins the room on the page. Raises TimeoutError when that takes longer than 20 s."""
        options: dict[str, Any] = {
            "url": f"{self.media.url}/media/ws",
            "grant": self.grant(room, person),
            "size": {"width": self.devices.width, "height": self.devices.height} if publishes else None,
            "sound": self.devices.sound,
        }
        with suppress(PlaywrightError):  # it has it already; a pass is used once, so each reconnection asks for another
            await page.expose_function("freshGrant", lambda: self.grant(room, person))
        async with asyncio.timeout(ENTER_S):
            await page.evaluate("(options) => enter(options)", options)


async def _serve_pages(stack: AsyncExitStack) -> str:
    async def index(_request: web.Request) -> web.StreamResponse:
        return web.FileResponse(HERE / "page.html")

    app = web.Application()
    app.router.add_get("/", index)
    app.router.add_static("/js", WEB / "js")
    app.router.add_static("/bench", HERE)
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return f"http://127.0.0.1:{runner.addresses[0][1]}/"


async def _start_browser(stack: AsyncExitStack, picture: Path, sound: Path) -> Browser:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        raise RuntimeError("chromium was not found: run make test, which installs it")
    files = [f"--use-file-for-fake-video-capture={picture}", f"--use-file-for-fake-audio-capture={sound}"]
    playwright = await stack.enter_async_context(async_playwright())
    browser = await playwright.chromium.launch(executable_path=program, args=[*CHROMIUM_ARGUMENTS, *files])
    stack.push_async_callback(browser.close)
    return browser
