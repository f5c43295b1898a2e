"""`python -m tests.fuzz.collect [FOLDER]`: makes the corpus anew from real senders.

Encoders of aiortc and PyAV give payloads; two pages in Chromium, in a call over a media role of this process, give
offers, checks, packets, feedback and messages as they come off the wire, decrypted.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.opus import OpusEncoder
from aiortc.codecs.vpx import Vp8Encoder

from station.rtc.formats import rtcp
from station.rtc.formats.framing import frame
from station.rtc.rooms import messages
from station.rtc.transport import port
from station.rtc.transport.dtls_srtp import DtlsPeer
from tests.fuzz.targets import CORPUS, TARGETS

EACH = 12  # inputs of a kind; more would only be more of the same
Found = dict[str, dict[bytes, None]]


def _kind_of(target: str, data: bytes) -> object:
    """What tells inputs apart that are worth keeping both."""
    if target in ("rtp", "stun"):
        return data[0], data[1] if target == "rtp" else b"", len(data) // 100
    if target in ("rtcp", "twcc"):
        return data[:2], data[20] >> 5 if target == "twcc" else len(data)
    if target == "signalling":
        return data.split(b'"type"')[-1][:12]
    return data


class Collection:
    """Inputs by target, a few of each kind."""

    def __init__(self) -> None:
        self.found: Found = defaultdict(dict)
        self._kinds: set[tuple[str, object]] = set()

    def add(self, target: str, data: bytes) -> None:
        kind = (target, _kind_of(target, data))
        if data and kind not in self._kinds and len(self.found[target]) < EACH:
            self._kinds.add(kind)
            self.found[target][data] = None

    def write(self, folder: Path) -> None:
        """Replaces what was collected before; what was made by hand and what once broke a parser stays."""
        for target in TARGETS:
            (folder / target).mkdir(parents=True, exist_ok=True)
            for old in (folder / target).glob("real-*"):
                old.unlink()
            for number, data in enumerate(self.found[target]):
                (folder / target / f"real-{number:02}").write_bytes(data)


def _pictures(count: int) -> list[av.VideoFrame]:
    made = []
    for number in range(count):
        picture = av.VideoFrame(96, 64, "yuv420p")
        for plane in picture.planes:
            plane.update(bytes((place * 7 + number * 31) % 251 for place in range(plane.buffer_size)))
        picture.pts, picture.time_base = number * 3000, Fraction(1, 90_000)
        made.append(picture)
    return made


def _stream(frames: list[list[bytes]]) -> bytes:
    """Payloads of several frames in the form that the depacketizers' targets cut up."""
    return b"".join(
        frame(bytes([0 if part < len(payloads) - 1 else 1]) + payload)
        for payloads in frames
        for part, payload in enumerate(payloads)
    )


def collect_payloads(into: Collection) -> None:
    """Frames of aiortc's encoders, as they are packetized."""
    for name, encoder in (("h264", H264Encoder()), ("vp8", Vp8Encoder())):
        frames = [encoder.encode(picture, force_keyframe=n == 2)[0] for n, picture in enumerate(_pictures(4))]
        into.add(name, _stream(frames))
        into.add(name, _stream(frames[:1]))
        into.add(name, _stream(frames[1:]))
    sound = av.AudioFrame(format="s16", layout="stereo", samples=960)
    for plane in sound.planes:
        plane.update(bytes(range(256)) * (plane.buffer_size // 256))
    sound.sample_rate, sound.pts, sound.time_base = 48_000, 0, Fraction(1, 48_000)
    into.add("opus", _stream([OpusEncoder().encode(sound)[0]]))


def _tap(owner: object, name: str, see: Callable[..., None]) -> None:
    """Lets `see` have the arguments of each call, before the call itself."""
    call: Callable[..., Any] = getattr(owner, name)

    def tapped(*arguments: Any) -> Any:
        see(*arguments)
        return call(*arguments)

    setattr(owner, name, tapped)


def listen(into: Collection) -> None:
    """Taps the media role of this process where parsers are called."""
    from station.rtc.forwarding import upstream
    from station.rtc.rooms import room

    def see_rtcp(data: bytes) -> None:
        into.add("rtcp", data)
        at = 0
        while at + 4 <= len(data):
            end = at + 4 + 4 * int.from_bytes(data[at + 2 : at + 4], "big")
            if data[at] & 0x1F == 15 and data[at + 1] == 205:
                into.add("twcc", data[at:end])
            at = end

    def see_stun(data: bytes) -> None:
        into.add("stun", bytes(data))
        into.add("framing", frame(bytes(data)) * 2)

    into_rtp = lambda _self, scratch, size: into.add("rtp", bytes(scratch.view[:size]))  # noqa: E731
    _tap(upstream.Upstream, "receive_rtp", into_rtp)
    _tap(rtcp, "parse", see_rtcp)
    _tap(port, "parse_binding_request", see_stun)
    _tap(room, "parse_offer", lambda text: into.add("sdp", text.encode()))
    _tap(messages, "decode", lambda text: into.add("signalling", text.encode()))
    see_dtls = lambda _self, data: into.add("dtls", bytes(data))  # noqa: E731
    _tap(DtlsPeer, "receive", see_dtls)


async def collect_call(seconds: float) -> None:
    """Two pages publish and watch each other."""
    from aiohttp import ClientSession, web
    from playwright.async_api import async_playwright

    from station.base.grants import GrantSigner
    from station.rtc.http.main import MediaServer
    from tests.rtc.conftest import PAGE, WEB, Media, make_settings
    from tests.servers import CHROMIUM_ARGUMENTS

    async def page_text(_request: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", page_text)
    app.router.add_static("/js", WEB / "js")
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    pages = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        signer = GrantSigner.load(folder / "keys")
        settings = make_settings(folder, public_origin=pages.rstrip("/"))
        async with MediaServer(settings) as server, ClientSession() as http, async_playwright() as browsers:
            media = Media(settings, signer, server, pages, http)
            program = shutil.which("chromium") or shutil.which("google-chrome")
            browser = await browsers.chromium.launch(executable_path=program, args=CHROMIUM_ARGUMENTS)
            for person in ("anna", "bao"):
                context = await browser.new_context(permissions=["camera", "microphone"])
                await media.enter(await context.new_page(), person)
            await asyncio.sleep(seconds)
            await browser.close()
    await runner.cleanup()


def main() -> None:
    """Writes the corpus."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else CORPUS
    collection = Collection()
    collect_payloads(collection)
    listen(collection)
    asyncio.run(collect_call(8.0))
    collection.write(folder)
    for target in TARGETS:
        print(target, len(collection.found[target]))


if __name__ == "__main__":
    main()
