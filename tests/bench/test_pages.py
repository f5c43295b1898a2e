"""The programs that fill a city and time its pages still run."""

from __future__ import annotations

from bench.city import Size
from bench.pages import CHORE, compare


def test_every_page_of_a_small_city_is_timed() -> None:
    """Every page answers from a filled database, and the chore of cards finds nothing to do at the second turn."""
    rows = dict(compare(Size(cases=60, citizens=5, deputies=3), times=1))
    assert {"/cases", "/desk clerk", "/unit unit", "/oversight supervisor", CHORE} <= set(rows)
    assert all(figures["today"].p99 >= figures["today"].p50 > 0 for figures in rows.values())
    chore = rows[CHORE]["today"]
    assert (chore.statements, chore.writes) == (1, 0)
