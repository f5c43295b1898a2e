"""Whether a queue grows towards a subscriber (draft-ietf-rmcat-gcc-02 sections 5.3 to 5.5), told once per feedback.

The delay of a group is that of its least delayed burst: what a frame waits behind itself is no congestion. The trend is
a straight line through the delays of the last half second, older ones counting less. Pure: time is an argument.
"""

from __future__ import annotations

from enum import Enum

BASE_WINDOW_S = 10.0
TREND_S = 0.4
STANDING_MS = 120.0  # a queue this long is overuse, whatever its trend, unless it falls
_NOISE_MS = 12.0
_MIN_THRESHOLD_MS, _MAX_THRESHOLD_MS = 6.0, 300.0
_THRESHOLD_UP, _THRESHOLD_DOWN = 0.0087, 0.039  # of the difference, per millisecond (section 5.4, as deployed)
_OUTLIER_MS = 15.0
_LASTING_S = 0.05


class Usage(Enum):
    """What the queue says of our rate."""

    NORMAL = "normal"
    OVER = "over"
    UNDER = "under"


class DelayTrend:
    """Belongs to one subscriber's connection."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets everything: the way to the subscriber may be another one now."""
        self.queue_ms = 0.0
        self.trend_ms = 0.0  # how much the queue grew within TREND_S
        self.threshold_ms = 12.5
        self._least = [float("inf"), float("inf")]  # seconds; of this window and the one before
        self._window_ends_s = float("-inf")
        self._over_s = 0.0
        # Sums of weight, time, delay, time × time, time × delay; the newest point is always at time 0.
        self._sums = (0.0, 0.0, 0.0, 0.0, 0.0)

    @property
    def base_s(self) -> float:
        """The least delay of the last ten to twenty seconds, clocks not compared."""
        return min(self._least)

    def note(self, delay_s: float, step_s: float, now_s: float) -> Usage:
        """A group arrived `step_s` after the one before it, its least delayed burst after `delay_s`."""
        if now_s >= self._window_ends_s:
            self._least = [float("inf"), self._least[0]]
            self._window_ends_s = now_s + BASE_WINDOW_S
        self._least[0] = min(self._least[0], delay_s)
        self.queue_ms = (delay_s - self.base_s) * 1000.0
        step_ms = min(max(step_s, 0.001), 1.0) * 1000.0
        self._fit(step_ms)
        usage = self._judge(step_ms)
        self._adapt(step_ms)
        return usage

    def _fit(self, step_ms: float) -> None:
        weight, time, delay, square, product = self._sums
        keep = max(0.0, 1.0 - step_ms / (TREND_S * 1000.0))
        square = keep * (square - step_ms * (2.0 * time - step_ms * weight))
        product = keep * (product - step_ms * delay)
        time = keep * (time - step_ms * weight)
        weight = keep * weight + 1.0
        delay = keep * delay + self.queue_ms
        self._sums = (weight, time, delay, square, product)
        spread = weight * square - time * time
        slope = (weight * product - time * delay) / spread if spread > 1e-6 else 0.0
        self.trend_ms = slope * TREND_S * 1000.0

    def _judge(self, step_ms: float) -> Usage:
        threshold = self.threshold_ms
        grows = self.trend_ms > threshold and self.queue_ms > _NOISE_MS
        stands = self.queue_ms > STANDING_MS and self.trend_ms > -threshold
        if grows or stands:
            self._over_s += step_ms / 1000.0
            return Usage.OVER if self._over_s > _LASTING_S else Usage.NORMAL
        self._over_s = 0.0
        return Usage.UNDER if self.trend_ms < -threshold else Usage.NORMAL

    def _adapt(self, step_ms: float) -> None:
        """So that a path that jitters, or is shared with greedy flows, is not taken for overused for ever."""
        difference = abs(self.trend_ms) - self.threshold_ms
        if difference > _OUTLIER_MS:
            return
        gain = _THRESHOLD_UP if difference > 0 else _THRESHOLD_DOWN
        threshold = self.threshold_ms + min(step_ms, 100.0) * gain * difference
        self.threshold_ms = min(max(threshold, _MIN_THRESHOLD_MS), _MAX_THRESHOLD_MS)
