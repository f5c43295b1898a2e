"""Where a case stands in the list of all: its number tells, as the numbers of a year have no gaps. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Series:
    """The numbers given out in one year under one prefix: 1 to `last`."""

    year: int
    last: int


def count_numbers(series: Iterable[Series]) -> int:
    """How many numbers have been given out."""
    return sum(each.last for each in series)


def count_newer(series: Iterable[Series], year: int, serial: int) -> int:
    """How many numbers stand before this one in the list that begins with the newest."""
    return sum(each.last if each.year > year else max(0, each.last - serial) for each in series if each.year >= year)


def number_behind(series: Iterable[Series], count: int) -> tuple[int, int]:
    """The year and the highest serial of what follows so many of the newest numbers.

    Under two prefixes a year gives a serial twice; then what follows may begin with one or two that went before.
    """
    every = sorted(series, key=lambda each: each.year, reverse=True)
    for year in sorted({each.year for each in every}, reverse=True):
        own = [each for each in every if each.year == year]
        total = count_numbers(own)
        if count < total:
            return year, _serial_behind(own, count)
        count -= total
    return 0, 0


def _serial_behind(own: list[Series], count: int) -> int:
    low, high = 0, max(each.last for each in own)
    while low < high:  # the lowest serial that has no more than `count` above it
        middle = (low + high) // 2
        if sum(max(0, each.last - middle) for each in own) <= count:
            high = middle
        else:
            low = middle + 1
    return low
