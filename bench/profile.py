"""Where our media process spends its time, function by function (cProfile, which itself makes small functions dear)."""

from __future__ import annotations

import io
import pstats
import tempfile
from pathlib import Path

from bench import ours
from bench.window import play

LINES = 25
CASES = {"1→60": (1, 60, 60), "6×6 meeting": (6, 6, 5)}  # publishers, subscribers, copies of each packet


def profile(seconds: float) -> None:
    """Prints the dearest functions of each case."""
    for name, (publishers, subscribers, copies) in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "profile"
            with play(ours.server(file), publishers) as scene:
                scene.join(range(subscribers), publishers)
                scene.traffic.shape = "paced"
                seen = scene.measure(copies, seconds * 4)
            print(f"\n### {name}: {seen.cpu_us:.1f} µs a packet under the profiler\n\n{_top(file)}", flush=True)


def _top(file: Path) -> str:
    text = io.StringIO()
    pstats.Stats(str(file), stream=text).sort_stats("tottime").print_stats(LINES)
    return text.getvalue().strip()
