"""Counting working days and months as Chinese law does. Pure: the calendar is an argument.

民法典 art. 201: the day a period starts on is not counted; art. 202: a period of months ends on the same date, or on
the month's last day; art. 203: a last day that is off moves to the next day that is not, and ends at 24:00.
Make-up weekends (调休上班) are working days (全国年节及纪念日放假办法 and the State Council's yearly notice).
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Protocol

from station.base.clock import SHANGHAI

ONE_DAY = timedelta(days=1)
MAX_PERIOD = 400


class DayKind(StrEnum):
    """What a day is: 工作日, 休 (weekend), 假 (holiday), 班 (a weekend worked to make up)."""

    WORK = "work"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    MAKE_UP = "make-up"

    @property
    def counts(self) -> bool:
        """Whether people work, so that a clock in working days runs."""
        return self in (DayKind.WORK, DayKind.MAKE_UP)


class Calendar(Protocol):
    """Knows each day's kind; past `published_until` it can only guess.

    `worked_as` is the day whose work a make-up day does (the weekday that was given off for it), else the day itself.
    A calendar does not change, so that what was counted by it may be kept.
    """

    def __hash__(self) -> int:
        """It is told from others by identity."""

    @property
    def published_until(self) -> date:
        """The last day for which holidays are known and not supposed."""

    def kind(self, day: date) -> DayKind:
        """What sort of day it is."""

    def worked_as(self, day: date) -> date:
        """The day whose weekday's rota is held: another one on a make-up day."""


@dataclass(frozen=True, slots=True)
class DueDay:
    """The last day of a period; provisional when some of its days are not published yet."""

    day: date
    provisional: bool


@dataclass(frozen=True, slots=True)
class DayCount:
    """One day of a period. `number` is its place among the working days counted, None when it does not count."""

    day: date
    kind: DayKind
    number: int | None
    is_start: bool
    is_due: bool
    provisional: bool


def add_working_days(start: date, days: int, days_off: Calendar) -> DueDay:
    """The day on which `days` working days after `start` (not counted itself) are over. Raises ValueError."""
    if not 0 <= days <= MAX_PERIOD:
        raise ValueError(f"a period of {days} working days is out of range")
    day, left = start, days
    while left:
        day += ONE_DAY
        left -= days_off.kind(day).counts
    return DueDay(day, day > days_off.published_until)


def subtract_working_days(end: date, days: int, days_off: Calendar) -> date:
    """The latest day from which `days` working days lead to `end` or to the working day before it."""
    day, left = end, days
    while left > 0:
        left -= days_off.kind(day).counts
        day -= ONE_DAY
    return day


def add_months(start: date, months: int, days_off: Calendar) -> DueDay:
    """The same date `months` later, or the month's end; moved on to the next working day when that day is off."""
    if not 0 <= months <= 120:
        raise ValueError(f"a period of {months} months is out of range")
    count = start.month - 1 + months
    year, month = start.year + count // 12, count % 12 + 1
    day = date(year, month, min(start.day, calendar.monthrange(year, month)[1]))
    while not days_off.kind(day).counts:
        day += ONE_DAY
    return DueDay(day, day > days_off.published_until)


@lru_cache(maxsize=4096)  # the lines of a list are due on the same few days, and each is counted day by day
def working_days_between(after: date, until: date, days_off: Calendar) -> int:
    """Working days after `after`, up to and with `until`; negative when `until` is the earlier one."""
    if until < after:
        return -working_days_between(until, after, days_off)
    day, count = after, 0
    while day < until:
        day += ONE_DAY
        count += days_off.kind(day).counts
    return count


def last_day_within(today: date, days: int, days_off: Calendar) -> date:
    """The last day until which there are no more than so many working days after today."""
    day, left = today, days
    while left >= 0:
        day += ONE_DAY
        left -= days_off.kind(day).counts
    return day - ONE_DAY


def explain(start: date, days: int, days_off: Calendar) -> list[DayCount]:
    """Each day from `start` to the due day, and whether it counts and as which."""
    due = add_working_days(start, days, days_off).day
    counted, number, day = [], 0, start
    while day <= due:
        kind = days_off.kind(day)
        counts = day != start and kind.counts
        number += counts
        provisional = day > days_off.published_until
        counted.append(
            DayCount(
                day=day,
                kind=kind,
                number=number if counts else None,
                is_start=day == start,
                is_due=day == due,
                provisional=provisional,
            )
        )
        day += ONE_DAY
    return counted


def whole_weeks(counted: list[DayCount], days_off: Calendar) -> list[DayCount]:
    """The same days, filled up to whole weeks from Monday to Sunday; what was added counts for nothing."""
    if not counted:
        return []

    def plain(day: date) -> DayCount:
        return DayCount(
            day=day,
            kind=days_off.kind(day),
            number=None,
            is_start=False,
            is_due=False,
            provisional=day > days_off.published_until,
        )

    first, last = counted[0].day, counted[-1].day
    before = [plain(first - ONE_DAY * n) for n in range(first.weekday(), 0, -1)]
    after = [plain(last + ONE_DAY * n) for n in range(1, 7 - last.weekday())]
    return [*before, *counted, *after]


def end_of_day(day: date) -> datetime:
    """The moment at which a day is over in Shanghai (24:00), in UTC."""
    return datetime.combine(day + ONE_DAY, time(), SHANGHAI).astimezone(UTC)
