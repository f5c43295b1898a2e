"""The bench of a start tells two builds apart, and runs on this one."""

from __future__ import annotations

from pathlib import Path

from bench.start import Figures, measure, table

ROOT = Path(__file__).parents[2]


def test_each_build_has_a_column() -> None:
    """The middle of the rounds counts, and a process that only one build has is a row all the same."""
    old = Figures([15.5, 16, 90], [20, 19, 18], [7, 6, 6.5], [10, 11, 12], [3, 3, 3], {"serve": 104, "web": 94.4})
    new = Figures([5, 5, 5], [6, 6, 6], [2, 2, 2], [3, 3, 3], [0.2, 0.2, 0.2], {"serve": 20, "web": 40, "shared": 30})
    lines = table({"47dd51f": old, "this": new}).splitlines()
    assert lines[0].endswith("| 47dd51f | this |")
    assert "| first start with demo data, s | 16.00 | 5.00 |" in lines
    assert "| memory at rest, MiB (PSS) | 198 | 90 |" in lines
    assert "| … shared | 0.00 | 30 |" in lines


def test_a_station_is_measured() -> None:
    """A first start, a warm one, its memory by role, and a killed media role that comes back."""
    figures = Figures()
    measure(ROOT, figures, settle_s=0.0)
    roles = {"serve", "shared", "media-0", "media-1", "live", "web", "work"}
    assert {name for name, used in figures.memory.items() if used > 0} == roles
    assert min(figures.first_s + figures.first_cpu_s + figures.warm_s + figures.warm_cpu_s + figures.again_s) > 0
