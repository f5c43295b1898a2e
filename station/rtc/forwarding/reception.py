"""How well one stream arrives (RFC 3550 appendix A.1, A.3, A.8), and which packets of it are missing.

Pure: time is an argument, in seconds on any steady clock.
"""

from __future__ import annotations

from station.rtc.formats.rtp import sequence_step

ASK_AGAIN_S = 0.06  # at least; a round trip if that is longer
GIVE_UP_S = 0.45  # at least; some round trips if those are longer
GIVE_UP_ROUNDS = 3.5
LATELY_S = 10.0
LATE_FROM_S = 0.05  # retransmissions that come sooner are hidden by what every player waits anyway
NOTICE_S = 0.06
MAX_ROUND_TRIP_S = 1.0
MAX_GAP = 256
KEYFRAME_EVERY_S = 0.3
KEYFRAME_RETRY_S = 0.5


class Reception:
    """Counts one stream. `received` returns how far the sequence number moved on: 0 or less for a late one."""

    __slots__ = ("_clock_rate", "_jitter", "_last_transit", "_reported", "highest", "received_packets", "start")

    def __init__(self, clock_rate: int) -> None:
        self._clock_rate = clock_rate
        self._jitter = 0.0
        self._last_transit = float("inf")
        self._reported = (0, 0)
        self.start = -1
        self.highest = -1  # extended by the cycles
        self.received_packets = 0

    def received(self, sequence: int, timestamp: int, now_s: float) -> int:
        """Counts a packet that has just arrived."""
        self.received_packets += 1
        if self.highest < 0:
            self.start = self.highest = sequence + 0x10000
            return 1
        step = ((sequence - self.highest + 0x8000) & 0xFFFF) - 0x8000  # as `sequence_step`, once a packet
        if step > 0:
            self.highest += step
            transit = now_s * self._clock_rate - timestamp
            change = abs(transit - self._last_transit)
            if change < self._clock_rate * 10:  # not across a wrap of the timestamp, nor the first time
                self._jitter += (change - self._jitter) / 16
            self._last_transit = transit
        return step

    def step(self, sequence: int) -> int:
        """How far a packet lies after the highest, without counting it."""
        return sequence_step(sequence, self.highest & 0xFFFF)

    def advance(self, step: int) -> None:
        """The highest came as a retransmission."""
        self.highest += step

    @property
    def jitter_s(self) -> float:
        """Interarrival jitter in seconds (RFC 3550 §6.4.1)."""
        return self._jitter / self._clock_rate

    @property
    def lost(self) -> int:
        """Packets that never came by themselves."""
        return max(0, self.highest - self.start + 1 - self.received_packets) if self.highest >= 0 else 0

    def report(self) -> tuple[int, int, int, int]:
        """Fraction lost since the last report (1/256), lost in all, extended highest sequence number, jitter."""
        expected = self.highest - self.start + 1 if self.highest >= 0 else 0
        expected_before, received_before = self._reported
        self._reported = (expected, self.received_packets)
        new_expected = expected - expected_before
        new_lost = new_expected - (self.received_packets - received_before)
        fraction = min(255, (new_lost << 8) // new_expected) if new_expected > 0 and new_lost > 0 else 0
        return fraction, expected - self.received_packets, max(self.highest, 0), int(self._jitter)


class Missing:
    """Packets of one stream that have not come: when to ask for them, and when to give up.

    Retransmissions tell the round trip, so that on a long way we neither ask twice in vain nor give up too early.
    """

    __slots__ = ("_repaired_s", "_waiting", "given_up", "repaired", "round_trip_s")

    def __init__(self) -> None:
        self._waiting: dict[int, list[float]] = {}  # sequence → [missing since, last asked, times asked]
        self._repaired_s = float("-inf")
        self.round_trip_s = 0.0
        self.repaired = 0
        self.given_up = 0

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def jumped(self, sequence: int, step: int, now_s: float) -> list[int]:
        """A packet came `step` after the highest: those between are missing. Returns what to ask for at once."""
        if step > MAX_GAP:
            self._waiting.clear()  # asking for so much helps nobody; a keyframe does
            return []
        lost = [(sequence - back) & 0xFFFF for back in range(step - 1, 0, -1)]
        for number in lost:
            self._waiting[number] = [now_s, now_s, 1]
        return lost

    def arrived(self, sequence: int, now_s: float) -> bool:
        """A late packet came; whether it was missing."""
        times = self._waiting.pop(sequence, None)
        if times is None:
            return False
        self.repaired += 1
        self._repaired_s = now_s
        if times[2] == 1:  # which of several requests was answered cannot be told
            taken_s = min(now_s - times[1], MAX_ROUND_TRIP_S)
            self.round_trip_s += (taken_s - self.round_trip_s) / 4 if self.round_trip_s else taken_s
        return True

    def wait_s(self, now_s: float) -> float:
        """How long a player had better wait for retransmissions; 0 when none came lately or they come at once."""
        if now_s - self._repaired_s > LATELY_S or self.round_trip_s < LATE_FROM_S:
            return 0.0
        return 1.2 * self.round_trip_s + NOTICE_S

    def due(self, now_s: float) -> tuple[list[int], int]:
        """What to ask for again, and how many were just given up."""
        ask: list[int] = []
        lost = 0
        again_s = max(ASK_AGAIN_S, 1.25 * self.round_trip_s)
        give_up_s = max(GIVE_UP_S, GIVE_UP_ROUNDS * self.round_trip_s)
        for number, times in list(self._waiting.items()):
            if now_s - times[0] > give_up_s:
                del self._waiting[number]
                lost += 1
            elif now_s - times[1] >= again_s:
                times[1] = now_s
                times[2] += 1
                ask.append(number)
        self.given_up += lost
        if lost:  # the way may be longer than any answer that came in time
            self.round_trip_s = min(MAX_ROUND_TRIP_S, self.round_trip_s * 1.5 or again_s)
        return ask, lost


class KeyframeRequests:
    """Merges the wishes for a keyframe of one stream: at most one request in 0.3 s, again until it came."""

    __slots__ = ("_asked_s", "wanted")

    def __init__(self) -> None:
        self.wanted = False
        self._asked_s = float("-inf")

    def want(self, now_s: float) -> bool:
        """Somebody needs a keyframe; True when the request is to be sent now."""
        if self.wanted and now_s - self._asked_s < KEYFRAME_RETRY_S:
            return False
        self.wanted = True
        return self._ask(now_s, KEYFRAME_EVERY_S)

    def arrived(self) -> None:
        """A keyframe came."""
        self.wanted = False

    def due(self, now_s: float) -> bool:
        """Whether to send a request that was held back or has gone unheard."""
        return self.wanted and self._ask(now_s, KEYFRAME_RETRY_S)

    def _ask(self, now_s: float, after_s: float) -> bool:
        if now_s - self._asked_s < after_s:
            return False
        self._asked_s = now_s
        return True
