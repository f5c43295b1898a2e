"""Forwarding beside Janus, in one run: the same traffic and the same receivers, one forwarder after the other.

CPU per packet is user and system time of all threads of the forwarder over packets that arrived; delay is from the
publisher's write to the arrival in the subscriber's socket, as the kernel notes it. `--quick` takes a fast look,
`--runs N` the median of so many runs, `--only ours` leaves Janus out, `--profile` says where our own time goes.
"""

from __future__ import annotations

import argparse
import datetime
import statistics
import sys
from collections.abc import Iterator
from dataclasses import astuple, dataclass

from bench import janus, ours
from bench.capacity import Capacity, find_capacity
from bench.measures import machine
from bench.profile import profile
from bench.servers import Server
from bench.traffic import Shape
from bench.window import Measured, play

COUNTS, QUICK_COUNTS = (1, 10, 30, 60, 200), (10, 60)
MEETING = 6
SHAPES: tuple[Shape, ...] = ("bursts", "paced")
ABOUT = {
    "bursts": "Bursts: all packets of a frame at once, as Chromium sends them (this favours a server that batches)",
    "paced": "Paced: packets spread, at 2.5 times the bit rate",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One row of one table, by one forwarder."""

    server: str
    shape: Shape
    case: str


Results = dict[Cell, list[Measured]]


def main() -> None:
    """Print the tables."""
    options = _options()
    if options.profile:
        profile(options.seconds * 5)
        return
    others = [] if options.only else janus.servers()
    servers = [ours.server(), *others]
    print(f"{datetime.date.today()}, {machine()}; {options.runs} run(s), {options.seconds:g} s each.")
    print(f"Janus {janus.version()}.\n" if others else "Comparison with Janus: SKIPPED.\n", flush=True)
    results: Results = {}
    for run in range(options.runs):
        for server in servers[run % len(servers) :] + servers[: run % len(servers)]:
            for cell, measured in run_once(server, options.counts, options.seconds):
                results.setdefault(cell, []).append(measured)
    names = [server.name for server in servers]
    for shape in SHAPES:
        print(f"### {ABOUT[shape]}\n\n{cpu_table(results, names, shape)}\n\n{delay_table(results, names, shape)}\n")
    if options.capacity:
        print(capacity_table({server.name: find_capacity(server) for server in servers}))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench forwarding", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rows, one short run, no search for the limit")
    parser.add_argument("--runs", type=int, default=0, help="runs to take the median of (3)")
    parser.add_argument("--seconds", type=float, default=0.0, help="length of each measurement (2)")
    parser.add_argument("--only", choices=["ours"], help="leave Janus out")
    parser.add_argument("--no-capacity", dest="capacity", action="store_false", help="no search for the limit")
    parser.add_argument("--profile", action="store_true", help="where our media process spends its time")
    options = parser.parse_args()
    options.runs = options.runs or (1 if options.quick else 3)
    options.seconds = options.seconds or (1.5 if options.quick else 2.0)
    options.counts = QUICK_COUNTS if options.quick else COUNTS
    options.capacity = options.capacity and not options.quick
    return options


def run_once(server: Server, counts: tuple[int, ...], seconds: float) -> Iterator[tuple[Cell, Measured]]:
    """All rows of one forwarder: one publisher with ever more subscribers, then a meeting."""
    with play(server, 1) as scene:
        joined = 0
        for count in counts:
            scene.join(range(joined, count), 1)
            joined = count
            for scene.traffic.shape in SHAPES:
                yield Cell(server.name, scene.traffic.shape, f"1→{count}"), scene.measure(count, seconds)
    with play(server, MEETING) as scene:
        scene.join(range(MEETING), MEETING)
        for scene.traffic.shape in SHAPES:
            case = f"{MEETING}×{MEETING} meeting"
            yield Cell(server.name, scene.traffic.shape, case), scene.measure(MEETING - 1, seconds)
    print(f"{server.name}: measured", file=sys.stderr, flush=True)


def median(results: Results, cell: Cell) -> Measured:
    """Each figure's median over the runs."""
    return Measured(*(statistics.median(values) for values in zip(*map(astuple, results[cell]), strict=True)))


def cases(results: Results, shape: Shape) -> list[str]:
    """The rows of a table, in the order in which they were measured."""
    return list(dict.fromkeys(cell.case for cell in results if cell.shape == shape))


def cpu_table(results: Results, names: list[str], shape: Shape) -> str:
    """CPU µs per forwarded packet, ours also as share of each other's."""
    first, *others = names
    heads = ["packets/s", *(f"{name}, µs" for name in names), *(f"{first} ÷ {name}" for name in others)]
    lines = [f"| CPU per packet | {' | '.join(heads)} |", "|---|" + "---:|" * len(heads)]
    for case in cases(results, shape):
        seen = {name: median(results, Cell(name, shape, case)) for name in names}
        figures = [f"{seen[first].packets_per_s:,.0f}", *(f"{seen[name].cpu_us:.1f}" for name in names)]
        figures += [f"{seen[first].cpu_us / seen[name].cpu_us:.2f}" for name in others]
        lines.append(f"| {case} | {' | '.join(figures)} |")
    return "\n".join(lines)


def delay_table(results: Results, names: list[str], shape: Shape) -> str:
    """Added delay and loss."""
    first, *others = names
    heads = [f"{name}, ms" for name in names] + [f"p99 {first} ÷ {name}" for name in others]
    heads += [f"lost, {name}" for name in names]
    lines = [f"| delay p50 / p99 | {' | '.join(heads)} |", "|---|" + "---:|" * len(heads)]
    for case in cases(results, shape):
        seen = {name: median(results, Cell(name, shape, case)) for name in names}
        figures = [f"{seen[name].p50_ms:.2f} / {seen[name].p99_ms:.2f}" for name in names]
        figures += [f"{seen[first].p99_ms / seen[name].p99_ms:.2f}" for name in others]
        figures += [f"{seen[name].lost:.2%}" for name in names]
        lines.append(f"| {case} | {' | '.join(figures)} |")
    return "\n".join(lines)


def capacity_table(found: dict[str, Capacity]) -> str:
    """The most subscribers of one publisher that one core holds."""
    lines = ["### Most subscribers on one core (bursts)\n", "| forwarder | held | then | by CPU at that point |"]
    lines.append("|---|---:|---|---:|")
    lines += [f"| {name} | {one.held} | {one.limit} | {one.extrapolated:,.0f} |" for name, one in found.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
