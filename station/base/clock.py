"""The one source of time, so that tests can set it. Stored in UTC, shown in Asia/Shanghai."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


class Clock(Protocol):
    """Anything that tells the time as an aware UTC datetime."""

    def now(self) -> datetime:
        """This moment, aware."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """This moment in UTC."""
        return datetime.now(UTC)


class FixedClock:
    """A clock that stands still until told; for tests."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        """The moment that was set."""
        return self.at


def local(moment: datetime) -> datetime:
    """The same moment as the people here read it."""
    return moment.astimezone(SHANGHAI)


def local_date(moment: datetime) -> date:
    """The calendar day of a moment in Asia/Shanghai."""
    return local(moment).date()


def day_span(first: date, days: int = 1) -> tuple[datetime, datetime]:
    """From midnight to midnight in Shanghai, as UTC."""
    midnight = datetime.combine(first, time(), SHANGHAI).astimezone(UTC)
    return midnight, midnight + timedelta(days=days)


def to_ms(moment: datetime) -> int:
    """Unix time in milliseconds, the unit of the media processes."""
    return int(moment.timestamp() * 1000)


def from_ms(at_ms: float) -> datetime:
    """An aware UTC datetime from Unix milliseconds."""
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def years_before(moment: datetime, years: int) -> datetime:
    """The same day and time of an earlier year; 28 February for a 29th that it has not."""
    try:
        return moment.replace(year=moment.year - years)
    except ValueError:
        return moment.replace(year=moment.year - years, day=28)
