"""How soon a dead role comes back."""

from __future__ import annotations

from station.serve.child import CALM_AFTER_S, LONGEST_WAIT_S, Backoff


def test_the_first_death_costs_no_time() -> None:
    """A role that dies once is started again at once."""
    assert Backoff().after_death(0.1) == 0


def test_repeated_deaths_wait_longer_up_to_a_limit() -> None:
    """A role that cannot live does not keep the machine busy, and is still tried every 15 s."""
    backoff = Backoff()
    waits = [backoff.after_death(0.1) for _ in range(9)]
    assert waits == sorted(waits)
    assert waits[:4] == [0, 0.5, 1, 2]
    assert waits[-1] == LONGEST_WAIT_S


def test_a_long_life_is_forgiven() -> None:
    """After half a minute of life the next death counts as the first."""
    backoff = Backoff()
    for _ in range(5):
        backoff.after_death(0.1)
    assert backoff.after_death(CALM_AFTER_S) == 0
