"""Booking and the rota: how long, how much CPU time, how long others wait.

`python -m bench booking [--beside CHECKOUT] [--postgres URL] [--quick]` fills a city's database and books: one after
another, 200 for the same last place, and as many as go. Then it lays the rota of 300 and 580 deputies out on an empty
database, and looks again when nothing is new, as each hour. Each build runs in a process of its own, on its own copy.
Prints the median of each figure over the rounds; the builds take turns.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench.city import Size
from bench.measures import machine, percentile
from bench.pages import Build, _new_build, _run, migrate, prepare

ON_REQUEST = True  # it needs a minute to fill
PROGRAM = Path(__file__).with_name("booking_run.py")
Told = dict[str, Any]


CITY = Size(cases=1000)


@dataclass(frozen=True, slots=True)
class Wanted:
    """How much is measured."""

    one_by_one: int = 100
    racers: int = 200
    at_once: int = 300
    deputies: tuple[int, ...] = (300, 580)
    rounds: int = 3
    size: Size = CITY


FIGURES: dict[str, Callable[[Told], float]] = {
    "one at a time, p50 ms": lambda told: percentile(told["single_ms"], 0.5),
    "one at a time, p99 ms": lambda told: percentile(told["single_ms"], 0.99),
    "a booking, CPU ms": lambda told: told["single_cpu_ms"],
    "a booking, statements": lambda told: told["statements"],
    "a booking, write transactions": lambda told: told["writes"],
    "last place, p50 ms": lambda told: percentile(told["race_ms"], 0.5),
    "last place, p99 ms": lambda told: percentile(told["race_ms"], 0.99),
    "last place, CPU ms of all": lambda told: told["race_cpu_ms"],
    "last place, winners": lambda told: told["winners"],
    "20 at once, bookings a second": lambda told: told["rate"],
    "20 at once, CPU ms a booking": lambda told: told["rate_cpu_ms"],
}
ROTA_FIGURES = ("new_ms", "new_cpu_ms", "new_lock_ms", "again_ms", "again_cpu_ms", "again_lock_ms", "slots")


def measure(wanted: Wanted, beside: Path | None = None, server: str = "") -> dict[str, dict[str, float]]:
    """Figure → build → its median over the rounds."""
    taken: dict[str, dict[str, list[float]]] = {}
    for _ in range(wanted.rounds):
        with tempfile.TemporaryDirectory(prefix="station-booking-") as name:
            builds, _ = prepare(Path(name), wanted.size, beside, server)
            for build in builds:
                for figure, value in _measure_build(build, wanted, Path(name), server):
                    taken.setdefault(figure, {}).setdefault(build.name, []).append(value)
    return {figure: {name: median(values) for name, values in of.items()} for figure, of in taken.items()}


def _measure_build(build: Build, wanted: Wanted, folder: Path, server: str) -> list[tuple[str, float]]:
    numbers = [str(n) for n in (wanted.one_by_one, wanted.racers, wanted.at_once)]
    told = json.loads(_run(build, str(PROGRAM), str(build.data), build.url, "book", *numbers))
    found = [(name, figure(told)) for name, figure in FIGURES.items()]
    for deputies in wanted.deputies:
        empty = _new_build(f"{build.name}_rota{deputies}", build.root, folder, server)
        migrate(empty)
        told = json.loads(_run(empty, str(PROGRAM), str(empty.data), empty.url, "rota", str(deputies)))
        found += [(f"rota of {deputies}, {name}", told[name]) for name in ROTA_FIGURES]
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench booking", description=__doc__)
    parser.add_argument("--beside", type=Path, help="another checkout, which books beside ours")
    parser.add_argument("--postgres", default="", help="URL of a PostgreSQL server's maintenance database")
    parser.add_argument("--quick", action="store_true", help="one round")
    options = parser.parse_args()
    wanted = Wanted(rounds=1) if options.quick else Wanted()
    print(f"{machine()}; {'PostgreSQL' if options.postgres else 'SQLite'}; median of {wanted.rounds}")
    found = measure(wanted, options.beside, options.postgres)
    names = list(next(iter(found.values())))
    print(f"| | {' | '.join(names)} |\n|---|{'---:|' * len(names)}")
    for figure, of in found.items():
        print(f"| {figure} | {' | '.join(f'{of[name]:.1f}' for name in names)} |")
