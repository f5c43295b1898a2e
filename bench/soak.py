"""Whether a media role that people join and leave for an hour stays as it was: memory, open files, tasks.

`python -m bench soak [--minutes N] [--every SECONDS]` prints a row each half minute, and at the end what each figure
rises an hour. It takes little CPU, so that it can run beside other work; `make bench` leaves it out.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path

import aiohttp

from bench.guests import House
from bench.measures import cpu_seconds
from bench.role import Role, media_role
from station.base.grants import GrantSigner

ON_REQUEST = True  # an hour is too long for `make bench`
MINUTES = 60.0
GUEST_EVERY_S = 2.5
SAMPLE_EVERY_S = 30.0
SETTLED = 0.1  # this share of the time counts as getting warm
BUSY_ROOMS = ["mt_busy1", "mt_busy2"]
METRICS = ("tasks", "rooms", "members", "sessions", "tracks", "outputs")


@dataclass(frozen=True, slots=True)
class Sample:
    """The media process at one time."""

    minute: float
    resident_mb: float
    files: int
    tasks: int
    rooms: int
    members: int
    sessions: int
    tracks: int
    outputs: int
    guests: int
    cpu_share: float


async def soak(minutes: float, guest_every_s: float) -> list[Sample]:
    """Guests come, samples are taken, until the time is over."""
    with tempfile.TemporaryDirectory(prefix="station-soak-") as name:
        signer = GrantSigner.load(Path(name) / "keys")
        with media_role(Path(name)) as role:
            async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as people:
                house = House(role.url, signer, http, seed=1)
                staying = [people.create_task(house.keep_busy(room, watchers=2)) for room in BUSY_ROOMS]
                await asyncio.sleep(1)
                samples = await _host(house, role, people, minutes * 60, guest_every_s)
                for task in staying:
                    task.cancel()
            print(f"{house.came} guests came, {house.failed} could not.")
    return samples


async def _host(house: House, role: Role, people: asyncio.TaskGroup, lasts_s: float, every_s: float) -> list[Sample]:
    samples: list[Sample] = []
    began_s = sampled_s = time.monotonic()
    cpu_s = cpu_seconds(role.process.pid)
    while (now_s := time.monotonic()) < began_s + lasts_s + 1:
        role.check()
        if now_s >= began_s + len(samples) * SAMPLE_EVERY_S:
            spent_s = cpu_seconds(role.process.pid) - cpu_s
            share = spent_s / max(1.0, now_s - sampled_s)
            cpu_s, sampled_s = cpu_s + spent_s, now_s
            samples.append(await asyncio.to_thread(_sample, role, now_s - began_s, house.came, share))
            print(_row(samples[-1]), flush=True)
        people.create_task(house.visit(BUSY_ROOMS))
        await asyncio.sleep(house.dice.uniform(0.5, 1.5) * every_s)
    return samples


def _sample(role: Role, passed_s: float, guests: int, cpu_share: float) -> Sample:
    with urllib.request.urlopen(role.url + "/metrics", timeout=10) as response:
        lines = [line.split() for line in response.read().decode().splitlines() if not line.startswith("#")]
    metrics = {name.removeprefix("station_media_"): int(float(value)) for name, value in lines}
    folder = Path(f"/proc/{role.process.pid}")
    pages = int((folder / "statm").read_text().split()[1])
    files = len(list((folder / "fd").iterdir()))
    counts = {name: metrics[name] for name in METRICS}
    resident_mb = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    return Sample(passed_s / 60, resident_mb, files, guests=guests, cpu_share=cpu_share, **counts)


def slope_an_hour(samples: list[Sample], name: str) -> float:
    """How much a figure rises in an hour, by least squares over the samples after the warm-up."""
    settled = [sample for sample in samples if sample.minute >= SETTLED * samples[-1].minute]
    times = [sample.minute / 60 for sample in settled]
    values = [float(getattr(sample, name)) for sample in settled]
    time_mean, value_mean = sum(times) / len(times), sum(values) / len(values)
    spread = sum((at - time_mean) ** 2 for at in times)
    shared = sum((at - time_mean) * (value - value_mean) for at, value in zip(times, values, strict=True))
    return shared / spread if spread else 0.0


def _row(sample: Sample) -> str:
    figures = asdict(sample)
    return "| " + " | ".join(_figure(name, value) for name, value in figures.items()) + " |"


def _figure(name: str, value: float) -> str:
    if name == "cpu_share":
        return f"{value:.1%}"
    return f"{value:.1f}" if isinstance(value, float) else f"{value}"


def main() -> None:
    """Print the samples as they come, then the slopes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--every", type=float, default=GUEST_EVERY_S, help="seconds between two guests, on average")
    options = parser.parse_args()
    names = list(Sample.__dataclass_fields__)
    print("| " + " | ".join(name.replace("_", " ") for name in names) + " |")
    print("|" + "---:|" * len(names))
    samples = asyncio.run(soak(options.minutes, options.every))
    print("\n| | first | last | an hour |\n|---|---:|---:|---:|")
    for name in names[1:-2]:
        first, last = (getattr(sample, name) for sample in (samples[0], samples[-1]))
        rises = slope_an_hour(samples, name)
        print(f"| {name.replace('_', ' ')} | {_figure(name, first)} | {_figure(name, last)} | {rises:+.1f} |")


if __name__ == "__main__":
    main()
