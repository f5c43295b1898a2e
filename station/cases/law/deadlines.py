"""From a rule of the pack to a due day, and from a due day to its explanation. Pure: day and calendar are given."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from station.base.working_days import (
    Calendar,
    DayCount,
    add_months,
    add_working_days,
    end_of_day,
    explain,
    whole_weeks,
    working_days_between,
)
from station.cases.law.policy import Rule
from station.cases.model import Colour
from station.cases.records import Due


def due_by(rule: Rule, start: date, days_off: Calendar) -> Due:
    """The due day of a rule whose clock starts on `start` (not counted itself)."""
    found = rule.due_day(start, days_off)
    end = end_of_day(found.day)
    return Due(
        day=found.day,
        at=end,
        start=start,
        amount=rule.amount,
        unit=rule.unit,
        article=rule.article,
        provisional=found.provisional,
    )


def prolong(due: Due, extra: Rule, days_off: Calendar) -> Due:
    """The due day moved on by an extension, counted on from the old one."""
    later = extra.due_day(due.day, days_off)
    if due.unit == extra.unit:
        return Due(
            day=later.day,
            at=end_of_day(later.day),
            start=due.start,
            amount=due.amount + extra.amount,
            unit=due.unit,
            article=extra.article,
            provisional=later.provisional,
        )
    moved = due_by(extra, due.day, days_off)
    return replace(moved, provisional=moved.provisional or due.provisional)


def recount(due: Due, days_off: Calendar) -> Due:
    """The same period counted again, for when a new year's notice is out."""
    add = add_months if due.unit == "month" else add_working_days
    found = add(due.start, due.amount, days_off)
    return replace(due, day=found.day, at=end_of_day(found.day), provisional=found.provisional)


def day_grid(due: Due, days_off: Calendar) -> list[DayCount]:
    """The period day by day in whole weeks; empty for periods counted in months."""
    if due.unit != "wd":
        return []
    return whole_weeks(explain(due.start, due.amount, days_off), days_off)


def days_left(due: Due, today: date, days_off: Calendar) -> int:
    """Working days until the due day: 0 on the day itself, negative as soon as it is over, be it on a weekend."""
    left = working_days_between(today, due.day, days_off)
    return min(left, -1) if today > due.day else left


def card_due(today: date, due: Due, days_left: int, yellow_days: int, now: datetime) -> Colour | None:
    """Which card the clock asks for: red once the due day is over, yellow in the last `yellow_days` working days.

    A period no longer than the warning itself earns no yellow card.
    """
    if now >= due.at:
        return Colour.RED
    long_enough = due.unit != "wd" or due.amount > yellow_days
    return Colour.YELLOW if long_enough and today != due.start and days_left <= yellow_days else None
