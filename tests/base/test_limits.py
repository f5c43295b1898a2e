"""Counting against limits in one process."""

from __future__ import annotations

import pytest

from station.base.errors import TooManyRequests
from station.base.limits import LocalLimits
from station.base.origin import network_of


def test_past_the_number_of_keys_only_the_oldest_is_forgotten() -> None:
    """A stranger who fills the memory with keys does not give everybody else a fresh start."""
    limits = LocalLimits(max_keys=100)
    limits.count("victim", 2, 60, now_s=0.0)
    limits.count("victim", 2, 60, now_s=1.0)
    for number in range(99):
        limits.count(f"stranger-{number}", 2, 60, now_s=2.0)
    with pytest.raises(TooManyRequests):
        limits.count("victim", 2, 60, now_s=3.0)
    for number in range(99, 5_000):
        limits.count(f"stranger-{number}", 2, 60, now_s=4.0)
    assert len(limits) == 100


def test_who_keeps_trying_is_not_forgotten_for_it() -> None:
    """A key that is refused again and again stays among the newest, so flooding between the tries does not free it."""
    limits = LocalLimits(max_keys=10)
    limits.count("guesser", 1, 60, now_s=0.0)
    for number in range(50):
        limits.count(f"other-{number}", 1, 60, now_s=1.0)
        with pytest.raises(TooManyRequests):
            limits.count("guesser", 1, 60, now_s=1.0)


def test_a_refused_use_says_when_the_next_is_free() -> None:
    """The window slides: the first use leaves it after exactly its length, and the error says how long that is."""
    limits = LocalLimits()
    limits.count("k", 1, 60, now_s=0.0)
    with pytest.raises(TooManyRequests) as caught:
        limits.count("k", 1, 60, now_s=50.0)
    assert caught.value.retry_after_s == 11
    limits.count("k", 1, 60, now_s=60.0)


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:0DB8:0001:0002::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("192.0.2.7", "192.0.2.7"),
        ("", ""),
        ("unix:", "unix:"),
    ],
)
def test_ipv6_counts_by_the_network_of_one_subscriber(address: str, counted: str) -> None:
    """All addresses of one /64 count as one; IPv4 counts singly, also where it is written as IPv6."""
    assert network_of(address) == counted
