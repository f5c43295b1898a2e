"""The calendar of mainland China: the State Council's notices where published, the law's own days beyond."""

from __future__ import annotations

from datetime import date
from functools import cache

import chinese_calendar
import holidays
from chinese_calendar import constants

from station.cases.law.working_days import DayKind


class ChineseCalendar:
    """chinesecalendar for the published years; after them weekdays, weekends and the statutory holidays.

    `last_year` pretends that later notices are not there yet (tests).
    """

    def __init__(self, last_year: int | None = None) -> None:
        published = max(constants.holidays).year
        self._last_year = published if last_year is None else min(last_year, published)

    @property
    def published_until(self) -> date:
        """The last day that a notice covers; chinesecalendar raises NotImplementedError past it."""
        return date(self._last_year, 12, 31)

    def kind(self, day: date) -> DayKind:
        """What the day is; a guess past `published_until` (no make-up weekends are known there)."""
        weekend = day.weekday() >= 5
        if day > self.published_until:
            if day in _statutory_days(day.year):
                return DayKind.HOLIDAY
            return DayKind.WEEKEND if weekend else DayKind.WORK
        if chinese_calendar.is_workday(day):
            return DayKind.MAKE_UP if weekend else DayKind.WORK
        named = chinese_calendar.get_holiday_detail(day)[1] is not None
        return DayKind.HOLIDAY if named or not weekend else DayKind.WEEKEND


@cache
def _statutory_days(year: int) -> frozenset[date]:
    # observed=False: days moved by a notice are not law; only the notice may move them.
    return frozenset(holidays.country_holidays("CN", years=[year], observed=False))


@cache
def china() -> ChineseCalendar:
    """The calendar in force."""
    return ChineseCalendar()
