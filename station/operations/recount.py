"""The job that follows a change of the calendar: whatever was counted by the old one is counted again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

from station.base.station import Station
from station.booking.days_off import reopen_worked_days, tell_of_days_off
from station.booking.rota import extend_slots
from station.cases.service import recount_since
from station.holidays.service import refresh


async def recount_by_notice(
    station: Station, arguments: dict[str, Any], progress: Callable[[float], Awaitable[None]]
) -> None:
    """Deadlines, then the rota, then who has a meeting on a day off. Each part is harmless when done again."""
    await refresh(station)
    since = date.fromisoformat(arguments["since"])
    await recount_since(station, since)
    await progress(0.7)
    await reopen_worked_days(station, since)
    await extend_slots(station)
    await progress(0.9)
    await tell_of_days_off(station, since)
