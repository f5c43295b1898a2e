"""The calendar of mainland China: the State Council's notices where published, the law's own days beyond."""

from __future__ import annotations

from calendar import isleap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import chinese_calendar
import holidays
from chinese_calendar import constants

from station.base.working_days import ONE_DAY, DayKind

# 全国年节及纪念日放假办法 (国务院令第 795 号), art. 2, by the names that `holidays` gives the days.
_FESTIVALS = frozenset({"元旦", "农历除夕", "春节", "清明节", "劳动节", "端午节", "中秋节", "国庆节"})
_SAME_NOTICE = timedelta(days=40)  # make-up days lie within weeks of the break that they pay for


@dataclass(frozen=True, slots=True)
class YearNotice:
    """The State Council's notice for a year: the days off, and for each weekend day worked the weekday given for it.

    Both may lie in the last days of the year before (元旦 2023 began on 31 December).
    """

    off: frozenset[date]
    worked: Mapping[date, date]


NO_NOTICES: Mapping[int, YearNotice] = {}


class ChineseCalendar:
    """chinesecalendar for the published years, then notices that were put in by hand; after them weekdays, weekends
    and the days off that the law grants.

    A year's notice counts whole or not at all: what another package knows of a later notice (days moved, but not the
    weekends worked for them) stays out of the guess. `last_year` pretends that later notices are not there (tests).
    What was put in by hand goes before what the package says of the same day.
    """

    def __init__(self, last_year: int | None = None, notices: Mapping[int, YearNotice] = NO_NOTICES) -> None:
        known = packaged_until() if last_year is None else min(last_year, packaged_until())
        self._packaged_year = known
        self._notices = dict(notices)
        self._off = frozenset(day for notice in notices.values() for day in notice.off)
        self._worked = {day: given for notice in notices.values() for day, given in notice.worked.items()}
        while known + 1 in notices:
            known += 1
        self._last_year = known
        self._kinds: dict[date, DayKind] = {}

    @property
    def published_until(self) -> date:
        """The last day that a notice covers; chinesecalendar raises NotImplementedError past its own."""
        return date(self._last_year, 12, 31)

    @property
    def notices(self) -> Mapping[int, YearNotice]:
        """What was put in by hand, by year."""
        return self._notices

    def kind(self, day: date) -> DayKind:
        """What the day is; a guess past `published_until` (no make-up weekends are known there)."""
        # A year is looked up once: the library goes through all its holidays at each question, and the pages of late
        # cases ask for some hundred thousand days.
        if day not in self._kinds:
            self._kinds.update((each, self._look_up(each)) for each in _days_of(day.year))
        return self._kinds[day]

    def _look_up(self, day: date) -> DayKind:
        if day in self._off:
            return DayKind.HOLIDAY
        if day in self._worked:
            return DayKind.MAKE_UP
        plain = DayKind.WEEKEND if day.weekday() >= 5 else DayKind.WORK
        if day.year in self._notices:
            return plain
        if day.year > self._packaged_year:
            return DayKind.HOLIDAY if day in statutory_days(day.year) else plain
        return self._packaged(day, plain)

    @staticmethod
    def _packaged(day: date, plain: DayKind) -> DayKind:
        if chinese_calendar.is_workday(day):
            return DayKind.MAKE_UP if plain is DayKind.WEEKEND else DayKind.WORK
        named = chinese_calendar.get_holiday_detail(day)[1] is not None
        return DayKind.HOLIDAY if named or plain is DayKind.WORK else DayKind.WEEKEND

    def worked_as(self, day: date) -> date:
        """For a make-up day the weekday given off for it: the first for the first, the second for the second."""
        if self.kind(day) is not DayKind.MAKE_UP:
            return day
        if day in self._worked:
            return self._worked[day]
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


def packaged_until() -> int:
    """The last year whose notice the packages know."""
    latest: date = max(constants.holidays)
    return latest.year


@cache
def festival_days(year: int) -> tuple[tuple[date, str], ...]:
    """The days that the law itself names for a year with their festivals (art. 2); two may share a day."""
    known = holidays.country_holidays("CN", years=[year], observed=False, language="zh_CN")
    named = ((day, name.split("（")[0]) for day in sorted(known) for name in known.get_list(day))
    return tuple((day, name) for day, name in named if name in _FESTIVALS)


@cache
def statutory_days(year: int) -> frozenset[date]:
    """The days off that the law itself grants in a year, those in lieu with them.

    Art. 6 of the same rules: a statutory day on a Saturday or Sunday is made up on a working day. Two festivals on one
    day are made up likewise, as the notices for 2009 and 2020 did. Which working day, the notice says; the next one is
    what it has mostly been.
    """
    taken: set[date] = set()
    owed: list[date] = []
    for day, _name in festival_days(year):
        if day.weekday() >= 5 or day in taken:
            owed.append(day)
        taken.add(day)
    for day in owed:
        while day.weekday() >= 5 or day in taken:
            day += ONE_DAY  # noqa: PLW2901  the next day that is worked
        taken.add(day)
    return frozenset(taken)


class _InForce:
    """The calendar of this process: one that does not change, replaced as a whole when a notice is put in."""

    def __init__(self) -> None:
        self.calendar = ChineseCalendar()


_IN_FORCE = _InForce()


def china() -> ChineseCalendar:
    """The calendar in force."""
    return _IN_FORCE.calendar


def put_in_force(notices: Mapping[int, YearNotice]) -> bool:
    """Count by these notices from now on, beside those that the package knows; False when they are what is in force."""
    if dict(notices) == _IN_FORCE.calendar.notices:
        return False
    _IN_FORCE.calendar = ChineseCalendar(notices=notices)
    return True
