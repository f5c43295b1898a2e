"""The model of a bad line keeps to its rules."""

from __future__ import annotations

from itertools import groupby, pairwise

import pytest

from bench.network.link import DARK, GOOD, Bursts, Link, Rules

COUNT = 20_000
Delays = list[float | None]


def carry(rules: Rules, count: int = COUNT, size: int = 1000, every_s: float = 0.01, seed: int = 7) -> Delays:
    """Delays of so many datagrams, sent at a steady pace; None for a lost one."""
    link = Link(seed, rules)
    arrivals = [link.carry(size, n * every_s) for n in range(count)]
    return [None if at is None else at - n * every_s for n, at in enumerate(arrivals)]


def lost_share(delays: Delays) -> float:
    return sum(delay is None for delay in delays) / len(delays)


def test_a_good_line_carries_everything_at_once() -> None:
    """Nothing is lost and nothing waits."""
    assert set(carry(GOOD)) == {0.0}


def test_a_dark_line_carries_nothing() -> None:
    """Everything is lost."""
    assert lost_share(carry(DARK)) == 1.0


def test_one_seed_loses_the_same_datagrams() -> None:
    """Two links of one seed agree in each datagram, and two seeds do not."""
    rules = Rules(loss=0.05, jitter_s=0.03, overtaken=0.02)
    assert carry(rules) == carry(rules)
    assert carry(rules) != carry(rules, seed=8)


def test_a_rule_does_not_change_the_chances_of_another() -> None:
    """The same datagrams are lost with jitter and without."""
    plain, jittery = carry(Rules(loss=0.05)), carry(Rules(loss=0.05, jitter_s=0.05))
    assert [delay is None for delay in plain] == [delay is None for delay in jittery]


@pytest.mark.parametrize("loss", [0.02, 0.05, 0.1])
def test_random_loss(loss: float) -> None:
    """The share that is lost is the one asked for."""
    assert lost_share(carry(Rules(loss=loss))) == pytest.approx(loss, rel=0.1)


def test_losses_come_in_bursts() -> None:
    """Bursts last as long as their end is unlikely, and lose the share that both chances make."""
    delays = carry(Rules(bursts=Bursts(begins=0.01, ends=0.2)))
    runs = [len(list(run)) for is_lost, run in groupby(delays, lambda delay: delay is None) if is_lost]
    assert sum(runs) / len(runs) == pytest.approx(1 / 0.2, rel=0.15)
    assert lost_share(delays) == pytest.approx(0.01 / (0.01 + 0.2), rel=0.15)


def test_delay_and_jitter_keep_the_order() -> None:
    """Every datagram waits at least the delay, at most the jitter more, and none overtakes another."""
    delays = [delay for delay in carry(Rules(delay_s=0.1, jitter_s=0.05)) if delay is not None]
    assert min(delays) >= 0.1
    assert max(delays) < 0.15
    arrivals = [n * 0.01 + delay for n, delay in enumerate(delays)]
    assert all(early <= late for early, late in pairwise(arrivals))


def test_some_are_overtaken() -> None:
    """The share asked for comes later than those sent after it."""
    delays = carry(Rules(delay_s=0.02, overtaken=0.05, overtaken_by_s=0.03))
    late = sum(delay is not None and delay > 0.04 for delay in delays)
    assert late / COUNT == pytest.approx(0.05, rel=0.1)


def test_a_bottleneck_passes_its_rate_and_drops_the_rest() -> None:
    """Twice the rate fills the queue to its length; half of it comes out, at the rate."""
    rate = 300_000
    size = 1000
    every_s = (size + 28) * 8 / rate / 2
    delays = carry(Rules(bits_per_s=rate, queue_s=0.4), count=2000, size=size, every_s=every_s)
    assert lost_share(delays) == pytest.approx(0.5, abs=0.02)
    assert max(delay for delay in delays if delay is not None) == pytest.approx(0.4, abs=0.06)


def test_a_bottleneck_below_its_rate_loses_nothing() -> None:
    """Half the rate passes with the time it takes to send each, and no queue."""
    took_s = 1028 * 8 / 300_000
    assert carry(Rules(bits_per_s=300_000), count=100, every_s=2 * took_s) == pytest.approx([took_s] * 100)


def test_rules_change_in_the_middle() -> None:
    """A line that was dark carries again, and one that was capped forgets its queue."""
    link = Link(1, Rules(bits_per_s=10_000))
    assert (link.carry(1000, 0.0) or 0) > 0.5
    link.rules = DARK
    assert link.carry(1000, 1.0) is None
    link.rules = GOOD
    assert link.carry(1000, 2.0) == 2.0
    assert (link.offered, link.lost) == (3, 1)
