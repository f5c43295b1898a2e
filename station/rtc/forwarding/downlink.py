"""The downlink to one subscriber: the running number over all its packets, by which it tells what arrived when."""

from __future__ import annotations

from station.rtc.congestion.send_log import SendLog


class Downlink:
    """Belongs to one subscribing session."""

    __slots__ = ("_note", "number")

    def __init__(self, log: SendLog) -> None:
        self.number = 0
        self._note = log.sent

    def sent(self, count: int, octets: int, now_s: float) -> None:
        """So many packets have just left together."""
        self._note(self.number & 0xFFFF, count, octets, now_s)
        self.number += count
