"""Golden dates of the working-day clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from station.cases.law.calendar import ChineseCalendar, china
from station.cases.law.working_days import (
    DayKind,
    add_months,
    add_working_days,
    end_of_day,
    explain,
    subtract_working_days,
    whole_weeks,
    working_days_between,
)

GOLDEN = [
    (date(2026, 2, 10), 10, date(2026, 3, 2)),
    (date(2026, 9, 18), 10, date(2026, 10, 9)),
    (date(2026, 4, 29), 10, date(2026, 5, 15)),
    (date(2026, 1, 30), 30, date(2026, 3, 19)),
    (date(2026, 2, 13), 5, date(2026, 2, 27)),
]
MAKE_UP_2026 = ["01-04", "02-14", "02-28", "05-09", "09-20", "10-10"]
BREAKS_2026 = [
    ("01-01", "01-03"),
    ("02-15", "02-23"),
    ("04-04", "04-06"),
    ("05-01", "05-05"),
    ("06-19", "06-21"),
    ("09-25", "09-27"),
    ("10-01", "10-07"),
]


def days_of_2026() -> list[date]:
    """Every day of the year."""
    return [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]


@pytest.mark.parametrize(("start", "days", "due"), GOLDEN)
def test_golden_dates(start: date, days: int, due: date) -> None:
    """The start day is excluded, holidays are skipped and make-up weekends count."""
    found = add_working_days(start, days, china())
    assert (found.day, found.provisional) == (due, False)


def test_months_roll_past_a_sunday() -> None:
    """Three months from 30 November end on Sunday 28 February 2027, so on Monday 1 March, provisionally."""
    found = add_months(date(2026, 11, 30), 3, ChineseCalendar(last_year=2026))
    assert (found.day, found.provisional) == (date(2027, 3, 1), True)


def test_month_end_is_kept() -> None:
    """A month from 31 March ends on the last day of April, which is there (民法典 art. 202)."""
    assert add_months(date(2026, 3, 31), 1, china()).day == date(2026, 4, 30)


def test_months_roll_over_a_long_holiday() -> None:
    """A month that ends on 1 October ends on 8 October (民法典 art. 203)."""
    assert add_months(date(2026, 9, 1), 1, china()).day == date(2026, 10, 8)


def test_the_notice_for_2026() -> None:
    """Exactly the make-up weekends of the notice are worked, and the year has 248 working days."""
    kinds = {day: china().kind(day) for day in days_of_2026()}
    assert [f"{day:%m-%d}" for day, kind in kinds.items() if kind is DayKind.MAKE_UP] == MAKE_UP_2026
    assert sum(kind.counts for kind in kinds.values()) == 248


def test_the_breaks_of_2026() -> None:
    """Every day of the seven breaks is a holiday, weekends inside them too."""
    for first, last in BREAKS_2026:
        day = date.fromisoformat(f"2026-{first}")
        while day <= date.fromisoformat(f"2026-{last}"):
            assert china().kind(day) is DayKind.HOLIDAY, day
            day += timedelta(days=1)


def test_past_the_last_notice_a_date_is_provisional() -> None:
    """Thirty working days from December cross into a year without notice: a date comes all the same, marked."""
    calendar = ChineseCalendar(last_year=2026)
    found = add_working_days(date(2026, 12, 1), 30, calendar)
    assert found.provisional
    assert calendar.kind(date(2027, 1, 1)) is DayKind.HOLIDAY
    assert calendar.kind(date(2027, 1, 4)) is DayKind.WORK
    assert found.day == date(2027, 1, 13)
    assert not add_working_days(date(2026, 12, 1), 20, calendar).provisional


def test_statutory_days_without_a_notice() -> None:
    """The lunar holidays of a year to come are known by law, days moved by a notice are not."""
    calendar = ChineseCalendar(last_year=2026)
    for day in (date(2027, 2, 5), date(2027, 2, 8), date(2027, 5, 2), date(2027, 10, 1)):
        assert calendar.kind(day) is DayKind.HOLIDAY, day
    assert calendar.kind(date(2027, 2, 10)) is DayKind.WORK


def test_explanation_counts_every_day() -> None:
    """The explanation of 28 September plus 10: one line a day, numbered 1 to 10, the make-up Saturday is the 5th."""
    counted = explain(date(2026, 9, 28), 10, china())
    assert [d.number for d in counted if d.number] == list(range(1, 11))
    assert counted[0].is_start and counted[0].number is None
    assert counted[-1].is_due and counted[-1].day == date(2026, 10, 16)
    saturday = next(d for d in counted if d.day == date(2026, 10, 10))
    assert (saturday.kind, saturday.number) == (DayKind.MAKE_UP, 5)


def test_whole_weeks_start_on_monday_and_end_on_sunday() -> None:
    """The day grid is whole weeks; the days added to fill it count for nothing."""
    grid = whole_weeks(explain(date(2026, 9, 29), 3, china()), china())
    assert len(grid) % 7 == 0 and grid[0].day.weekday() == 0 and grid[-1].day.weekday() == 6
    assert grid[0].number is None and not grid[0].is_start


def test_days_left_and_days_late() -> None:
    """12 to 16 October leaves four working days; two working days after the due day it is two late."""
    assert working_days_between(date(2026, 10, 12), date(2026, 10, 16), china()) == 4
    assert working_days_between(date(2026, 10, 20), date(2026, 10, 16), china()) == -2
    assert working_days_between(date(2026, 10, 16), date(2026, 10, 16), china()) == 0


@pytest.mark.parametrize("days", [1, 5, 10, 30])
def test_subtracting_undoes_adding(days: int) -> None:
    """Going back as many working days as went forward leads to the due day again."""
    for end in (date(2026, 10, 12), date(2026, 3, 2), date(2026, 11, 24)):
        assert add_working_days(subtract_working_days(end, days, china()), days, china()).day == end


def test_a_due_day_ends_at_midnight_in_shanghai() -> None:
    """24:00 of 16 October in Shanghai is 16:00 UTC."""
    assert end_of_day(date(2026, 10, 16)) == datetime(2026, 10, 16, 16, tzinfo=UTC)


@pytest.mark.parametrize("days", [-1, 401])
def test_absurd_periods_are_refused(days: int) -> None:
    """Neither the past nor a lifetime is a period."""
    with pytest.raises(ValueError, match="out of range"):
        add_working_days(date(2026, 1, 5), days, china())
