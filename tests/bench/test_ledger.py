"""The benchmark of the ledger, in small."""

from __future__ import annotations

from pathlib import Path

from bench.ledger import measure


def test_the_filled_ledger_is_whole(tmp_path: Path) -> None:
    """The chain that the benchmark makes is one that verifies, with one process and with several."""
    assert all(seconds > 0 for _, seconds in measure(tmp_path, 300))
