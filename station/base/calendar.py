"""The calendar of mainland China: the State Council's notices where published, the law's own days beyond."""

from __future__ import annotations

from calendar import isleap
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import cache

import chinese_calendar
import holidays
from chinese_calendar import constants

from station.base.working_days import ONE_DAY, DayKind

# 全国年节及纪念日放假办法 (国务院令第 795 号), art. 2, by the names that `holidays` gives the days.
_FESTIVALS = frozenset({"元旦", "农历除夕", "春节", "清明节", "劳动节", "端午节", "中秋节", "国庆节"})
_SAME_NOTICE = timedelta(days=40)  # make-up days lie within weeks of the break that they pay for


class ChineseCalendar:
    """chinesecalendar for the published years; after them weekdays, weekends and the days off that the law grants.

    A year's notice counts whole or not at all: what another package knows of a later notice (days moved, but not the
    weekends worked for them) stays out of the guess. `last_year` pretends that later notices are not there (tests).
    """

    def __init__(self, last_year: int | None = None) -> None:
        published = max(constants.holidays).year
        self._last_year = published if last_year is None else min(last_year, published)
        self._kinds: dict[date, DayKind] = {}

    @property
    def published_until(self) -> date:
        """The last day that a notice covers; chinesecalendar raises NotImplementedError past it."""
        return date(self._last_year, 12, 31)

    def kind(self, day: date) -> DayKind:
        """What the day is; a guess past `published_until` (no make-up weekends are known there)."""
        # A year is looked up once: the library goes through all its holidays at each question, and the pages of late
        # cases ask for some hundred thousand days.
        if day not in self._kinds:
            self._kinds.update((each, self._look_up(each)) for each in _days_of(day.year))
        return self._kinds[day]

    def _look_up(self, day: date) -> DayKind:
        weekend = day.weekday() >= 5
        if day > self.published_until:
            if day in statutory_days(day.year):
                return DayKind.HOLIDAY
            return DayKind.WEEKEND if weekend else DayKind.WORK
        if chinese_calendar.is_workday(day):
            return DayKind.MAKE_UP if weekend else DayKind.WORK
        named = chinese_calendar.get_holiday_detail(day)[1] is not None
        return DayKind.HOLIDAY if named or not weekend else DayKind.WEEKEND

    def worked_as(self, day: date) -> date:
        """For a make-up day the weekday given off for it: the first for the first, the second for the second."""
        if self.kind(day) is not DayKind.MAKE_UP:
            return day
        break_name = constants.workdays[day]
        made_up = _same_break(constants.workdays, break_name, day)
        given = _same_break(constants.in_lieu_days, break_name, day)
        if len(made_up) != len(given):  # a notice that pairs them otherwise: the nearest weekday's work
            return day - ONE_DAY if day.weekday() == 5 else day + ONE_DAY
        return given[made_up.index(day)]


def _days_of(year: int) -> Iterator[date]:
    first = date(year, 1, 1)
    return (first + timedelta(days=n) for n in range(366 if isleap(year) else 365))


def _same_break(days: Mapping[date, str], name: str, day: date) -> list[date]:
    return sorted(known for known, called in days.items() if called == name and abs(known - day) <= _SAME_NOTICE)


@cache
def statutory_days(year: int) -> frozenset[date]:
    """The days off that the law itself grants in a year, those in lieu with them.

    Art. 6 of the same rules: a statutory day on a Saturday or Sunday is made up on a working day. Two festivals on one
    day are made up likewise, as the notices for 2009 and 2020 did. Which working day, the notice says; the next one is
    what it has mostly been.
    """
    known = holidays.country_holidays("CN", years=[year], observed=False, language="zh_CN")
    taken: set[date] = set()
    owed: list[date] = []
    for day in sorted(known):
        for name in known.get_list(day):
            if name.split("（")[0] not in _FESTIVALS:
                continue
            if day.weekday() >= 5 or day in taken:
                owed.append(day)
            taken.add(day)
    for day in owed:
        while day.weekday() >= 5 or day in taken:
            day += ONE_DAY  # noqa: PLW2901  the next day that is worked
        taken.add(day)
    return frozenset(taken)


@cache
def china() -> ChineseCalendar:
    """The calendar in force."""
    return ChineseCalendar()
