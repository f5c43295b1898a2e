"""The programs that time bookings and the rota still run."""

from __future__ import annotations

from bench.booking import FIGURES, Wanted, measure
from bench.city import Size


def test_a_small_city_is_booked_and_laid_out() -> None:
    """Of all who want the last place one gets it; a rota that is laid out brings nothing new."""
    size = Size(cases=10, citizens=5, deputies=3)
    wanted = Wanted(one_by_one=3, racers=5, at_once=4, deputies=(2,), rounds=1, size=size)
    found = {figure: of["today"] for figure, of in measure(wanted).items()}
    assert set(FIGURES) < set(found)
    assert found["last place, winners"] == 1 and found["a booking, write transactions"] == 1
    assert found["rota of 2, slots"] == 2 * 2 * 2 * 9 and found["rota of 2, again_lock_ms"] == 0
