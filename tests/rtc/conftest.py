"""A media role in the test's own process, a page to drive it from, and people with grants."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientError, ClientSession, web
from playwright.async_api import Browser, Page
from playwright.async_api import Error as PlaywrightError

from station.base.grants import Grant, GrantSigner, Right
from station.base.settings import Settings
from station.rtc.http.main import MediaServer
from tests.servers import ROOT, pick_port

WEB = Path(__file__).parents[2] / "web"
ROOM = "mt_test"
RUN = "import asyncio; from station.base.settings import Settings as S; "
RUN += "from station.rtc.http.main import run_media as r; "
RUN += "asyncio.run(r(S(_env_file=None)))"
PAGE = """<!doctype html><meta charset="utf-8"><title>test</title><script type="module">
import { RoomConnection } from "/js/media/connection.js";
window.enter = async (url, grant, sources) => {
  const getGrant = async () => ({ grant: window.freshGrant ? await window.freshGrant() : grant, url });
  const room = new RoomConnection({ getGrant });
  window.room = room;
  window.media = new Map();
  window.seen = [];
  for (const name of ["track", "trackremoved", "memberjoined", "memberleft", "muted", "recording", "state", "closed",
    "paused", "speakers", "unplayable"])
    room.addEventListener(name, ({ detail }) => window.seen.push([name, JSON.parse(JSON.stringify(detail ?? null))]));
  room.addEventListener("track", ({ detail }) => window.media.set(detail.track.id, detail.mediaTrack));
  room.addEventListener("track", ({ detail }) => {
    const player = document.createElement(detail.track.kind);
    player.autoplay = true;
    player.srcObject = new MediaStream([detail.mediaTrack]);
    document.body.append(player);
  });
  await room.join();
  if (!sources) return;
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 640, height: 480 } });
  await room.publish(stream.getVideoTracks()[0], "camera");
  await room.publish(stream.getAudioTracks()[0], "microphone");
};
window.ready = true;
</script><body>"""


@dataclass
class Media:
    """The running media role, and what a test needs to talk to it."""

    settings: Settings
    signer: GrantSigner
    server: MediaServer
    pages: str
    http: ClientSession = field(repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.http_port}"

    def grant(self, person: str, *rights: Right, room: str = ROOM, ttl_s: int = 600) -> str:
        """What a page gets: it goes in once, as whoever signed in."""
        granted, until = frozenset(rights or (Right.PUBLISH, Right.SUBSCRIBE)), int(time.time()) + ttl_s
        return self.signer.sign(Grant(room, person, person.title(), granted, until, session=f"sign-in of {person}"))

    async def control(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.signer.service_token()}"}
        async with self.http.request(method, self.url + path, headers=headers, json=body) as answer:
            is_json = answer.content_type == "application/json"
            return answer.status, await answer.json() if is_json else await answer.text()

    async def enter(self, page: Page, person: str, *, publishes: bool = True) -> None:
        """Opens the test page and joins the room on it."""
        with suppress(PlaywrightError):  # it has it already
            await page.expose_function("freshGrant", lambda: self.grant(person))
        await page.goto(self.pages)
        await page.wait_for_function("window.ready")
        url = self.url + "/media/ws"
        await page.evaluate("([url, grant, all]) => enter(url, grant, all)", [url, self.grant(person), publishes])


def make_settings(folder: Path, **more: Any) -> Settings:
    """Settings for a media role of its own on free ports."""
    values = {"data": folder, "media_port": 0, "media_http_port": 0, **more}
    return Settings(_env_file=None, **values)


@pytest_asyncio.fixture
async def page_server() -> AsyncIterator[str]:
    """The address of a page that has our browser modules and nothing else."""

    async def page(_request: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", page)
    app.router.add_static("/js", WEB / "js")
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


@pytest.fixture
def signer(tmp_path: Path) -> GrantSigner:
    return GrantSigner.load(tmp_path / "keys")


@pytest_asyncio.fixture
async def media(tmp_path: Path, signer: GrantSigner, page_server: str) -> AsyncIterator[Media]:
    """A media role on free ports, with an empty folder."""
    settings = make_settings(tmp_path, public_origin=page_server.rstrip("/"))
    async with MediaServer(settings) as server, ClientSession() as http:
        yield Media(settings, signer, server, page_server, http)


OpenPage = Callable[[], Awaitable[Page]]


@pytest_asyncio.fixture
async def open_page(browser: Browser) -> OpenPage:
    """Opens pages of separate people in one browser."""

    async def open_one() -> Page:
        context = await browser.new_context(permissions=["camera", "microphone"])
        return await context.new_page()

    return open_one


class MediaProcess:
    """The media role in a process of its own, to be killed."""

    def __init__(self, folder: Path, http: ClientSession, signer: GrantSigner, pages: str = "") -> None:
        self.http_port = pick_port()
        self.url = f"http://127.0.0.1:{self.http_port}"
        self.environment = {
            **os.environ, "STATION_DATA": str(folder), "STATION_MEDIA_PORT": str(pick_port()),
            "STATION_MEDIA_HTTP_PORT": str(self.http_port), "STATION_PUBLIC_ORIGIN": pages.rstrip("/"),
        }  # fmt: skip
        self.http = http
        self.signer = signer

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.subprocess.Process]:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", RUN, env=self.environment, cwd=ROOT)
        try:
            async with asyncio.timeout(20):
                while not await self.is_ready():
                    await asyncio.sleep(0.05)
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def is_ready(self) -> bool:
        try:
            async with self.http.get(self.url + "/readyz") as answer:
                return answer.status == 200
        except ClientError:
            return False

    async def control(self, method: str, path: str, body: object = None) -> Any:
        headers = {"Authorization": f"Bearer {self.signer.service_token()}"}
        async with self.http.request(method, self.url + path, headers=headers, json=body) as answer:
            assert answer.status < 300
            return await answer.json() if answer.content_type == "application/json" else None
