"""The viewers of the benchmark get every part, either way."""

from __future__ import annotations

import asyncio

from bench.live import ROOT, WAYS, measure


def test_viewers_get_their_parts() -> None:
    """A row a way, whose viewers got parts and no failure."""
    rows = asyncio.run(measure(ROOT, WAYS, (3,), 1.0))
    assert [row[0] for row in rows] == list(WAYS)
    for _, _, parts, _, _, _, failed in rows:
        assert int(parts.partition(",")[0]) > 0 and failed == "0"
