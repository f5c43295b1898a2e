"""A running live role and its two kinds of clients: web, which controls it, and players."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import aiohttp
from multidict import CIMultiDictProxy

from station.base.grants import GrantSigner
from station.live.origin.main import LiveServer

_HINT = re.compile(r'PRELOAD-HINT:TYPE=PART,URI="s(\d+)\.p(\d+)\.mp4"')


class Studio:
    """Start, restart, control and watch."""

    def __init__(
        self, signer: GrantSigner, run: Callable[[], AbstractAsyncContextManager[LiveServer]], folder: Path
    ) -> None:
        self.signer = signer
        self.folder = folder
        self._run = run
        self.http = aiohttp.ClientSession()

    async def __aenter__(self) -> Studio:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        await self.http.close()

    async def start(self) -> None:
        self._running = self._run()
        self.server = await self._running.__aenter__()
        self.url = f"http://127.0.0.1:{self.server.port}"

    async def stop(self) -> None:
        await self._running.__aexit__(None, None, None)

    async def control(self, method: str, name: str, body: object = None, token: str | None = None) -> tuple[int, Any]:
        """A call of web's; the answer's status and JSON."""
        headers = {"Authorization": f"Bearer {self.signer.service_token() if token is None else token}"}
        url = f"{self.url}/control/broadcasts/{name}"
        async with self.http.request(method, url, json=body, headers=headers) as answer:
            return answer.status, await answer.json() if answer.content_type == "application/json" else None

    async def go_live(self, name: str = "b1", person: str = "p1", ttl_s: int = 3600) -> dict[str, Any]:
        """Put a person on air."""
        body = {"room": "r1", "person": person, "grant": self.signer.service_token(ttl_s)}
        status, state = await self.control("PUT", name, body)
        assert status == 200, state
        return dict(state)

    async def set_access(self, *hidden: str, public: bool = True, name: str = "b1") -> None:
        """Publish the recording or take it back; hide people."""
        body = {"public": public, "hidden": list(hidden)}
        status, state = await self.control("PUT", f"{name}/access", body)
        assert status == 200, state

    async def state_when(self, key: str, value: str) -> None:
        """Ask for the state until it is as wanted."""
        async with asyncio.timeout(20):
            while (await self.control("GET", "b1"))[1][key] != value:
                await asyncio.sleep(0.05)

    async def get(self, path: str, **headers: str) -> tuple[int, bytes, CIMultiDictProxy[str]]:
        """A player's request below `/live/`."""
        async with self.http.get(f"{self.url}/live/{path}", headers=headers) as answer:
            return answer.status, await answer.read(), answer.headers

    async def playlist(self, name: str = "b1", query: str = "") -> str:
        status, body, _ = await self.get(f"{name}/main.m3u8{query}")
        assert status == 200, body
        return body.decode()

    async def playlist_when(self, ready: Callable[[str], bool], name: str = "b1") -> str:
        """Reload like a player, always for the hinted part and again after a 503, until the playlist fits."""
        query = ""
        while True:
            status, body, _ = await self.get(f"{name}/main.m3u8{query}")
            if status == 503:  # nothing new in three target durations, as when the machine is busy: that is no fault
                continue
            assert status == 200, body
            text = body.decode()
            if ready(text):
                return text
            segment, part = hint(text)
            query = f"?_HLS_msn={segment}&_HLS_part={part}"

    async def file(self, text: str, name: str = "b1") -> bytes:
        """Init segments and segments of a playlist as one file."""
        data = b""
        for found in re.findall(r'^(s\d+\.mp4)$|EXT-X-MAP:URI="([^"]+)"', text, re.M):
            status, body, _ = await self.get(f"{name}/{found[0] or found[1]}")
            assert status == 200
            data += body
        return data


def hint(text: str) -> tuple[int, int]:
    """Segment and part that the playlist hints at."""
    match = _HINT.search(text)
    assert match, text
    return int(match[1]), int(match[2])


def closed(text: str) -> int:
    """How many whole segments the playlist has."""
    return len(re.findall(r"^s\d+\.mp4$", text, re.M))
