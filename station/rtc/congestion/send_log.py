"""What was sent to one subscriber and is not acknowledged yet. Pure: time is an argument.

The hot path only appends; everything else happens when feedback comes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

Burst = tuple[int, int, int, float]  # first sequence number, packets, octets, when
MAX_BURSTS = 1024  # without feedback the oldest are forgotten


class Acknowledged(NamedTuple):
    """What of the log one feedback speaks of. `bursts`: place of its first packet in the feedback, and when sent."""

    packets: int
    octets: int
    first_sent_s: float
    last_sent_s: float
    skipped_octets: int  # sent before those, and never told of: their feedback was lost, or not read
    bursts: list[tuple[int, float]]


class SendLog:
    """Bursts in the order of their transport-wide sequence numbers. Belongs to one subscriber's connection."""

    __slots__ = ("_bursts", "note")

    def __init__(self) -> None:
        self._bursts: deque[Burst] = deque(maxlen=MAX_BURSTS)
        self.note: Callable[[Burst], None] = self._bursts.append  # bare, as it is called for each burst and subscriber

    def sent(self, first_sequence: int, count: int, octets: int, now_s: float) -> None:
        """`count` packets, `octets` bytes in all, have left with consecutive 16-bit sequence numbers."""
        self.note((first_sequence, count, octets, now_s))

    def __len__(self) -> int:
        return len(self._bursts)

    def oldest_s(self) -> float | None:
        """When the oldest burst that is not acknowledged was sent."""
        return self._bursts[0][3] if self._bursts else None

    def take(self, first: int, count: int) -> Acknowledged | None:
        """Takes out the packets first … first + count - 1, and drops those before; None when none is in the log."""
        end = first + count
        bursts = self._bursts
        taken: list[tuple[int, float]] = []
        packets = octets = skipped_octets = 0
        first_sent_s = last_sent_s = 0.0
        while bursts:
            start, number, size, sent_s = bursts[0]
            ahead = (end - start) & 0xFFFF
            if not 0 < ahead <= 0x8000:
                break  # it begins at the end or after it
            bursts.popleft()
            if ahead < number:
                share = size * ahead // number
                bursts.appendleft(((start + ahead) & 0xFFFF, number - ahead, size - share, sent_s))
                number, size = ahead, share
            if ahead > count:  # it begins before the first: the feedback on that was lost
                before = min(ahead - count, number)
                unknown = size * before // number
                skipped_octets += unknown
                size -= unknown
                number -= before
                if not number:
                    continue
                ahead = count
            if not packets:
                first_sent_s = sent_s
            last_sent_s = sent_s
            packets += number
            octets += size
            taken.append((count - ahead, sent_s))
        return Acknowledged(packets, octets, first_sent_s, last_sent_s, skipped_octets, taken) if packets else None
