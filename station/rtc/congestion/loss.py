"""When loss is a reason to send less (draft-ietf-rmcat-gcc-02 section 6), and when it is not.

A bad radio loses as much at half the rate. So lasting loss is put to the test: when a quarter less is sent and as much
is lost, it was not us, and what was given up is taken back. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field

WINDOW_PACKETS = 40
HIGH, LOW = 0.10, 0.02
_GAIN = 0.1
_RECENT_GAIN = 0.35
_UNTESTED = 0.05  # what is taken for ordinary without a test
_MOST_ORDINARY = 0.35
_TESTED_AT, _TEST_WINDOWS, _STILL_LOST, _GIVEN_BACK = 0.75, 3, 0.7, 0.95


@dataclass(slots=True)
class _Test:
    """What was believed, sent and lost when we began to give way, and the loss of each window since we send less."""

    estimate_bps: float
    sent_bps: float
    loss: float
    windows: list[float] = field(default_factory=list)


class LossControl:
    """Belongs to one subscriber's connection."""

    __slots__ = ("_accepted", "_lost", "_ordinary", "_recent", "_test", "_total", "fraction")

    def __init__(self) -> None:
        self.fraction = 0.0
        self._recent = 0.0
        self._ordinary = 0.0
        self._accepted = _UNTESTED
        self._test: _Test | None = None
        self._lost = self._total = 0

    def add(self, lost: int, total: int) -> bool:
        """Counts packets; True when a window is full and `fraction` is new."""
        self._lost += lost
        self._total += total
        if self._total < WINDOW_PACKETS:
            return False
        self.see(max(0.0, self._lost / self._total))
        self._lost = self._total = 0
        return True

    def see(self, fraction: float) -> None:
        """A window's loss, or what a receiver report says."""
        self.fraction = fraction
        self._recent += (fraction - self._recent) * _RECENT_GAIN
        self._ordinary += (min(fraction, self._accepted) - self._ordinary) * _GAIN
        if self._recent < LOW:
            self._accepted, self._test = _UNTESTED, None

    @property
    def is_high(self) -> bool:
        """Whether clearly more is lost than is usual on this path."""
        return self.fraction > max(HIGH, 2.0 * self._ordinary)

    @property
    def is_low(self) -> bool:
        """Whether no more is lost than is usual on this path."""
        return self.fraction < self._ordinary + LOW

    def judge(self, estimate_bps: float, sent_bps: float) -> float:
        """The estimate after a window: lower when much was lost, as before when giving way has proved useless."""
        test = self._test
        if test is None:
            if not self.is_high:
                return estimate_bps
            test = self._test = _Test(estimate_bps, sent_bps, self._recent)
        if sent_bps <= _TESTED_AT * test.sent_bps:
            test.windows.append(self.fraction)
            if len(test.windows) >= _TEST_WINDOWS:
                return self._conclude(test, estimate_bps)
            return estimate_bps
        return estimate_bps * (1.0 - 0.5 * min(self.fraction, 0.5)) if self.is_high else estimate_bps

    def _conclude(self, test: _Test, estimate_bps: float) -> float:
        self._test = None
        loss = sum(test.windows) / len(test.windows)
        if loss < _STILL_LOST * test.loss or loss > _MOST_ORDINARY:
            return estimate_bps
        self._ordinary = self._accepted = self._recent = loss
        return max(estimate_bps, _GIVEN_BACK * test.estimate_bps)
