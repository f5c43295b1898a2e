"""Figures and shapes are computed from rows, and nothing else."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from station.cases.model import Colour, Grade
from station.cases.reads.charts import bar_chart, round_up, spark_points
from station.cases.reads.figures import Bar, Month, history, league, percent
from station.cases.records import Card, Rating, Reply

OCTOBER = Month(2026, 10)


def reply(case: str, unit: str, at: datetime, late: bool = False, soon: bool = False) -> Reply:
    """A reply of which only the figures matter."""
    return Reply("rp", case, 1, unit, unit, "", "solved", "", at, date(2026, 10, 9), late, soon)


def on(day: int, month: int = 10) -> datetime:
    """Noon of a day in Shanghai."""
    return datetime(2026, month, day, 4, tzinfo=UTC)


def test_a_month_begins_at_midnight_in_shanghai() -> None:
    """16:00 UTC of 30 September is already October here."""
    assert Month.of(datetime(2026, 9, 30, 16, tzinfo=UTC)) == OCTOBER
    assert Month.of(datetime(2026, 9, 30, 15, 59, tzinfo=UTC)) == Month(2026, 9)


def test_months_go_back_over_the_year() -> None:
    """Ten months before October lies December."""
    assert OCTOBER.back(10) == Month(2025, 12) and OCTOBER.back(-3) == Month(2027, 1)
    assert str(Month.parse("2026-01")) == "2026-01"


@pytest.mark.parametrize("raw", ["", "2026", "2026-13", "x", "2026-1-1", "0001-01", "9999-12"])
def test_rubbish_is_no_month(raw: str) -> None:
    """What is no month is None."""
    assert Month.parse(raw) is None


def test_a_late_reply_is_not_in_time() -> None:
    """The league ranks by the share in time; withdrawn cards do not count; unrated replies are left out."""
    replies = [
        reply("a", "fast", on(2)),
        reply("b", "fast", on(9), soon=True),
        reply("c", "slow", on(3)),
        reply("d", "slow", on(5), late=True),
        reply("e", "slow", on(5, 9)),
    ]
    ratings = [Rating("c", 1, Grade.BAD, "", on(6)), Rating("d", 1, Grade.GOOD, "", on(6))]
    withdrawn = Card("1", "d", "slow", "slow", Colour.RED, True, "", on(6), on(7), "x")
    counted = Card("2", "d", "slow", "slow", Colour.YELLOW, True, "", on(4), None, "")
    units = [("slow", "慢的"), ("fast", "快的"), ("idle", "闲的")]
    first, second = league(OCTOBER, units, replies, ratings, [withdrawn, counted], good_from=3)
    assert (first.name, first.in_time, first.satisfied, first.replies) == ("快的", 100, None, 2)
    assert (second.rank, second.in_time, second.satisfied) == (2, 50, 50)
    assert (second.yellow, second.red, second.trend[-2:]) == (1, 0, (100, 50))


def test_bars_of_six_months() -> None:
    """Six months, oldest first; late is counted once even when it was also close."""
    bars = history(OCTOBER, [reply("a", "u", on(2), late=True, soon=True), reply("b", "u", on(2, 5))])
    assert [bar.month.month for bar in bars] == [5, 6, 7, 8, 9, 10]
    assert (bars[-1].in_time, bars[-1].soon, bars[-1].late, bars[0].total) == (0, 0, 1, 1)


def test_shares_are_rounded_down() -> None:
    """199 of 200 is not all; nothing of nothing is no share."""
    assert percent(199, 200) == 99 and percent(0, 0) is None


@pytest.mark.parametrize("value", [0, 1, 3, 9, 10, 11, 99, 213, 40_000])
def test_the_scale_ends_at_a_round_even_number(value: int) -> None:
    """The ceiling holds every bar, and its half is a whole number."""
    ceiling = round_up(value)
    assert ceiling >= value and ceiling % 2 == 0 and str(ceiling).rstrip("0") in ("1", "2", "4")


def test_bars_stand_inside_the_chart() -> None:
    """No piece is negative or leaves the picture, whatever the numbers."""
    chart = bar_chart([Bar(OCTOBER.back(n), 3 * n, n, n % 2) for n in range(6)])
    for column in chart.columns:
        assert column.x >= 40 and column.x + 56 <= 640
        assert all(0 <= piece.y <= 200 and piece.height > 0 for piece in column.pieces)


def test_a_trend_leaves_out_empty_months() -> None:
    """A month without replies has no point."""
    assert len(spark_points((None, 50, None, 100, None, None))) == 2
