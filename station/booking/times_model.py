"""When somebody's slots are, and whether another time shares any of it. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate


@dataclass(frozen=True, slots=True)
class LaidOut:
    """A stored slot as the rota sees it: whose it is, and when. Closed ones are in the way too."""

    id: str
    deputy_id: str
    starts_at: datetime
    ends_at: datetime


class TakenTimes:
    """Spans of one person's time, to be asked whether another one shares any of it without going through them all."""

    def __init__(self, spans: Iterable[tuple[datetime, datetime]] = ()) -> None:
        ordered = sorted(spans)
        self._starts = [starts for starts, _ in ordered]
        # Of each span and all that begin before it, the latest end.
        self._ends = list(accumulate((ends for _, ends in ordered), max))

    def overlap(self, starts_at: datetime, ends_at: datetime) -> bool:
        """Whether a span shares any time with one of these; touching ends do not."""
        before = bisect_left(self._starts, ends_at)
        return before > 0 and self._ends[before - 1] > starts_at

    def add(self, starts_at: datetime, ends_at: datetime) -> None:
        """One more, which overlaps none of those that are there."""
        place = bisect_left(self._starts, starts_at)
        self._starts.insert(place, starts_at)
        self._ends.insert(place, ends_at)
