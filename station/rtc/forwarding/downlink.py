"""The downlink to one subscriber: the running number over all its packets, by which it tells what arrived when."""

from __future__ import annotations

import ctypes

from station.rtc.congestion.send_log import SendLog


class Downlink:
    """Belongs to one subscribing session. `counter` is where the compiled loop reads the number, and moves it on."""

    __slots__ = ("counter", "note")

    def __init__(self, log: SendLog) -> None:
        self.counter = ctypes.c_uint32()
        self.note = log.note

    @property
    def number(self) -> int:
        """Of the next packet; only its 16 lowest bits are sent."""
        return self.counter.value

    @number.setter
    def number(self, number: int) -> None:
        """The packets before this number have left."""
        self.counter.value = number

    def sent(self, count: int, octets: int, now_s: float) -> None:
        """So many packets have just left together."""
        number = self.counter.value
        self.note((number & 0xFFFF, count, octets, now_s))
        self.counter.value = number + count
