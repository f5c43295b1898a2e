"""A real Firefox without a screen, whose camera and microphone are test patterns; each window is another person's."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import shutil
import tempfile
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.browsers.bidi import BidiConnection, BidiError
from tests.servers import wait_for

START_S = 60.0
END_S = 20.0
PREFERENCES: dict[str, bool | int | str] = {
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "media.peerconnection.ice.loopback": True,
    "media.autoplay.default": 0,
    # OpenH264 would come over the network some time after the start; a fresh profile is to stay as it is.
    "media.gmp-manager.updateEnabled": False,
    "media.gmp-provider.enabled": False,
    "intl.accept_languages": "zh-CN, zh",
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.telemetry.enabled": False,
}
_LISTENING = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
# What a person could press: there, seen, and not switched off.
_PRESSABLE = """
(selector) => [...document.querySelectorAll(selector)].find(
  (one) => one.checkVisibility() && !one.disabled && one.getAttribute("aria-disabled") !== "true")
"""
_READY = f"(selector) => Boolean(({_PRESSABLE})(selector))"
_REACH = f"""
(selector) => {{
  const found = ({_PRESSABLE})(selector);
  found?.scrollIntoView({{block: "center", behavior: "instant"}});
  return found;
}}
"""


class Firefox:
    """One browser process."""

    def __init__(self, bidi: BidiConnection) -> None:
        self._bidi = bidi
        self._pages: dict[str, FirefoxPage] = {}

    @classmethod
    @asynccontextmanager
    async def launch(cls, preferences: dict[str, bool | int | str] | None = None) -> AsyncIterator[Firefox]:
        """A browser with a fresh profile, ended with it. Raises RuntimeError when there is none on this machine."""
        program = shutil.which("firefox-esr") or shutil.which("firefox")
        if program is None:
            raise RuntimeError("firefox-esr was not found: run make test, which installs it")
        with tempfile.TemporaryDirectory(prefix="firefox-", ignore_cleanup_errors=True) as profile:
            _write_preferences(Path(profile), PREFERENCES | (preferences or {}))
            arguments = ["--headless", "--no-remote", "--remote-debugging-port", "0", "--profile", profile]
            process = await asyncio.create_subprocess_exec(
                program, *arguments, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
            )
            assert process.stderr is not None
            draining: asyncio.Task[None] | None = None
            try:
                address = await asyncio.wait_for(_address(process.stderr), START_S)
                draining = asyncio.create_task(_drain(process.stderr))
                bidi = await BidiConnection.open(address)
                browser = cls(bidi)
                await bidi.subscribe("log.entryAdded", browser._note)
                yield browser
                await bidi.command("browser.close")
                await bidi.close()
            finally:
                await _end(process)
                if draining is not None:
                    await draining

    async def open_page(self, width: int, height: int, script: str = "") -> FirefoxPage:
        """A window with cookies of its own, seen like the others: a tab behind another would count as hidden.

        `script` runs in each of its documents before the page's own scripts.
        """
        person = (await self._bidi.command("browser.createUserContext"))["userContext"]
        if script:
            declaration = f"() => {{ {script} }}"
            await self._bidi.command("script.addPreloadScript", functionDeclaration=declaration, userContexts=[person])
        created = await self._bidi.command("browsingContext.create", type="window", userContext=person)
        page = FirefoxPage(self._bidi, created["context"], person)
        self._pages[page.context] = page
        size = {"width": width, "height": height}
        await self._bidi.command("browsingContext.setViewport", context=page.context, viewport=size)
        return page

    def _note(self, entry: dict[str, Any]) -> None:
        page = self._pages.get(entry["source"].get("context", ""))
        if page is not None and entry["type"] == "javascript" and entry["level"] == "error":
            page.errors.append(str(entry["text"]))


class FirefoxPage:
    """One window. `errors` are the scripts' uncaught ones."""

    def __init__(self, bidi: BidiConnection, context: str, person: str) -> None:
        self._bidi = bidi
        self.context = context
        self._person = person
        self.errors: list[str] = []

    async def goto(self, url: str) -> None:
        """Load a page, its scripts and styles too."""
        await self._bidi.command("browsingContext.navigate", context=self.context, url=url, wait="complete")

    async def evaluate(self, function: str, *arguments: str | int | float | bool) -> Any:
        """What a JavaScript function, perhaps async, returns: anything that JSON can say. Raises AssertionError."""
        wrapped = f"async (...given) => JSON.stringify((await ({function})(...given)) ?? null)"
        result = await self._call(wrapped, *arguments)
        return json.loads(result["value"])

    async def until(self, expression: str, timeout_s: float = 30.0) -> None:
        """Wait until a JavaScript expression holds."""

        async def holds() -> bool:
            try:
                return bool(await self.evaluate(f"() => Boolean({expression})"))
            except BidiError:  # one page has gone and the next has not come
                return False

        try:
            await wait_for(holds, expression, timeout_s)
        except AssertionError as error:
            raise AssertionError(f"{error}; the page shows\n{await self.text()}") from error

    async def text(self, selector: str = "body") -> str:
        """The text that is seen in the first element of that kind; empty when there is none."""
        return str(await self.evaluate("(selector) => document.querySelector(selector)?.innerText ?? ''", selector))

    async def until_text(self, selector: str, words: str, timeout_s: float = 30.0) -> None:
        """Wait until the element says so."""
        quoted, wanted = json.dumps(selector), json.dumps(words)
        await self.until(f"document.querySelector({quoted})?.innerText.includes({wanted})", timeout_s)

    async def click(self, selector: str) -> None:
        """Press the first such element that can be pressed, with a real pointer; waits for it."""
        target = await self._reach(selector)
        origin = {"type": "element", "element": {"sharedId": target}}
        press = [
            {"type": "pointerMove", "x": 0, "y": 0, "origin": origin},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        await self._act({"type": "pointer", "id": "mouse", "actions": press})

    async def fill(self, selector: str, words: str) -> None:
        """Type into a field, in place of what stands in it."""
        await self._reach(selector)
        focus = "(selector) => { const field = document.querySelector(selector); field.focus(); field.select?.(); }"
        await self.evaluate(focus, selector)
        keys = [{"type": kind, "value": key} for key in words for kind in ("keyDown", "keyUp")]
        await self._act({"type": "key", "id": "keyboard", "actions": keys})

    async def reload(self) -> None:
        """Load the page anew, as by the browser's own button."""
        await self._bidi.command("browsingContext.reload", context=self.context, wait="complete")

    @asynccontextmanager
    async def broken_line(self) -> AsyncIterator[None]:
        """While it lasts no request of this window gets out."""
        failing: list[asyncio.Task[object]] = []

        def fail(event: dict[str, Any]) -> None:
            if event.get("isBlocked"):
                request = event["request"]["request"]
                failing.append(asyncio.create_task(self._bidi.command("network.failRequest", request=request)))

        await self._bidi.subscribe("network.beforeRequestSent", fail)
        added = await self._bidi.command("network.addIntercept", phases=["beforeRequestSent"], contexts=[self.context])
        try:
            yield
        finally:
            await self._bidi.command("network.removeIntercept", intercept=added["intercept"])
            await asyncio.gather(*failing, return_exceptions=True)

    async def screenshot(self, path: Path) -> None:
        """Keep a picture of what is seen."""
        shot = await self._bidi.command("browsingContext.captureScreenshot", context=self.context)
        path.write_bytes(base64.b64decode(shot["data"]))

    async def count_sheets(self) -> int:
        """How many sheets of A4 the page is printed on."""
        printed = await self._bidi.command(
            "browsingContext.print", context=self.context, page={"width": 21.0, "height": 29.7}
        )
        document = base64.b64decode(printed["data"])
        # A page is an object of the document, or of one of its compressed streams of objects (ISO 32000-1, 7.5.7).
        parts = [document, *map(_inflated, re.findall(rb"stream\r?\n(.*?)endstream", document, re.DOTALL))]
        return sum(len(re.findall(rb"/Type\s*/Page\b", part)) for part in parts)

    async def close(self) -> None:
        """Close the window and forget its cookies."""
        await self._bidi.command("browser.removeUserContext", userContext=self._person)

    async def _reach(self, selector: str) -> str:
        """The element, scrolled into view, as the protocol names it."""
        await self.until(f"({_READY})({json.dumps(selector)})")
        return str((await self._call(_REACH, selector))["sharedId"])

    async def _call(self, function: str, *arguments: str | int | float | bool) -> dict[str, Any]:
        answer = await self._bidi.command(
            "script.callFunction",
            functionDeclaration=function,
            arguments=[_as_value(argument) for argument in arguments],
            awaitPromise=True,
            target={"context": self.context},
            userActivation=True,
        )
        if answer["type"] == "exception":
            raise AssertionError(answer["exceptionDetails"]["text"])
        return dict(answer["result"])

    async def _act(self, source: dict[str, Any]) -> None:
        await self._bidi.command("input.performActions", context=self.context, actions=[source])


def _as_value(argument: str | int | float | bool) -> dict[str, Any]:
    if isinstance(argument, bool):
        return {"type": "boolean", "value": argument}
    return {"type": "string" if isinstance(argument, str) else "number", "value": argument}


def _inflated(stream: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(stream)
    except zlib.error:
        return b""


def _write_preferences(profile: Path, preferences: dict[str, bool | int | str]) -> None:
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in preferences.items()]
    (profile / "user.js").write_text("\n".join(lines))


async def _address(errors: asyncio.StreamReader) -> str:
    said = ""
    while line := (await errors.readline()).decode(errors="replace"):
        said += line
        if found := _LISTENING.search(line):
            return found[1]
    raise RuntimeError(f"Firefox ended before it listened: {said[-2000:]}")


async def _drain(errors: asyncio.StreamReader) -> None:
    while await errors.read(2**16):
        pass


async def _end(process: asyncio.subprocess.Process) -> None:
    try:
        await asyncio.wait_for(process.wait(), END_S)
    except TimeoutError:
        process.kill()
        await process.wait()
