"""The benchmark of bags, in small."""

from __future__ import annotations

from pathlib import Path

from bench.bags import measure


def test_every_way_is_measured(tmp_path: Path) -> None:
    """Sealing, verifying and the peers beside them run on the same files, and each has a rate."""
    rates = dict(measure(tmp_path, 16))
    assert len(rates) == 6
    assert all(rate > 0 for rate in rates.values())
