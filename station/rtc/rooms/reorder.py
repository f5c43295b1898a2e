"""Packets in their order again, waiting a while for those that were asked for again. Pure: time is an argument."""

from __future__ import annotations

from collections.abc import Iterator

from station.rtc.formats.rtp import sequence_step

WAIT_S = 0.3
LONGEST_WAIT_S = 1.0
MAX_WAITING = 512


class ReorderBuffer:
    """Packets of one track. What comes after `wait_s`, or twice, is dropped."""

    def __init__(self, wait_s: float = WAIT_S) -> None:
        self.wait_s = wait_s
        self._next = -1
        self._waiting: dict[int, tuple[bytes, float]] = {}  # with the time of arrival
        self._since_s = 0.0  # the first of them arrived

    def push(self, packet: bytes, now_s: float) -> Iterator[tuple[bytes, bool]]:
        """Takes a packet; yields those that are in order now, each with whether packets before it are missing."""
        sequence = int.from_bytes(packet[2:4], "big")
        if self._next < 0:
            self._next = sequence
        step = sequence_step(sequence, self._next)
        if step == 0:
            yield packet, False
            self._next = (sequence + 1) & 0xFFFF
            if self._waiting:
                yield from self._in_order()
        elif step > 0:
            if not self._waiting:
                self._since_s = now_s
            self._waiting.setdefault(sequence, (packet, now_s))
            yield from self._overdue(now_s)
        elif step < -MAX_WAITING:  # not late but another numbering
            self._waiting.clear()
            yield packet, True
            self._next = (sequence + 1) & 0xFFFF

    def _in_order(self) -> Iterator[tuple[bytes, bool]]:
        while (kept := self._waiting.pop(self._next, None)) is not None:
            yield kept[0], False
            self._next = (self._next + 1) & 0xFFFF
        # Counted anew from each gap, waiting would add up where much is lost.
        self._since_s = min((arrived_s for _, arrived_s in self._waiting.values()), default=0.0)

    def _overdue(self, now_s: float) -> Iterator[tuple[bytes, bool]]:
        while self._waiting and (now_s - self._since_s > self.wait_s or len(self._waiting) > MAX_WAITING):
            nearest = min(self._waiting, key=lambda sequence: sequence_step(sequence, self._next))
            yield self._waiting.pop(nearest)[0], True
            self._next = (nearest + 1) & 0xFFFF
            yield from self._in_order()
