"""Figures and shapes are computed from rows, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from station.base.station import Station
from station.cases import store
from station.cases.figure_queries import cards_by_unit, ratings_by_unit
from station.cases.model import Colour
from station.cases.reads.charts import bar_chart, round_up, spark_points
from station.cases.reads.figures import Bar, Month, history, league, percent
from station.cases.reads.overview import oversight
from station.cases.records import UnitCards, UnitRatings, UnitReplies
from tests.cases.conftest import SUPERVISOR

OCTOBER = Month(2026, 10)
APRIL_ENDS = datetime(2026, 4, 30, 15, 59, tzinfo=UTC)  # the last minute of April in Shanghai


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
    """The league ranks by the share in time; who has nothing in the six months stands in it nowhere."""
    replies = [UnitReplies(5, "fast", 2, 0, 1), UnitReplies(5, "slow", 2, 1, 0), UnitReplies(4, "slow", 1, 0, 0)]
    ratings, cards = [UnitRatings("slow", 2, 1)], [UnitCards("slow", Colour.YELLOW, 1)]
    units = [("slow", "慢的"), ("fast", "快的"), ("idle", "闲的")]
    first, second = league(OCTOBER, units, replies, ratings, cards)
    assert (first.rank, first.name, first.in_time, first.satisfied, first.replies) == (1, "快的", 100, None, 2)
    assert (second.rank, second.in_time, second.satisfied) == (2, 50, 50)
    assert (second.yellow, second.red, second.trend) == (1, 0, (None, None, None, None, 100, 50))


def test_bars_of_six_months() -> None:
    """Six months, oldest first; the units' counts are added."""
    bars = history(OCTOBER, [UnitReplies(5, "u", 2, 1, 0), UnitReplies(5, "v", 3, 0, 1), UnitReplies(0, "u", 1, 0, 0)])
    assert [bar.month.month for bar in bars] == [5, 6, 7, 8, 9, 10]
    assert (bars[-1].in_time, bars[-1].soon, bars[-1].late, bars[0].total) == (3, 1, 1, 1)


async def test_replies_are_counted_by_unit_and_month(bare_town: Station) -> None:
    """Late counts once though it was close too; months begin at midnight here; withdrawn cards are left out."""
    rows = [
        ("a", on(2), True, True),
        ("b", on(9), False, True),
        ("c", on(2, 5), False, False),
        ("d", APRIL_ENDS, False, False),
    ]
    async with bare_town.database.transaction() as work:
        case = dict.fromkeys(("title", "description", "category", "deputy_id", "deputy_name", "station_id"), "x") | {
            "citizen_name": "", "unit_name": "", "round": 1, "extensions": 0, "opened_by": "", "opened_at": APRIL_ENDS,
            "changed_at": APRIL_ENDS, "due_amount": 0, "due_unit": "", "due_article": "", "due_provisional": False,
            "published": False, "public_title": "", "public_reply": "", "year": 2026, "state": "concluded",
        }  # fmt: skip
        for serial, (name, at, late, soon) in enumerate(rows, 1):
            await store.add(work, store.cases, **case, id=name, number=name, serial=serial)
            reply = {"unit_name": "", "author_name": "", "outcome": "solved", "text": "", "due_on": at.date()}
            await store.add(
                work, store.case_replies, **reply, id=name, case_id=name, round=1, unit_id="u", at=at, late=late,
                soon=soon,
            )  # fmt: skip
            await store.add(work, store.case_ratings, case_id=name, round=1, grade=serial, remark="", at=on(20))
        for name, withdrawn in (("held", None), ("gone", on(9))):
            await store.add(
                work, store.case_cards, id=name, key=name, case_id="a", unit_id="u", unit_name="", colour="red",
                by_clock=True, reason="", issued_at=on(4), withdrawn_at=withdrawn, withdrawn_reason="",
            )  # fmt: skip
    seen = await oversight(bare_town, SUPERVISOR, OCTOBER)
    assert [(bar.in_time, bar.soon, bar.late) for bar in seen.bars] == [(1, 0, 0), *[(0, 0, 0)] * 4, (0, 1, 1)]
    async with bare_town.database.read() as connection:
        span = (datetime(2026, 9, 30, 16, tzinfo=UTC), datetime(2026, 10, 31, 16, tzinfo=UTC))
        assert await ratings_by_unit(connection, span, good_from=2) == [UnitRatings("u", 2, 1)]
        assert await cards_by_unit(connection, span) == [UnitCards("u", Colour.RED, 1)]


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
