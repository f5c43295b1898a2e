"""What the downlink to one subscriber carries, by what the subscriber says arrived (after draft-ietf-rmcat-gcc-02).

A growing queue or loss lowers the estimate, what was delivered without either raises it. It never rises much above what
was ever delivered: `prober` proves more with padding. Pure: time is an argument, in seconds on any steady clock.
"""

from __future__ import annotations

from station.rtc.congestion.loss import LossControl
from station.rtc.congestion.overuse import DelayTrend, Usage
from station.rtc.congestion.send_log import Acknowledged, SendLog
from station.rtc.formats.twcc import CLOCK_PERIOD_S, Feedback

INITIAL_BPS = 600_000
MIN_BPS = 40_000
MAX_BPS = 30_000_000

BACK_OFF = 0.85
BACK_OFF_AGAIN_S = 0.3
SLOW_START_GROWTH = 2.0  # a second
GROWTH = 1.08
PROVED_FACTOR = 1.5
SILENCE_S = 1.0
_RATE_WINDOW_S, _RECENT_WINDOW_S = 0.5, 0.15
_PEAK_HALVES_S = 20.0
_DRAIN_FROM_MS, _DRAIN_OVER_MS, _DRAIN_LEAST = 60.0, 400.0, 0.6
_NO_QUEUE_MS = 10.0
_LONGEST_STEP_S = 0.25
_AFTERMATH_S = 1.0  # the queue that a probe made is gone by then
_LASTS_S = 1.5
_DANGEROUS_QUEUE_S = 0.5


class Rate:
    """Bits per second over a sliding window in which older traffic counts less."""

    __slots__ = ("_octets", "_span_s", "_window_s")

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._octets = self._span_s = 0.0

    def add(self, octets: int, span_s: float) -> None:
        """So many bytes within so many seconds."""
        keep = self._window_s / (self._window_s + span_s)
        self._octets = self._octets * keep + octets
        self._span_s = self._span_s * keep + span_s

    @property
    def bps(self) -> float:
        """Bits per second over the window."""
        return self._octets * 8.0 / self._span_s if self._span_s > 0.0 else 0.0


