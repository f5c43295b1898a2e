"""The live role under many low-latency viewers: how many, how late, what it costs.

A real media feed at real time, the live role in a process of its own, viewers that reload blocking and fetch each part.
Needs about 45 seconds.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import re
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import aiohttp
import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))

from station.base.grants import GrantSigner
from station.base.settings import Settings
from station.live.origin.main import LiveServer
from tests.live.media import encoded_tone, encoded_video, fake_media, interleaved

VIEWERS = (10, 100, 500)
SECONDS = 8.0
_HINT = re.compile(r'PRELOAD-HINT:TYPE=PART,URI="s(\d+)\.p(\d+)')
_PART = re.compile(r'EXT-X-PART:[^\n]*URI="([^"]+)"')


def serve(folder: str, media_port: int, ports: Any, stop: Event) -> None:
    """The live role, until told to stop; says its port."""

    async def run() -> None:
        settings = Settings(data=Path(folder), media_http_port=media_port, live_http_port=0, media_processes=1)
        async with LiveServer(settings) as server:
            ports.put(server.port)
            await asyncio.to_thread(stop.wait)

    asyncio.run(run())


class Figures:
    """What the viewers of one round saw."""

    def __init__(self) -> None:
        self.playlists = self.parts = self.failures = 0
        self.waits_s: list[float] = []

    def percentile(self, of: float) -> float:
        ordered = sorted(self.waits_s)
        return ordered[min(len(ordered) - 1, int(len(ordered) * of))] if ordered else 0.0


async def watch(session: aiohttp.ClientSession, figures: Figures, until: Callable[[], bool]) -> None:
    """One viewer: the next playlist, then its newest part, again and again."""
    query = ""
    while not until():
        started = time.monotonic()
        async with session.get(f"/live/bench/main.m3u8{query}") as answer:
            text = await answer.text()
        if answer.status != 200:
            figures.failures += 1
            continue
        if query:
            figures.waits_s.append(time.monotonic() - started)
        figures.playlists += 1
        hint = _HINT.search(text)
        parts = _PART.findall(text)
        assert hint
        query = f"?_HLS_msn={hint[1]}&_HLS_part={hint[2]}&_HLS_skip=YES"
        if parts:
            async with session.get(f"/live/bench/{parts[-1]}") as answer:
                figures.failures += answer.status != 200
                await answer.read()
            figures.parts += 1


async def round_of(count: int, session: aiohttp.ClientSession, process: psutil.Process) -> list[str]:
    """So many viewers for some seconds; one row of the table."""
    figures = Figures()
    before, started = sum(process.cpu_times()[:2]), time.monotonic()
    await asyncio.gather(
        asyncio.sleep(SECONDS),
        *(watch(session, figures, lambda: time.monotonic() - started > SECONDS) for _ in range(count)),
    )
    took = time.monotonic() - started
    cores = (sum(process.cpu_times()[:2]) - before) / took
    return [
        str(count),
        f"{figures.playlists / took:.0f}",
        f"{figures.parts / took:.0f}",
        f"{figures.percentile(0.5) * 1000:.0f} / {figures.percentile(0.99) * 1000:.0f} / "
        f"{figures.percentile(1) * 1000:.0f}",
        f"{cores:.2f}",
        str(figures.failures),
    ]


async def measure(folder: Path) -> list[list[str]]:
    """All rounds against one live role."""
    clip = interleaved(encoded_video(4, width=640, height=360), encoded_tone(4))
    context = multiprocessing.get_context("spawn")
    ports, stop = context.Queue(), context.Event()
    token = GrantSigner.load(folder / "keys").service_token(600)
    async with fake_media(clip, 4) as media:
        process = context.Process(target=serve, args=(str(folder), media.port, ports, stop))
        process.start()
        port = await asyncio.to_thread(ports.get, True, 30)
        try:
            connector = aiohttp.TCPConnector(limit=0)
            address = f"http://127.0.0.1:{port}"
            async with aiohttp.ClientSession(address, connector=connector) as session:
                body = {"room": "bench", "person": "bench", "grant": token}
                headers = {"Authorization": f"Bearer {token}"}
                async with session.put("/control/broadcasts/bench", json=body, headers=headers) as answer:
                    answer.raise_for_status()
                async with session.get("/live/bench/main.m3u8") as answer:
                    answer.raise_for_status()
                watched = psutil.Process(process.pid)
                return [await round_of(count, session, watched) for count in (0, *VIEWERS)]
        finally:
            stop.set()
            await asyncio.to_thread(process.join, 10)


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        rows = asyncio.run(measure(Path(folder)))
    print("| viewers | playlists/s | parts/s | wait for a playlist p50 / p99 / max ms | cores of live | failed |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
