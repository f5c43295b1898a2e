"""Our media role as one of the forwarders: publishers by WHIP, one-to-many by WHEP, a meeting as its page does it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from bench.description import Line
from bench.measures import own_address
from bench.peer import Peer
from bench.servers import Running, Server
from bench.traffic import lines
from station.base.grants import Grant, GrantSigner, Right
from tests.servers import pick_port

ROOM = "mt_bench"
ROOT = Path(__file__).parent.parent
T = TypeVar("T")
SEATS = 500  # people; each may have several players
_SHOWN_PX = 720


def server(profile: Path | None = None) -> Server:
    """The media role as `station serve` runs it; `profile` is a file for what it spent its time on."""
    return Server("ours", lambda: _start(profile))


@contextmanager
def _start(profile: Path | None) -> Iterator[Running]:
    with tempfile.TemporaryDirectory(prefix="station-bench-") as folder:
        GrantSigner.load(Path(folder) / "keys")
        http, udp = pick_port(), pick_port()
        environment = {
            **os.environ, "STATION_DATA": folder, "STATION_MEDIA_HTTP_PORT": str(http), "STATION_MEDIA_PORT": str(udp),
        }  # fmt: skip
        command = [sys.executable, "-m", "bench.media_role", *([str(profile)] if profile else [])]
        process = subprocess.Popen(command, env=environment, cwd=ROOT, stderr=subprocess.DEVNULL)
        try:
            url = f"http://127.0.0.1:{http}"
            _wait_until_ready(url, process)
            yield Running(process.pid, {"module": __name__, "url": url, "keys": str(Path(folder) / "keys")})
        finally:
            process.terminate()
            process.wait(20)


def _wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    end_s = time.monotonic() + 15
    while time.monotonic() < end_s and process.poll() is None:
        try:
            urllib.request.urlopen(url + "/healthz", timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise RuntimeError("the media role did not start")


def open_access(how: dict[str, Any]) -> OurAccess:
    """The way in."""
    return OurAccess(how["url"], GrantSigner.load(Path(how["keys"])))


class OurAccess:
    """Grants are made here, as the web role makes them."""

    def __init__(self, url: str, signer: GrantSigner) -> None:
        self._url = url
        self._signer = signer
        self._pages: _Pages | None = None

    def publish(self, number: int) -> Peer:
        """By WHIP."""
        return self._exchange("whip", f"publisher{number}", lines(number))

    def watch(self, number: int, publishers: Sequence[int]) -> Peer:
        """One publisher by WHEP; several over a WebSocket, which then stays open."""
        if len(publishers) == 1:
            return self._exchange("whep", f"viewer{number % SEATS}", [Line("audio", "0"), Line("video", "1")])
        if self._pages is None:
            self._pages = _Pages(self._url + "/media/ws")
        return self._pages.watch(self._grant(f"page{number}"), [f"publisher{other}" for other in publishers])

    def close(self) -> None:
        """Closes the pages."""
        if self._pages is not None:
            self._pages.close()

    def _exchange(self, way: str, person: str, offered: list[Line]) -> Peer:
        peer = Peer(own_address())
        headers = {"Authorization": f"Bearer {self._grant(person)}", "Content-Type": "application/sdp"}
        body = peer.offer(offered).encode()
        request = urllib.request.Request(f"{self._url}/{way}/{ROOM}", body, headers)
        with urllib.request.urlopen(request, timeout=20) as response:
            peer.accept(response.read().decode())
        peer.connect()
        return peer

    def _grant(self, person: str) -> str:
        rights = frozenset({Right.PUBLISH, Right.SUBSCRIBE})
        return self._signer.sign(Grant(ROOM, person, person, rights, int(time.time()) + 900, session="bench"))


class _Pages:
    """WebSockets of people who watch several others, on a loop of their own that mostly sleeps."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._loop = asyncio.new_event_loop()
        self._sessions: list[aiohttp.ClientSession] = []
        self._listening: list[asyncio.Task[None]] = []
        self._thread = threading.Thread(target=self._loop.run_forever, name="pages", daemon=True)
        self._thread.start()

    def watch(self, grant: str, people: list[str]) -> Peer:
        """Joins and watches the tracks of these people."""
        peer = Peer(own_address())
        peer.accept(self._wait(self._subscribe(peer, grant, people)))
        peer.connect()
        return peer

    def close(self) -> None:
        """Everyone leaves."""
        self._wait(self._leave())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _leave(self) -> None:
        for task in self._listening:
            task.cancel()
        await asyncio.gather(*self._listening, return_exceptions=True)
        for session in self._sessions:
            await session.close()

    def _wait(self, what: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(20)

    async def _subscribe(self, peer: Peer, grant: str, people: list[str]) -> str:
        """Our offer's answer."""
        session = aiohttp.ClientSession()
        self._sessions.append(session)
        socket = await session.ws_connect(self._url)
        joined = await _ask(socket, {"type": "join", "id": "1", "grant": grant})
        tracks = [track for track in joined["tracks"] if track["person"] in people]
        wanted = {str(mid): track["id"] for mid, track in enumerate(tracks)}
        offer = peer.offer([Line(track["kind"], str(mid)) for mid, track in enumerate(tracks)])
        shown = {track["id"]: _SHOWN_PX for track in tracks if track["kind"] == "video"}
        await socket.send_json({"type": "show", "id": "2", "tracks": shown})
        answer = await _ask(socket, {"type": "subscribe", "id": "3", "sdp": offer, "tracks": wanted})
        self._listening.append(asyncio.create_task(_listen(socket)))
        return str(answer["sdp"])


async def _ask(socket: aiohttp.ClientWebSocketResponse, request: dict[str, Any]) -> dict[str, Any]:
    await socket.send_json(request)
    while True:
        message: dict[str, Any] = json.loads(await socket.receive_str(timeout=20))
        if message["type"] == "failed":
            raise RuntimeError(f"{request['type']}: {message['code']}")
        if message.get("re") == request["id"]:
            return message


async def _listen(socket: aiohttp.ClientWebSocketResponse) -> None:
    async for _ in socket:  # events are of no interest, but pings want their answer
        pass
