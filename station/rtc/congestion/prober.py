"""Padding that proves a downlink carries more than is sent on it now. Pure: time is an argument.

A subscriber who gets a small video never shows what else its downlink would carry. So once in a while we send as
much as the next better layer would need; when it arrives without a queue, the estimate may be believed.
"""

from __future__ import annotations

from station.rtc.congestion.bandwidth import Estimator
from station.rtc.congestion.overuse import Usage

RAMP_S, PROBE_S = 0.6, 1.1  # slowly up, so that a downlink which cannot carry it shows that before its queue is long
ANSWER_S = 1.0  # how long after its end a probe is waited for
FIRST_WAIT_S = 0.5
NEXT_STEP_WAIT_S = 0.5
UNDECIDED_WAIT_S = 2.0  # nothing spoke against it, but too little was sent to know
WAITS_S = (5.0, 10.0)  # after failures; one that gets better is to be noticed within a quarter of a minute
LASTING_S = 10.0
_ENOUGH, _MARGIN = 0.85, 1.1
_MOST_AT_ONCE_S = 0.1
_QUEUE_GROWS_S = 0.05
_MOST_FACTOR = 8.0
_LEAST_BYTES = 500  # smaller packets are not worth their headers


class Prober:
    """Belongs to one subscriber's connection. Ask `padding_bytes` at every tick, 10 to 50 times a second."""

    def __init__(self, estimator: Estimator, now_s: float) -> None:
        self._estimator = estimator
        self._not_before_s = now_s + FIRST_WAIT_S
        self._failures = 0
        self._succeeded_s = float("-inf")
        self._goal_bps = 0.0
        self._padding_bps = self._owed = 0.0
        self._began_s = self._asked_s = self._ends_s = 0.0
        self._queue_before_s = 0.0
        self._mark: tuple[int, float, float] | None = None  # octets, arrival, sent: acknowledged since the full rate

    @property
    def is_on(self) -> bool:
        """Whether a probe is under way."""
        return self._goal_bps > 0.0

    def padding_bytes(self, now_s: float, next_step_bps: int) -> int:
        """Bytes of padding (or retransmissions) to send now, to prove that `next_step_bps` in all would arrive.

        `next_step_bps` is what the next better choice needs with everything else, 0 when there is none.
        """
        if self.is_on:
            return self._go_on(now_s)
        estimator = self._estimator
        if self._succeeded_s < estimator.over_s < self._succeeded_s + LASTING_S:
            self._fail(now_s)  # it did not last
        elif now_s > max(self._succeeded_s, estimator.over_s) + LASTING_S and self._succeeded_s > estimator.over_s:
            self._failures = 0
        if next_step_bps <= estimator.target_bps(now_s) or now_s < self._not_before_s:
            return 0
        if now_s < estimator.over_s + WAITS_S[0] or estimator.usage is not Usage.NORMAL or not estimator.loss.is_low:
            return 0
        return self._begin(now_s, next_step_bps)

    def _begin(self, now_s: float, next_step_bps: int) -> int:
        acked_bps = self._estimator.acked_bps
        if not acked_bps:
            return 0  # nothing is sent: nothing is known
        self._goal_bps = min(float(next_step_bps), _MOST_FACTOR * max(acked_bps, self._estimator.target_bps(now_s)))
        self._padding_bps = max(0.0, self._goal_bps * _MARGIN - acked_bps)
        self._began_s = self._asked_s = now_s
        self._ends_s = now_s + PROBE_S
        self._mark = None
        self._queue_before_s = self._estimator.queue_s
        self._estimator.hold()
        return 0

    def _go_on(self, now_s: float) -> int:
        estimator = self._estimator
        grows = estimator.queue_s > self._queue_before_s + _QUEUE_GROWS_S
        if grows or estimator.usage is Usage.OVER or estimator.loss.is_high:
            self._end(now_s, 0.0)
            return 0
        if self._mark is None and estimator.acked_sent_s > self._began_s + RAMP_S:
            self._mark = (estimator.acked_octets, estimator.acked_arrival_s, estimator.acked_sent_s)
        if estimator.acked_sent_s >= self._ends_s or now_s > self._ends_s + ANSWER_S:
            self._end(now_s, self._measured_bps())
            return 0
        if now_s >= self._ends_s:
            return 0
        since_s = min(now_s - self._asked_s, _MOST_AT_ONCE_S)
        self._asked_s = now_s
        self._owed += self._padding_bps * min(1.0, (now_s - self._began_s) / RAMP_S) * since_s / 8
        due = int(self._owed) if self._owed >= _LEAST_BYTES else 0
        self._owed -= due
        return due

    def _measured_bps(self) -> float:
        """What arrived between the first and the last acknowledgement of the probe."""
        if self._mark is None:
            return 0.0
        octets, arrival_s, sent_s = self._mark
        estimator = self._estimator
        span_s = max(estimator.acked_arrival_s - arrival_s, estimator.acked_sent_s - sent_s)
        return (estimator.acked_octets - octets) * 8 / span_s if span_s > 0.2 * (PROBE_S - RAMP_S) else 0.0

    def _end(self, now_s: float, measured_bps: float) -> None:
        success = measured_bps >= _ENOUGH * self._goal_bps
        self._estimator.release(now_s, max(measured_bps, self._goal_bps) if success else measured_bps)
        self._goal_bps = 0.0
        if success:
            self._succeeded_s = now_s
            self._not_before_s = now_s + NEXT_STEP_WAIT_S
        elif measured_bps:
            self._not_before_s = now_s + UNDECIDED_WAIT_S
        else:
            self._fail(now_s)

    def _fail(self, now_s: float) -> None:
        self._succeeded_s = float("-inf")
        self._not_before_s = now_s + WAITS_S[min(self._failures, len(WAITS_S) - 1)]
        self._failures += 1
