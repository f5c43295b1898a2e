"""People who come and go without a browser: by WHIP, by WHEP, or by signalling as a page does; some just vanish."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from bench.description import AUDIO_TYPE, Line
from bench.measures import own_address
from bench.peer import CHECK_EVERY_S, Peer
from bench.traffic import lines
from station.base.grants import Grant, GrantSigner, Right
from station.rtc.formats.rtp import HEADER
from station.rtc.transport.dtls_srtp import Scratch

ASK_S = 20.0
SEND_EVERY_S = 0.2
BOTH = [Line("audio", "0"), Line("video", "1")]


class House:
    """The way in to one media role, and a head count. Rooms that are given to `keep_busy` always have a publisher."""

    def __init__(self, url: str, signer: GrantSigner, http: aiohttp.ClientSession, seed: int) -> None:
        self._url = url
        self._signer = signer
        self._http = http
        self._numbers = itertools.count(1)
        self._scratch = Scratch()
        self.dice = random.Random(seed)
        self.came = 0
        self.failed = 0

    def grant(self, room: str) -> str:
        """A pass for somebody new."""
        rights = frozenset({Right.PUBLISH, Right.SUBSCRIBE})
        person = f"guest{next(self._numbers)}"
        return self._signer.sign(Grant(room, person, person, rights, int(time.time()) + 7200, session="bench"))

    async def keep_busy(self, room: str, watchers: int) -> None:
        """A publisher and some watchers who stay until cancelled."""
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(self.by_http("whip", room, vanishes=False))
            for _ in range(watchers):
                await stack.enter_async_context(self.by_http("whep", room, vanishes=False))
            await asyncio.Event().wait()

    async def visit(self, busy_rooms: list[str]) -> None:
        """Somebody comes to a busy room or to one of their own, in one of the three ways, stays a while, and leaves."""
        vanishes = self.dice.random() < 0.3
        room = self.dice.choice([*busy_rooms, f"mt_own{next(self._numbers)}"])
        ways = [self.by_http("whip", room, vanishes), self.as_page(room, vanishes)]
        if room in busy_rooms:
            ways.append(self.by_http("whep", room, vanishes))
        stay_s = self.dice.uniform(2, 15)
        try:
            async with self.dice.choice(ways):
                self.came += 1
                await asyncio.sleep(stay_s)
        except (aiohttp.ClientError, RuntimeError, TimeoutError, ValueError) as error:
            self.failed += 1
            print(f"somebody had trouble: {error!r}", flush=True)

    @asynccontextmanager
    async def by_http(self, way: str, room: str, vanishes: bool) -> AsyncIterator[None]:
        """Somebody who publishes by WHIP or watches by WHEP; inside, the connection stands."""
        peer = Peer(own_address())
        headers = {"Authorization": f"Bearer {self.grant(room)}", "Content-Type": "application/sdp"}
        body = peer.offer(lines(0) if way == "whip" else BOTH).encode()
        async with self._http.post(f"{self._url}/{way}/{room}", data=body, headers=headers) as answer:
            answer.raise_for_status()
            peer.accept(await answer.text())
            resource = self._url + answer.headers["Location"]
        async with self._present(peer, sends=way == "whip"):
            yield
            if not vanishes:
                async with self._http.delete(resource, headers=headers) as answer:
                    answer.raise_for_status()

    @asynccontextmanager
    async def as_page(self, room: str, vanishes: bool) -> AsyncIterator[None]:
        """Somebody who joins, publishes, and watches everybody else, as a page does."""
        up, down = Peer(own_address()), Peer(own_address())
        async with self._http.ws_connect(self._url + "/media/ws") as socket:
            joined = await _ask(socket, "join", grant=self.grant(room))
            sources = {"0": "microphone", "1": "camera"}
            up.accept((await _ask(socket, "publish", sdp=up.offer(lines(0)), sources=sources))["sdp"])
            async with self._present(up, sends=True), contextlib.AsyncExitStack() as stack:
                if joined["tracks"]:
                    tracks = {str(mid): track for mid, track in enumerate(joined["tracks"][:6])}
                    offer = down.offer([Line(track["kind"], mid) for mid, track in tracks.items()])
                    wanted = {mid: track["id"] for mid, track in tracks.items()}
                    down.accept((await _ask(socket, "subscribe", sdp=offer, tracks=wanted))["sdp"])
                    await stack.enter_async_context(self._present(down, sends=False))
                if not vanishes:  # who vanishes answers no ping either
                    await stack.enter_async_context(_listening(socket))
                yield
                if not vanishes:
                    await socket.send_json({"type": "leave", "id": next(_ids)})
        down.socket.close()

    @asynccontextmanager
    async def _present(self, peer: Peer, sends: bool) -> AsyncIterator[None]:
        """Connects, then renews consent and sends a little sound for as long as it lasts."""
        try:
            await asyncio.to_thread(peer.connect)
            task = asyncio.create_task(self._live(peer, sends))
            try:
                yield
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        finally:
            peer.socket.close()

    async def _live(self, peer: Peer, sends: bool) -> None:
        ssrc = lines(0)[0].ssrcs[0]
        for number in itertools.count():
            if number % round(CHECK_EVERY_S / SEND_EVERY_S) == 0:
                peer.check()
            if sends:
                header = HEADER.pack(0x80, AUDIO_TYPE, number & 0xFFFF, number * 9600 & 0xFFFFFFFF, ssrc)
                peer.send_rtp(header + b"\xfc" + bytes(60), self._scratch)
            await asyncio.sleep(SEND_EVERY_S)


_ids = map(str, itertools.count(1))


@asynccontextmanager
async def _listening(socket: aiohttp.ClientWebSocketResponse) -> AsyncIterator[None]:
    """Reads what is told, so that pings are answered."""

    async def read() -> None:
        async for _ in socket:
            pass

    task = asyncio.create_task(read())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _ask(socket: aiohttp.ClientWebSocketResponse, kind: str, **fields: Any) -> dict[str, Any]:
    """Sends a request and waits for its answer. Raises RuntimeError when it is refused."""
    request = next(_ids)
    await socket.send_json({"type": kind, "id": request, **fields})
    while True:
        message: dict[str, Any] = json.loads(await socket.receive_str(timeout=ASK_S))
        if message["type"] == "failed":
            raise RuntimeError(f"{kind}: {message['code']}")
        if message.get("re") == request:
            return message
