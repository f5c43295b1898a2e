"""How long `station serve` takes from its command to a station that answers, and what its processes hold at rest.

`python -m bench start [--beside CHECKOUT] [--rounds N]` prints a Markdown table: this build, and beside it others
of this repository (checkouts), run with the same interpreter and packages, in turns. Needs about a minute.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import psutil

from bench.measures import cpu_seconds, machine
from tests.servers import end_process, pick_port, pick_ports

ROOT = Path(__file__).parent.parent
ROUNDS = 3
SETTLE_S = 10.0  # until the chores of a start are done
READY_S = 120.0
MEDIA_PROCESSES = 2


@dataclass(slots=True)
class Figures:
    """Of one build. Times in seconds, memory in MiB."""

    first_s: list[float] = field(default_factory=list)
    first_cpu_s: list[float] = field(default_factory=list)
    warm_s: list[float] = field(default_factory=list)
    warm_cpu_s: list[float] = field(default_factory=list)
    again_s: list[float] = field(default_factory=list)
    memory: dict[str, float] = field(default_factory=dict)


def measure(checkout: Path, figures: Figures, settle_s: float = SETTLE_S) -> None:
    """One round: a first start with demo data, a warm one with a look at its memory, a killed media role."""
    with tempfile.TemporaryDirectory(prefix="bench-start-") as name:
        folder = Path(name)
        with station(checkout, folder, "--demo") as (_, took_s, cpu_s):
            figures.first_s.append(took_s)
            figures.first_cpu_s.append(cpu_s)
        with station(checkout, folder, "--demo") as (process, took_s, cpu_s):
            figures.warm_s.append(took_s)
            figures.warm_cpu_s.append(cpu_s)
            time.sleep(settle_s)
            figures.memory = memory_by_role(process.pid, folder)
            figures.again_s.append(time_to_come_back(folder))


@contextmanager
def station(checkout: Path, folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[bytes], float, float]]:
    """A whole station of that checkout: its supervisor, seconds until it was ready, and CPU seconds spent on it.

    Raises RuntimeError when it is not ready in time.
    """
    port = pick_port()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("STATION_")},
        "PYTHONPATH": str(checkout), "STATION_DATA": str(folder / "var"), "STATION_HTTP_PORT": str(port),
        "STATION_MEDIA_PROCESSES": str(MEDIA_PROCESSES), "STATION_MEDIA_PORT": str(pick_ports(MEDIA_PROCESSES)),
        "STATION_MEDIA_HTTP_PORT": str(pick_ports(MEDIA_PROCESSES)), "STATION_LIVE_HTTP_PORT": str(pick_port()),
    }  # fmt: skip
    log = folder / "log"
    began = time.monotonic()
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "station", "serve", *options],
            env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
    try:
        _wait_until_ready(process, port, log)
        took_s = time.monotonic() - began
        yield process, took_s, _cpu_of_all(process.pid)
    finally:
        end_process(process)


def memory_by_role(supervisor: int, folder: Path) -> dict[str, float]:
    """Proportional set size in MiB, `serve` being the supervisor, and `shared` what forks for it where there is one."""
    roles = {_pid(file): file.stem for file in (folder / "var" / "run").glob("*.pid")} | {supervisor: "serve"}
    found: dict[str, float] = {}
    for process in _all_of(supervisor):
        name = roles.get(process.pid, "shared")
        found[name] = found.get(name, 0.0) + process.memory_full_info().pss / 2**20
    return found


def time_to_come_back(folder: Path) -> float:
    """Seconds from `kill -9` of a media role until the process in its place has begun to listen."""
    file = folder / "var" / "run" / "media-0.pid"
    old, began = _pid(file), time.monotonic()
    if not old:  # which would mean this process's own group
        raise RuntimeError("there is no media role")
    os.kill(old, signal.SIGKILL)
    while time.monotonic() < began + READY_S:
        new = _pid(file)
        if new not in (0, old) and _listens(new):
            return time.monotonic() - began
        time.sleep(0.005)
    raise RuntimeError("the media role did not come back")


def table(builds: dict[str, Figures]) -> str:
    """Markdown: a column for each build."""
    rows = {
        "first start with demo data, s": [median(f.first_s) for f in builds.values()],
        "its CPU time, s": [median(f.first_cpu_s) for f in builds.values()],
        "warm start, s": [median(f.warm_s) for f in builds.values()],
        "the warm start's CPU time, s": [median(f.warm_cpu_s) for f in builds.values()],
        "killed media role listens again, s": [median(f.again_s) for f in builds.values()],
        "memory at rest, MiB (PSS)": [sum(f.memory.values()) for f in builds.values()],
    }
    roles = dict.fromkeys(role for figures in builds.values() for role in sorted(figures.memory))
    rows |= {f"… {role}": [figures.memory.get(role, 0.0) for figures in builds.values()] for role in roles}
    lines = [f"| {machine()} | {' | '.join(builds)} |", "|---|" + "---:|" * len(builds)]
    lines += [f"| {name} | " + " | ".join(_short(value) for value in values) + " |" for name, values in rows.items()]
    return "\n".join(lines)


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 20 else f"{value:.2f}"


def _pid(file: Path) -> int:
    try:
        return int(file.read_text() or 0)
    except FileNotFoundError:
        return 0


def _all_of(supervisor: int) -> list[psutil.Process]:
    root = psutil.Process(supervisor)
    return [root, *root.children(recursive=True)]


def _cpu_of_all(supervisor: int) -> float:
    """Of the living processes, and of those that the supervisor has waited for."""
    waited_for = psutil.Process(supervisor).cpu_times()
    alive_s = sum(cpu_seconds(each.pid) for each in _all_of(supervisor))
    return alive_s + float(waited_for.children_user + waited_for.children_system)


def _listens(pid: int) -> bool:
    try:
        return any(connection.status == psutil.CONN_LISTEN for connection in psutil.Process(pid).net_connections())
    except psutil.NoSuchProcess:
        return False


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end_s = time.monotonic() + READY_S
    while process.poll() is None and time.monotonic() < end_s:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.02)
    raise RuntimeError(f"the station was not ready; its log ends with\n{log.read_text(errors='replace')[-4000:]}")


def _name(checkout: Path) -> str:
    command = ["git", "-C", str(checkout), "rev-parse", "--short", "HEAD"]
    found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return found if re.fullmatch("[0-9a-f]+", found) else checkout.name


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--beside", type=Path, action="append", default=[], help="another checkout of this repository")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--settle", type=float, default=SETTLE_S, help="seconds from ready to the look at memory")
    options = parser.parse_args()
    builds = [*options.beside, ROOT]
    figures = {f"{_name(path)}{' (this build)' if path == ROOT else ''}": Figures() for path in builds}
    for _ in range(options.rounds):
        for path, of_build in zip(builds, figures.values(), strict=True):
            measure(path.resolve(), of_build, options.settle)
    print(table(figures))


if __name__ == "__main__":
    main()
