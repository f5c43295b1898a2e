"""The State Council's notices, as they were published, read into the days that the packages know of the same years."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from station.base.calendar import ChineseCalendar
from station.base.working_days import DayKind
from station.holidays.notice import as_calendar, first_change, read_notice
from tests.holidays.notices import NOTICES

WEEKDAY = "%(name)s：%(day)s写的是周%(told)s，其实是周%(real)s，看看年份和日子"
OWED = "%(day)s是%(name)s，法定要放假，这份安排里却没有"
BACKWARDS = "%(name)s：从%(first)s到%(last)s，日子对不上"
ODD = ("", "放假", "元旦：", "春节：1月1日至", "：：：", "国庆节：99月99日放假", "元旦：1月1日放假" * 200)
KNOWN = ChineseCalendar()


@pytest.mark.parametrize("year", NOTICES)
def test_a_notice_makes_each_day_what_the_packages_know_of_it(year: int) -> None:
    """Read from its text, a year's days off, days worked and the weekdays they stand for are the published ones."""
    found = read_notice(f"各省、自治区：现将{year}年放假安排通知如下。\n{NOTICES[year]}", year)
    assert found.faults == ()
    by_hand = ChineseCalendar(last_year=year - 1, notices={year: as_calendar(found.breaks)})
    assert by_hand.published_until == date(year, 12, 31)
    day = date(year - 1, 12, 25)
    while day.year <= year:
        # The package gives weekends beside a one-day festival its name; for who works they are weekends either way.
        assert by_hand.kind(day).counts == KNOWN.kind(day).counts, day
        assert by_hand.worked_as(day) == KNOWN.worked_as(day), day
        day += timedelta(days=1)


def test_full_width_signs_and_one_line_are_read_too() -> None:
    """A notice that was copied from a page without its line ends, with ASCII brackets, is the same notice."""
    text = NOTICES[2026].replace("\n", "").replace("（", "(").replace("）", " )").replace("2月14日", "２月１４日")
    assert read_notice(text, 2026) == read_notice(NOTICES[2026], 2026)


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        (
            "1月4日（周日）上班",
            "1月4日（周六）上班",
            "%(name)s：%(day)s写的是周%(told)s，其实是周%(real)s，看看年份和日子",
        ),
        ("共9天", "共8天", "%(name)s：写着共 %(told)s 天，数出来是 %(days)s 天"),
        ("4月4日（周六）至6日（周一）", "4月4日（周六）至31日", "%(name)s：没有 %(month)s 月 %(day)s 日这一天"),
        ("四、劳动节：5月1日（周五）至5日（周二）放假", "四、劳动节：另行通知", "%(name)s：没有看懂从哪天放到哪天"),
        ("三、清明节：4月4日（周六）至6日（周一）放假，共3天。", "", "没有找到%(name)s的安排"),
        ("2月28日（周六）上班", "2月26日上班", "%(name)s：%(day)s本来就上班，不是周末"),
        ("5月9日（周六）上班", "8月9日上班", "%(name)s：%(day)s上班，离放假太远了"),
        (
            "9月25日（周五）至27日（周日）放假，共3天",
            "9月26日至27日放假",
            "%(day)s是%(name)s，法定要放假，这份安排里却没有",
        ),
        ("6月19日（周五）至21日（周日）放假，共3天", "5月5日放假", "%(name)s：%(day)s已经在%(other)s里了"),
        ("6月19日（周五）至21日", "6月19日至20", "%(name)s：写着共 %(told)s 天，数出来是 %(days)s 天"),
        ("共3天。1月4日（周日）上班", "共3天。1月4日、1月10日上班", "%(name)s：补班的天数比调休的天数多"),
        ("6月19日（周五）至21日（周日）", "2028年6月19日至21日", "%(name)s：%(day)s不在 %(year)s 年"),
        ("6月19日（周五）至21日（周日）放假，共3天", "6月19日至18日放假", BACKWARDS),
    ],
)
def test_what_does_not_fit_is_told_in_words(right: str, wrong: str, told: str) -> None:
    """A slip of the hand is found and named."""
    assert right in NOTICES[2026]
    assert told in [str(fault) for fault in read_notice(NOTICES[2026].replace(right, wrong), 2026).faults]


def test_the_notice_of_another_year_is_not_taken() -> None:
    """The text of 2025 put in for 2026 is full of faults: its weekdays do not fit."""
    assert read_notice(NOTICES[2025], 2026).faults


@pytest.mark.parametrize("text", ODD)
def test_any_text_is_answered(text: str) -> None:
    """Nothing that is typed is an error of ours."""
    assert read_notice(text, 2027).faults


def test_beyond_the_notices_the_calendar_guesses_as_before() -> None:
    """With a notice for 2026 alone, 2027 is what the law says, and provisional."""
    by_hand = ChineseCalendar(last_year=2025, notices={2026: as_calendar(read_notice(NOTICES[2026], 2026).breaks)})
    assert by_hand.kind(date(2027, 1, 1)) is DayKind.HOLIDAY
    assert by_hand.published_until == date(2026, 12, 31)


def test_a_notice_that_skips_a_year_is_not_published_until_then() -> None:
    """What lies between what is known and a later notice stays a guess."""
    assert ChineseCalendar(2024, {2026: as_calendar([])}).published_until == date(2024, 12, 31)


def test_only_what_lies_behind_the_first_change_is_counted_again() -> None:
    """A notice in place of the guess changes from New Year on; a mended one from its first other day on."""
    whole = as_calendar(read_notice(NOTICES[2026], 2026).breaks)
    mended = as_calendar(read_notice(NOTICES[2026].replace("5月9日（周六）", "5月10日（周日）"), 2026).breaks)
    assert first_change(None, whole, 2026) == date(2026, 1, 1)
    assert first_change(whole, mended, 2026) == date(2026, 5, 9)
    assert first_change(as_calendar(read_notice(NOTICES[2023], 2023).breaks), None, 2023) == date(2022, 12, 31)
