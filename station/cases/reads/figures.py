"""Figures of the units, computed from counts: replies in time, ratings, cards. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime

from station.base.clock import local
from station.cases.model import Colour
from station.cases.records import UnitCards, UnitRatings, UnitReplies

HISTORY_MONTHS = 6


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A month of the calendar, in Shanghai."""

    year: int
    month: int

    @staticmethod
    def of(moment: datetime | date) -> Month:
        """The month a moment lies in."""
        day = local(moment) if isinstance(moment, datetime) else moment
        return Month(day.year, day.month)

    @staticmethod
    def parse(raw: str) -> Month | None:
        """From `2026-10`; None when it is no month."""
        try:
            first = date.fromisoformat(f"{raw}-01")
        except ValueError:
            return None
        return Month.of(first) if 2000 <= first.year <= 2100 else None

    def __str__(self) -> str:
        return f"{self.year}-{self.month:02}"

    def back(self, months: int) -> Month:
        """The month so many before this one."""
        count = self.year * 12 + self.month - 1 - months
        return Month(count // 12, count % 12 + 1)


@dataclass(frozen=True, slots=True)
class Bar:
    """Replies of one month: in time, in time but at the last moment, late."""

    month: Month
    in_time: int
    soon: int
    late: int

    @property
    def total(self) -> int:
        """All replies of the month."""
        return self.in_time + self.soon + self.late


@dataclass(frozen=True, slots=True)
class UnitFigures:
    """One row of the league. Shares are percent, None where there is nothing to divide by."""

    rank: int
    unit_id: str
    name: str
    replies: int
    in_time: int | None
    trend: tuple[int | None, ...]
    satisfied: int | None
    yellow: int
    red: int


def percent(part: int, whole: int) -> int | None:
    """A share in whole percent, rounded down: 99.6 % is not 100 %."""
    return part * 100 // whole if whole else None


def months_to(month: Month) -> tuple[Month, ...]:
    """The six months up to `month`, the oldest first: those that `UnitReplies.place` counts."""
    return tuple(month.back(n) for n in reversed(range(HISTORY_MONTHS)))


def history(month: Month, replies: Iterable[UnitReplies]) -> tuple[Bar, ...]:
    """The bars of six months up to `month`, oldest first."""
    counts = [[0, 0, 0] for _ in range(HISTORY_MONTHS)]
    for each in replies:
        bar = counts[each.place]
        bar[0] += each.replies - each.late - each.soon
        bar[1] += each.soon
        bar[2] += each.late
    return tuple(Bar(m, *counts[place]) for place, m in enumerate(months_to(month)))


def league(
    month: Month,
    units: Iterable[tuple[str, str]],
    replies: Iterable[UnitReplies],
    ratings: Iterable[UnitRatings],
    cards: Iterable[UnitCards],
) -> list[UnitFigures]:
    """All units with something in the six months, best first: by share in time, then satisfaction, then number.

    In time means before 24:00 of the due day. Replies without a rating are left out of satisfaction.
    """
    by_unit: defaultdict[str, list[UnitReplies]] = defaultdict(list)
    for each in replies:
        by_unit[each.unit_id].append(each)
    rated = {each.unit_id: each for each in ratings}
    held = {(each.unit_id, each.colour): each.cards for each in cards}
    rows = [_figures(unit, history(month, by_unit[unit[0]]), rated.get(unit[0]), held) for unit in units]
    busy = [row for row in rows if row.replies or row.yellow or row.red or any(t is not None for t in row.trend)]
    busy.sort(key=_order)
    return [replace(row, rank=place) for place, row in enumerate(busy, 1)]


def _figures(
    unit: tuple[str, str], bars: tuple[Bar, ...], rated: UnitRatings | None, held: dict[tuple[str, Colour], int]
) -> UnitFigures:
    unit_id, name = unit
    return UnitFigures(
        rank=0,
        unit_id=unit_id,
        name=name,
        replies=bars[-1].total,
        in_time=percent(bars[-1].total - bars[-1].late, bars[-1].total),
        trend=tuple(percent(bar.total - bar.late, bar.total) for bar in bars),
        satisfied=percent(rated.good, rated.rated) if rated else None,
        yellow=held.get((unit_id, Colour.YELLOW), 0),
        red=held.get((unit_id, Colour.RED), 0),
    )


def _order(row: UnitFigures) -> tuple[float, float, int, int, str]:
    share = -1 if row.in_time is None else row.in_time
    liked = -1 if row.satisfied is None else row.satisfied
    return (-share, -liked, row.red * 2 + row.yellow, -row.replies, row.name)
