"""Where our media process spends its CPU time: lines that it was at, and functions that it was in."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections import Counter
from pathlib import Path

from bench import ours
from bench.sampling import START, STOP
from bench.window import play

LINES = 25
CASES = {"1→60": (1, 60, 60), "6×6 meeting": (6, 6, 5)}  # publishers, subscribers, copies of each packet


def profile(seconds: float) -> None:
    """Prints the dearest lines and functions of each case, with paced traffic."""
    for name, (publishers, subscribers, copies) in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "samples"
            with play(ours.server(file), publishers) as scene:
                scene.join(range(subscribers), publishers)
                scene.traffic.shape = "paced"
                os.kill(scene.running.pid, START)
                seen = scene.measure(copies, seconds)
                os.kill(scene.running.pid, STOP)
                found = _read(file)
        total = sum(found["lines"].values())
        print(f"\n### {name}: {seen.cpu_us:.1f} µs a packet while {total} samples were taken\n")
        for title in ("lines", "functions"):
            print(f"{title}:")
            for where, count in Counter(found[title]).most_common(LINES):
                print(f"{count / total:7.1%} {seen.cpu_us * count / total:6.2f} µs  {where}")


def _read(file: Path) -> dict[str, dict[str, int]]:
    end_s = time.monotonic() + 5
    while not file.exists() and time.monotonic() < end_s:
        time.sleep(0.05)
    time.sleep(0.2)
    found: dict[str, dict[str, int]] = json.loads(file.read_text())
    return found
