"""Figures of the units, computed from rows: replies in time, ratings, cards. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from station.base.clock import local
from station.cases.model import Colour
from station.cases.records import Card, Rating, Reply

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


def month_bar(month: Month, replies: Iterable[Reply]) -> Bar:
    """The bar of one month."""
    of_month = [r for r in replies if Month.of(r.at) == month]
    late = sum(r.late for r in of_month)
    soon = sum(r.soon and not r.late for r in of_month)
    return Bar(month, len(of_month) - late - soon, soon, late)


def history(month: Month, replies: list[Reply]) -> tuple[Bar, ...]:
    """The bars of six months up to `month`, oldest first."""
    return tuple(month_bar(month.back(n), replies) for n in reversed(range(HISTORY_MONTHS)))


def league(
    month: Month,
    units: list[tuple[str, str]],
    replies: list[Reply],
    ratings: list[Rating],
    cards: list[Card],
    good_from: int,
) -> list[UnitFigures]:
    """All units with something in the six months, best first: by share in time, then satisfaction, then number.

    In time means before 24:00 of the due day. Replies without a rating are left out of satisfaction.
    """
    grades = {(rating.case_id, rating.round): int(rating.grade) for rating in ratings}
    rows = [_figures(month, unit, replies, grades, cards, good_from) for unit in units]
    busy = [row for row in rows if row.replies or row.yellow or row.red or any(t is not None for t in row.trend)]
    busy.sort(key=_order)
    return [_ranked(row, place) for place, row in enumerate(busy, 1)]


def _figures(
    month: Month,
    unit: tuple[str, str],
    replies: list[Reply],
    grades: dict[tuple[str, int], int],
    cards: list[Card],
    good_from: int,
) -> UnitFigures:
    unit_id, name = unit
    own = [r for r in replies if r.unit_id == unit_id]
    bars = history(month, own)
    rated = [grades[r.case_id, r.round] for r in own if Month.of(r.at) == month and (r.case_id, r.round) in grades]
    held = [
        k.colour for k in cards if k.unit_id == unit_id and k.withdrawn_at is None and Month.of(k.issued_at) == month
    ]
    return UnitFigures(
        rank=0,
        unit_id=unit_id,
        name=name,
        replies=bars[-1].total,
        in_time=percent(bars[-1].total - bars[-1].late, bars[-1].total),
        trend=tuple(percent(bar.total - bar.late, bar.total) for bar in bars),
        satisfied=percent(sum(grade >= good_from for grade in rated), len(rated)),
        yellow=held.count(Colour.YELLOW),
        red=held.count(Colour.RED),
    )


def _order(row: UnitFigures) -> tuple[float, float, int, int, str]:
    share = -1 if row.in_time is None else row.in_time
    liked = -1 if row.satisfied is None else row.satisfied
    return (-share, -liked, row.red * 2 + row.yellow, -row.replies, row.name)


def _ranked(row: UnitFigures, place: int) -> UnitFigures:
    return UnitFigures(
        rank=place,
        unit_id=row.unit_id,
        name=row.name,
        replies=row.replies,
        in_time=row.in_time,
        trend=row.trend,
        satisfied=row.satisfied,
        yellow=row.yellow,
        red=row.red,
    )
