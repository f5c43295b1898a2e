"""Viewers of a broadcast: how many, how late each part reaches them, what it costs.

`python -m bench live [--beside CHECKOUT] [--viewers N…] [--seconds S]` puts a real feed on air at real time, in this
build and, with `--beside`, in another checkout's. Viewers watch at the live role itself and through web, which is
what `make run` serves. Viewers are raw sockets in a process of their own. Needs about 15 s a row.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.live_viewers import Seen, watch
from bench.measures import machine
from station.base.grants import GrantSigner
from tests.live.media import encoded_tone, encoded_video, fake_media, interleaved
from tests.servers import end_process, pick_port

ROOT = Path(__file__).parent.parent
VIEWERS = (100, 500, 1000, 2000, 3000)
SECONDS = 8.0
WARM_UP_S = 3.0
PART_S = 1 / 3
WAYS = ("live", "web")
HEAD = "| build | way | viewers | parts, of all | late p50 / p99 / max, ms | cores of live | of web | failed |"


@contextmanager
def roles(checkout: Path, folder: Path, media_port: int) -> Iterator[dict[str, tuple[int, psutil.Process]]]:
    """Web and live of a checkout, by name: the port each listens on, and its process."""
    ports = {"web": pick_port(), "live": pick_port()}
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("STATION_")},
        "PYTHONPATH": str(checkout), "STATION_DATA": str(folder), "STATION_MEDIA_PROCESSES": "1",
        "STATION_MEDIA_HTTP_PORT": str(media_port), "STATION_HTTP_PORT": str(ports["web"]),
        "STATION_LIVE_HTTP_PORT": str(ports["live"]),
    }  # fmt: skip
    station = [sys.executable, "-m", "station"]
    subprocess.run([*station, "migrate"], env=environment, cwd=checkout, check=True, stdout=subprocess.DEVNULL)
    started = [
        subprocess.Popen([*station, "serve", "--role", role], env=environment, cwd=checkout, stdout=subprocess.DEVNULL)
        for role in ports
    ]
    try:
        yield {
            role: (port, psutil.Process(process.pid))
            for (role, port), process in zip(ports.items(), started, strict=True)
        }
    finally:
        for process in started:
            end_process(process)


@asynccontextmanager
async def on_air(checkout: Path, folder: Path) -> AsyncIterator[dict[str, tuple[int, psutil.Process]]]:
    """The two roles with a broadcast of 640 × 360 and sound that has begun."""
    clip = interleaved(encoded_video(4, width=640, height=360), encoded_tone(4))
    token = GrantSigner.load(folder / "keys").service_token(3600)
    async with fake_media(clip, 4) as media:
        with roles(checkout, folder, media.port) as running:
            async with aiohttp.ClientSession() as session, asyncio.timeout(60):
                for way, path in (("live", "/healthz"), ("web", "/healthz")):
                    await _when_ok(session, f"http://127.0.0.1:{running[way][0]}{path}")
                live = f"http://127.0.0.1:{running['live'][0]}"
                body, headers = (
                    {"room": "bench", "person": "bench", "grant": token},
                    {"Authorization": f"Bearer {token}"},
                )
                async with session.put(f"{live}/control/broadcasts/bench", json=body, headers=headers) as answer:
                    answer.raise_for_status()
                await _when_ok(session, f"http://127.0.0.1:{running['web'][0]}/live/bench/main.m3u8")
            yield running


async def _when_ok(session: aiohttp.ClientSession, url: str) -> None:
    while True:
        try:
            async with session.get(url) as answer:
                if answer.status == 200:
                    return
        except aiohttp.ClientConnectionError:
            pass
        await asyncio.sleep(0.1)


async def measure(checkout: Path, ways: tuple[str, ...], counts: tuple[int, ...], seconds: float) -> list[list[str]]:
    """All rows of one build."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="bench-live-") as name:
        async with on_air(checkout, Path(name)) as running:
            for way in ways:
                for count in counts:
                    rows.append([way, f"{count:,}", *await _round(running, way, count, seconds)])
    return rows


async def _round(running: dict[str, tuple[int, psutil.Process]], way: str, count: int, seconds: float) -> list[str]:
    before, began = {role: _cpu_s(process) for role, (_, process) in running.items()}, time.monotonic()
    seen = await asyncio.to_thread(_in_a_process, ("127.0.0.1", running[way][0]), count, seconds)
    took = time.monotonic() - began
    cores = {role: (_cpu_s(process) - before[role]) / took for role, (_, process) in running.items()}
    late = sorted(seen.lateness_s) or [0.0]
    p50, p99 = (late[min(len(late) - 1, int(len(late) * of))] * 1000 for of in (0.5, 0.99))
    share = seen.parts / (count * seconds / PART_S)
    return [
        f"{seen.parts:,}, {share:.0%}",
        f"{p50:.0f} / {p99:.0f} / {late[-1] * 1000:.0f}",
        f"{cores['live']:.2f}",
        f"{cores['web']:.2f}",
        str(seen.failures),
    ]


def _cpu_s(process: psutil.Process) -> float:
    return sum(sum(one.cpu_times()[:2]) for one in (process, *process.children(recursive=True)))


def _in_a_process(address: tuple[str, int], count: int, seconds: float) -> Seen:
    context = multiprocessing.get_context("spawn")
    results: Any = context.Queue()
    viewers = context.Process(target=_watch_and_tell, args=(results, address, count, seconds))
    viewers.start()
    seen: Seen = results.get(timeout=WARM_UP_S + seconds + 60)
    viewers.join()
    return seen


def _watch_and_tell(results: Any, address: tuple[str, int], count: int, seconds: float) -> None:
    results.put(watch(address, "bench", count, WARM_UP_S, seconds))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench live")
    parser.add_argument("--beside", type=Path, help="another checkout, whose build answers first")
    parser.add_argument("--viewers", type=int, nargs="+", default=list(VIEWERS))
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--seconds", type=float, default=SECONDS)
    options = parser.parse_args()
    print(machine())
    print(f"\n{HEAD}\n|---|---|---:|---|---|---:|---:|---:|")
    for name, checkout in (("beside", options.beside), ("today", ROOT)):
        if checkout is not None:
            rows = asyncio.run(
                measure(checkout.resolve(), tuple(options.ways), tuple(options.viewers), options.seconds)
            )
            for row in rows:
                print(f"| {name} | " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
