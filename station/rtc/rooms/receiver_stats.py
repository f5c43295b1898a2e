"""What a page says of the tracks it receives: its last word on each, and how often video froze. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from station.rtc.rooms.messages import TrackReport

REMEMBERED_S = 60.0
_MOST_KEPT = 60  # of a track: a page that reports every second


class ReceiverStats:
    """Belongs to one member. Times are in seconds on any steady clock."""

    def __init__(self) -> None:
        self.latest: dict[str, TrackReport] = {}  # by track id
        self._freezes: dict[str, deque[tuple[float, int, float]]] = {}

    def note(self, reports: Mapping[str, TrackReport], now_s: float) -> None:
        """Takes a report; tracks that it does not name are not received any more."""
        self.latest = dict(reports)
        self._freezes = {track: kept for track, kept in self._freezes.items() if track in reports}
        for track, report in reports.items():
            if report.freezes > 0 or report.frozen_s > 0:
                kept = self._freezes.setdefault(track, deque(maxlen=_MOST_KEPT))
                kept.append((now_s, max(0, report.freezes), max(0.0, report.frozen_s)))

    def frozen(self, track: str, now_s: float) -> tuple[int, float]:
        """How often a video froze in the last minute, and for how many seconds in all."""
        recent = [item for item in self._freezes.get(track, ()) if now_s - item[0] <= REMEMBERED_S]
        return sum(item[1] for item in recent), sum(item[2] for item in recent)
