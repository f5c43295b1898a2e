"""How many subscribers a forwarder holds when it has one core to itself; everything else runs on the others."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from bench.measures import core_seconds, cpu_seconds, pin
from bench.servers import Server
from bench.window import Measured, Scene, play

STEPS = (100, 150, 200, 250, 300, 350, 400, 450, 500, 600, 700, 800, 900, 1000)
SECONDS = 1.5
MAX_LOST, MAX_P99_MS = 0.001, 20.0
MAX_RECEIVERS_SHARE = 0.9
MAX_OTHERS = 0.1
TRIES = 6


@dataclass(frozen=True, slots=True)
class Capacity:
    """`held` is the last step without trouble; `limit` says what came next."""

    held: int
    limit: str
    extrapolated: float


def find_capacity(server: Server, steps: tuple[int, ...] = STEPS) -> Capacity:
    """Steps up until packets are lost or late, the benchmark's own receivers are at their limit, or the steps end."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) == 1:
        return Capacity(0, "one core only: nothing to separate", 0.0)
    os.sched_setaffinity(0, cores[1:])
    try:
        with play(server, 1) as scene:
            pin(scene.running.pid, cores[0])
            return _climb(scene, steps, cores[0])
    finally:
        os.sched_setaffinity(0, cores)


def _climb(scene: Scene, steps: tuple[int, ...], core: int) -> Capacity:
    held, joined, extrapolated = 0, 0, 0.0
    for step in steps:
        scene.join(range(joined, step), 1)
        joined = step
        seen, trouble = _try(scene, step, core)
        if trouble:
            return Capacity(held, trouble, extrapolated)
        held, extrapolated = step, step / seen.cpu_share
    return Capacity(held, "not reached", extrapolated)


def _try(scene: Scene, step: int, core: int) -> tuple[Measured, str]:
    """Measures twice if need be, as one hiccup is not the limit; more often while others work on the same core."""
    for attempt in range(TRIES):
        before_s, began_s = core_seconds(core) - cpu_seconds(scene.running.pid), time.monotonic()
        seen = scene.measure(step, SECONDS)
        others = (core_seconds(core) - cpu_seconds(scene.running.pid) - before_s) / (time.monotonic() - began_s)
        trouble = _trouble(seen)
        if not trouble or (attempt and others < MAX_OTHERS):
            break
    return seen, trouble and trouble + (f"; others had {others:.0%} of the core" if others >= MAX_OTHERS else "")


def _trouble(seen: Measured) -> str:
    if seen.receivers_share > MAX_RECEIVERS_SHARE:
        return "the benchmark's receivers"
    if seen.lost > MAX_LOST:
        return f"{seen.lost:.1%} lost"
    return f"p99 {seen.p99_ms:.0f} ms" if seen.p99_ms > MAX_P99_MS else ""
