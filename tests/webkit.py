"""A real WebKit (MiniBrowser of WebKitGTK on a screen of its own), driven by the W3C's WebDriver protocol."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout

from tests.servers import pick_port, wait_for

# No GPU and no user namespaces where tests run; the pages are our own.
ENVIRONMENT = {
    "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1",
    "WEBKIT_DISABLE_COMPOSITING_MODE": "1",
    "LIBGL_ALWAYS_SOFTWARE": "1",
    "NO_AT_BRIDGE": "1",
}


class WebKitPage:
    """One window."""

    def __init__(self, http: ClientSession, session: str) -> None:
        self._http, self._session = http, session

    async def go(self, url: str) -> None:
        """Open a page; returns when it has loaded."""
        await self._call("POST", "/url", {"url": url})

    async def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression."""
        return await self._call("POST", "/execute/sync", {"script": f"return ({expression});", "args": []})

    async def until(self, expression: str, timeout_s: float = 40.0) -> None:
        """Wait until the expression holds."""

        async def holds() -> bool:
            return bool(await self.evaluate(expression))

        await wait_for(holds, expression, timeout_s)

    async def close(self) -> None:
        """End the window and its browser."""
        await self._call("DELETE", "")

    async def _call(self, method: str, path: str, body: object = None) -> Any:
        async with self._http.request(method, f"/session/{self._session}{path}", json=body) as answer:
            value = (await answer.json(content_type=None))["value"]
            assert answer.status == 200, value
            return value


@asynccontextmanager
async def webkit_page() -> AsyncIterator[WebKitPage]:
    """A window of a browser that was started for it."""
    async with _screen() as display, _driver(display) as url, ClientSession(url, timeout=ClientTimeout(60)) as http:
        options = {"binary": str(_find_browser()), "args": ["--automation"]}
        wanted = {"capabilities": {"alwaysMatch": {"webkitgtk:browserOptions": options}}}
        async with http.post("/session", json=wanted) as answer:
            value = (await answer.json(content_type=None))["value"]
            assert answer.status == 200, value
        page = WebKitPage(http, value["sessionId"])
        try:
            yield page
        finally:
            await page.close()


def _find_browser() -> Path:
    found = sorted(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"))
    if not found:
        raise RuntimeError("WebKitGTK's MiniBrowser was not found: run make test, which installs it")
    return found[-1]


@asynccontextmanager
async def _screen() -> AsyncIterator[str]:
    """A virtual screen; the X server itself picks a number that is free."""
    reading, writing = os.pipe()
    arguments = ["-displayfd", str(writing), "-screen", "0", "1280x900x24", "-nolisten", "tcp"]
    server = await asyncio.create_subprocess_exec(
        _program("Xvfb"), *arguments, pass_fds=(writing,), stderr=asyncio.subprocess.DEVNULL
    )
    os.close(writing)
    try:
        number = await asyncio.to_thread(os.read, reading, 16)
        yield f":{number.decode().strip()}"
    finally:
        os.close(reading)
        await _end(server)


@asynccontextmanager
async def _driver(display: str) -> AsyncIterator[str]:
    port = pick_port()
    driver = await asyncio.create_subprocess_exec(
        _program("WebKitWebDriver"),
        f"--port={port}",
        env={**os.environ, **ENVIRONMENT, "DISPLAY": display},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        async with ClientSession() as http:
            await wait_for(lambda: _answers(http, url), "WebKitWebDriver")
        yield url
    finally:
        await _end(driver)


async def _answers(http: ClientSession, url: str) -> bool:
    try:
        async with http.get(url + "/status") as answer:
            return answer.status == 200
    except ClientError:
        return False


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    await process.wait()


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise RuntimeError(f"{name} was not found: run make test, which installs it")
    return found