class Estimator:
    """Belongs to one subscriber's connection: `log.sent` as packets leave, `on_feedback` as the subscriber answers."""

    def __init__(self, now_s: float, initial_bps: int = INITIAL_BPS) -> None:
        self.log = SendLog()
        self.loss = LossControl()
        self.usage = Usage.NORMAL
        self.over_s = float("-inf")  # when overuse was last seen
        self.acked_octets = 0  # in all, as are the two clocks of the last acknowledged packet
        self.acked_arrival_s = 0.0
        self.acked_sent_s = float("-inf")
        self._estimate_bps = float(initial_bps)
        self._delay = DelayTrend()
        self._acked, self._recent, self._sent = Rate(_RATE_WINDOW_S), Rate(_RECENT_WINDOW_S), Rate(_RATE_WINDOW_S)
        self._peak_bps = 0.0
        self._slow_start = True
        self._lowered_s = float("-inf")
        self._heard_s = now_s
        self._ends: int | None = None  # sequence number after the last that feedback spoke of
        self._lost: set[int] = set()  # told as lost lately: some of them only came late
        self._unsettled = (0, 0)  # packets that the last feedback told as lost, and all of it
        self._held_bps = 0.0  # what was believed before a probe: its failure says nothing against that
        self._held_until_s = float("inf")
        self._lasting = [0, 0]
        self._lasting_ends_s = float("-inf")
        self._remb_bps: float | None = None

    @property
    def acked_bps(self) -> int:
        """What arrives, over the last half second."""
        return int(self._acked.bps)

    @property
    def queue_s(self) -> float:
        """How long a packet waits in the queue of the narrowest place."""
        return max(0.0, self._delay.queue_ms / 1000.0)

    def target_bps(self, now_s: float) -> int:
        """What may be sent now, audio and retransmissions included. Falls in silence, or while a queue drains."""
        estimate = self._estimate_bps
        silent_s = self._silent_s(now_s)
        if silent_s > SILENCE_S:
            estimate *= 0.5 ** ((silent_s - SILENCE_S) / SILENCE_S)
        excess_ms = self._delay.queue_ms - _DRAIN_FROM_MS
        if excess_ms > 0.0 and not self._held_bps:
            estimate *= max(_DRAIN_LEAST, 1.0 - excess_ms / _DRAIN_OVER_MS)
        return int(min(max(estimate, MIN_BPS), MAX_BPS))

    def recent_peak_bps(self, now_s: float) -> int:
        """The highest target of the last two or three seconds, for what should not be given up for a moment's sake."""
        target_bps = self.target_bps(now_s)
        if self.queue_s > _DANGEROUS_QUEUE_S:
            return target_bps
        if now_s >= self._lasting_ends_s:
            self._lasting = [target_bps, self._lasting[0]]
            self._lasting_ends_s = now_s + _LASTS_S
        self._lasting[0] = max(self._lasting[0], target_bps)
        return max(self._lasting)

    def on_feedback(self, feedback: Feedback, now_s: float) -> None:
        """Takes what a subscriber tells by transport-wide feedback."""
        late = 0
        if self._ends is not None and self._lost:
            late = self._count_late(feedback)
        resumes = now_s - self._heard_s > SILENCE_S and self._silent_s(now_s) > SILENCE_S
        if resumes:
            self._resume(now_s)
        acked = self.log.take(feedback.first_sequence, feedback.packets)
        if acked is None:
            return
        elapsed_s = min(now_s - self._heard_s, _LONGEST_STEP_S)
        self._heard_s = now_s
        lost = self._note_lost(feedback) if feedback.lost else 0
        self._ends = (feedback.first_sequence + feedback.packets) & 0xFFFF
        # Told as lost once may be late only: it counts when the next feedback does not take it back.
        settled, self._unsettled = self._unsettled, (lost, acked.packets)
        if not resumes and self.loss.add(settled[0] - late, settled[1]):
            self._judge_loss(self._sent.bps, now_s)
        if lost < acked.packets:
            self._note_arrivals(feedback, acked, lost, now_s)
            self._adjust(now_s, elapsed_s)

    def on_report(self, fraction_lost: float, now_s: float) -> None:
        """Takes the loss from a receiver report, for a subscriber without transport-wide feedback."""
        if self._ends is None:
            self.loss.see(fraction_lost)
            self._judge_loss(self._estimate_bps, now_s)

    def on_remb(self, bps: float, now_s: float) -> None:
        """Takes the receiver's own estimate (draft-alvestrand-rmcat-remb-03), for a subscriber without feedback."""
        if self._ends is not None:
            return
        if self._remb_bps is None or bps < self._estimate_bps or self.loss.is_low:
            self._estimate_bps = min(max(bps, MIN_BPS), MAX_BPS)
        if self._remb_bps is not None and bps < BACK_OFF * 1.1 * self._remb_bps:
            self.over_s = now_s
        self._remb_bps = bps

    def hold(self) -> None:
        """A probe begins: the queue it may cause says nothing against what is sent without it."""
        self._held_bps = self._estimate_bps
        self._held_until_s = float("inf")

    def release(self, now_s: float, proved_bps: float = 0.0) -> None:
        """The probe is over; `proved_bps` were delivered without a queue."""
        self._held_until_s = now_s + _AFTERMATH_S
        if proved_bps > self._estimate_bps:
            self._estimate_bps = min(proved_bps, MAX_BPS)
        self._peak_bps = max(self._peak_bps, proved_bps)

    def _silent_s(self, now_s: float) -> float:
        """How long we have been sending without hearing anything."""
        oldest_s = self.log.oldest_s()
        return now_s - max(self._heard_s, oldest_s) if oldest_s is not None else 0.0

    def _resume(self, now_s: float) -> None:
        """Heard again after a silence: half of before, and from there as at the start."""
        self._estimate_bps = max(self.target_bps(now_s), self._estimate_bps / 2)
        self._slow_start = True
        self._unsettled = (0, 0)
        self._delay.reset()
        self._acked, self._recent, self._sent = Rate(_RATE_WINDOW_S), Rate(_RECENT_WINDOW_S), Rate(_RATE_WINDOW_S)
        self.acked_sent_s = float("-inf")

    def _count_late(self, feedback: Feedback) -> int:
        """How many packets told as lost before are now told as received."""
        assert self._ends is not None
        overlap = (self._ends - feedback.first_sequence) & 0xFFFF
        if not 0 < overlap <= 0x8000:
            return 0
        first, statuses = feedback.first_sequence, feedback.statuses()
        known = min(overlap, len(statuses))
        places = {number: (number - first) & 0xFFFF for number in self._lost}
        late = {number for number, place in places.items() if place < known and statuses[place]}
        self._lost -= late
        return len(late)

    def _note_lost(self, feedback: Feedback) -> int:
        """Notes the lost packets that no feedback has spoken of before, and returns how many."""
        first, begin = feedback.first_sequence, 0
        if self._ends is not None:
            overlap = (self._ends - first) & 0xFFFF
            begin = overlap if overlap <= 0x8000 else 0
        lost = [place for place, status in enumerate(feedback.statuses()) if place >= begin and not status]
        if len(self._lost) > 2000:
            self._lost.clear()
        self._lost.update((first + place) & 0xFFFF for place in lost)
        return len(lost)

    def _note_arrivals(self, feedback: Feedback, acked: Acknowledged, lost: int, now_s: float) -> None:
        octets = acked.octets if not lost else acked.octets * (acked.packets - lost) // acked.packets
        arrival_s, sent_s = self._unwrapped(feedback.last_arrival_s), acked.last_sent_s
        step_s = arrival_s - self.acked_arrival_s
        if self.acked_sent_s == float("-inf") or step_s <= 0.0:
            step_s = max(feedback.span_s, 0.001)
            octets = octets * (acked.packets - 1) // acked.packets
        else:
            octets += acked.skipped_octets  # taken for arrived, as most is: the time until now is theirs too
            self._sent.add(octets, max(sent_s - self.acked_sent_s, 0.001))
        self._acked.add(octets, step_s)
        self._recent.add(octets, step_s)
        self.acked_octets += octets
        self.acked_arrival_s, self.acked_sent_s = arrival_s, sent_s
        delay_s = min(arrival_s - feedback.span_s - acked.first_sent_s, arrival_s - sent_s)
        if (delay_s - self._delay.base_s) * 1000.0 > _NO_QUEUE_MS:
            delay_s = min(delay_s, self._least_delay_s(feedback, acked, arrival_s))
        self.usage = self._delay.note(delay_s, step_s, now_s)

    def _unwrapped(self, arrival_s: float) -> float:
        """The receiver's clock, going on when its reference time begins anew."""
        half = CLOCK_PERIOD_S / 2
        before = self.acked_arrival_s
        return before + (arrival_s - before + half) % CLOCK_PERIOD_S - half

    def _least_delay_s(self, feedback: Feedback, acked: Acknowledged, last_arrival_s: float) -> float:
        """The delay of the burst that waited least: its first packet does not wait behind its own."""
        arrivals = feedback.arrivals()
        offset_s = last_arrival_s - feedback.last_arrival_s
        delays = [arrivals[place] + offset_s - sent_s for place, sent_s in acked.bursts if place in arrivals]
        return min(delays, default=float("inf"))

    def _adjust(self, now_s: float, elapsed_s: float) -> None:
        acked_bps = self._acked.bps
        decayed = self._peak_bps * (1.0 - 0.5 * elapsed_s / _PEAK_HALVES_S)
        self._peak_bps = acked_bps if acked_bps > decayed else decayed
        if now_s > self._held_until_s:
            self._held_bps = 0.0
        if self.usage is Usage.OVER:
            self._lower_for_queue(now_s)
        elif self.usage is Usage.NORMAL and self.loss.is_low:
            self._raise(acked_bps, elapsed_s)

    def _lower_for_queue(self, now_s: float) -> None:
        self.over_s = now_s
        if now_s - self._lowered_s < BACK_OFF_AGAIN_S:
            return
        acked_bps = min(self._acked.bps, self._recent.bps)
        lowered = max(BACK_OFF * acked_bps, min(self._held_bps, acked_bps), MIN_BPS)
        self._peak_bps = min(self._peak_bps, acked_bps)
        self._slow_start = False
        self._lowered_s = now_s
        self._estimate_bps = min(self._estimate_bps, lowered)

    def _judge_loss(self, sent_bps: float, now_s: float) -> None:
        before_bps = self._estimate_bps
        self._estimate_bps = max(self.loss.judge(before_bps, sent_bps), MIN_BPS)
        if self._estimate_bps < before_bps:
            self.over_s = now_s

    def _raise(self, acked_bps: float, elapsed_s: float) -> None:
        proved_bps = min(acked_bps, self._sent.bps)
        if proved_bps > self._estimate_bps and self._delay.queue_ms < _NO_QUEUE_MS:
            self._estimate_bps = proved_bps
        ceiling = min(PROVED_FACTOR * self._peak_bps, MAX_BPS)
        if self._estimate_bps < ceiling:
            growth = SLOW_START_GROWTH if self._slow_start else GROWTH
            self._estimate_bps = min(ceiling, self._estimate_bps * growth**elapsed_s)
