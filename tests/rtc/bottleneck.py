"""A narrow line between us and one subscriber: a queue in front of a link, loss, jitter, and the subscriber's feedback.

Runs in its own time. What is sent follows the estimator's target, as a video in small steps would.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from station.rtc.congestion.allocation import HIDDEN, Layer, SubscribedVideo, allocate
from station.rtc.congestion.bandwidth import Estimator
from station.rtc.congestion.prober import Prober
from station.rtc.formats.twcc import ArrivalLog, parse_feedback

PACKET_BYTES = 1100
TICK_S = 0.01
FEEDBACK_S = 0.1
CHOOSE_S = 0.1


@dataclass
class Line:
    """What the line is like. `capacity_bps` may be changed while it runs; 0 loses everything."""

    capacity_bps: float
    delay_s: float = 0.03
    loss: float = 0.0
    jitter_s: float = 0.0
    queue_limit_s: float = 1.0


@dataclass
class Moment:
    """What was seen at one time."""

    at_s: float
    target_bps: int
    sent_bps: float
    queue_s: float
    is_probing: bool


SOUND_BPS = 40_000
Choose = Callable[[int, int], tuple[float, int]]


def anything(target_bps: int, _lasting_bps: int) -> tuple[float, int]:
    """A picture that takes whatever rate it may have."""
    return min(target_bps, 8_000_000), 0


BROWSER_LAYERS = (150_000, 500_000, 1_700_000)


class Layered:
    """A picture in three layers, as a browser publishes it."""

    def __init__(self, *bps: int) -> None:
        self._layers = tuple(Layer(rate, 180 << place) for place, rate in enumerate(bps or BROWSER_LAYERS))
        self.current = HIDDEN

    def __call__(self, target_bps: int, recent_peak_bps: int) -> tuple[float, int]:
        picture = SubscribedVideo("t", self._layers, None, current=self.current)
        decided = allocate([picture], target_bps - SOUND_BPS, recent_peak_bps - SOUND_BPS)
        self.current = decided.layers["t"]
        step = decided.next_step_bps
        return decided.used_bps + SOUND_BPS, step + SOUND_BPS if step else 0


@dataclass
class Simulation:
    """Sends frames of what `choose` makes of the target: a rate, and what the next better choice would need."""

    line: Line
    choose: Choose = anything
    seed: int = 1
    frames_per_s: float = 25.0
    feedback_works: bool = True
    seen: list[Moment] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.now_s = 100.0
        self.begin_s = self.now_s
        self.estimator = Estimator(self.now_s)
        self.prober = Prober(self.estimator, self.now_s)
        self.arrivals = ArrivalLog()
        self._events: list[tuple[float, int, int]] = []
        self._free_s = 0.0
        self._sequence = 65_000
        self._order = 0
        self._next_frame_s = self._next_feedback_s = self._next_sound_s = 0.0
        self._returning: list[tuple[float, bytes]] = []
        self._next_choice_s = 0.0
        self._chosen_bps, self._next_step_bps = 0.0, 0
        self.padding_bytes = 0

    @property
    def queue_s(self) -> float:
        return max(0.0, self._free_s - self.now_s)

    def run(self, seconds: float) -> Simulation:
        """Goes on for so long."""
        for _ in range(round(seconds / TICK_S)):
            self.now_s += TICK_S
            self._tick()
        return self

    def since(self, seconds: float) -> list[Moment]:
        """What was seen in the last so many seconds."""
        return [moment for moment in self.seen if moment.at_s > self.now_s - seconds]

    def mean_bps(self, seconds: float) -> float:
        """The mean of what was sent in the last so many seconds."""
        moments = self.since(seconds)
        return sum(moment.sent_bps for moment in moments) / len(moments)

    def _tick(self) -> None:
        now_s = self.now_s
        target_bps = self.estimator.target_bps(now_s)
        if now_s >= self._next_choice_s:
            self._next_choice_s = now_s + CHOOSE_S
            self._chosen_bps, self._next_step_bps = self.choose(target_bps, self.estimator.recent_peak_bps(now_s))
        sent_bps = self._chosen_bps
        if now_s >= self._next_sound_s:
            self._next_sound_s = now_s + 0.02
            self._send([100])
        if now_s >= self._next_frame_s:
            self._next_frame_s = now_s + 1 / self.frames_per_s
            octets = int(max(sent_bps - SOUND_BPS, 0) / 8 / self.frames_per_s * self.random.uniform(0.7, 1.3))
            self._send([PACKET_BYTES] * (octets // PACKET_BYTES) + [octets % PACKET_BYTES])
        padding = self.prober.padding_bytes(now_s, self._next_step_bps)
        if padding:
            self.padding_bytes += padding
            self._send([PACKET_BYTES] * (padding // PACKET_BYTES) + [padding % PACKET_BYTES])
        self._deliver()
        self.seen.append(Moment(now_s, target_bps, sent_bps, self.queue_s, self.prober.is_on))

    def _send(self, sizes: list[int]) -> None:
        sizes = [size for size in sizes if size]
        if not sizes:
            return
        self.estimator.log.sent(self._sequence, len(sizes), sum(sizes), self.now_s)
        for size in sizes:
            self._transmit(self._sequence, size)
            self._sequence = (self._sequence + 1) & 0xFFFF

    def _transmit(self, sequence: int, size: int) -> None:
        line = self.line
        if not line.capacity_bps or self.queue_s > line.queue_limit_s or self.random.random() < line.loss:
            return
        self._free_s = max(self._free_s, self.now_s) + size * 8 / line.capacity_bps
        self._order += 1
        arrives_s = self._free_s + line.delay_s + self.random.uniform(0, line.jitter_s)
        heapq.heappush(self._events, (arrives_s, self._order, sequence))

    def _deliver(self) -> None:
        now_s = self.now_s
        while self._events and self._events[0][0] <= now_s:
            arrived_s, _, sequence = heapq.heappop(self._events)
            self.arrivals.note(sequence, arrived_s + 12_345.0)
        if now_s >= self._next_feedback_s:
            self._next_feedback_s = now_s + FEEDBACK_S
            while packet := self.arrivals.feedback(1, 2, now_s):
                if self.line.capacity_bps and self.feedback_works:
                    self._returning.append((now_s + self.line.delay_s, packet))
        while self._returning and self._returning[0][0] <= now_s:
            feedback = parse_feedback(self._returning.pop(0)[1])
            assert feedback is not None
            self.estimator.on_feedback(feedback, now_s)
