"""From the senders' clocks to ours, so that lips and voice stay together in calls, recordings and broadcasts.

Pure: times are arguments, in Unix seconds on our clock.
"""

from __future__ import annotations

from collections import deque

from station.rtc.formats.rtp import timestamp_step

_WINDOW = 16
_SLEW = 0.005  # seconds moved per second that passed
_MAX_DRIFT_S = 2.0


class SenderClock:
    """How far one sender's clock is behind ours: the least delayed of its latest reports counts.

    All tracks of a connection share one, so that their distance to each other never changes.
    """

    def __init__(self) -> None:
        self._seen: deque[float] = deque(maxlen=_WINDOW)
        self.offset_s: float | None = None

    def observe(self, sender_s: float, now_s: float) -> None:
        """A report that the sender wrote at `sender_s` has arrived."""
        self._seen.append(now_s - sender_s)
        best = min(self._seen)
        if self.offset_s is None or abs(best - self.offset_s) > _MAX_DRIFT_S:
            self.offset_s = best
        else:
            self.offset_s += max(-_SLEW, min(_SLEW, best - self.offset_s))


class TrackClock:
    """Our time of each RTP timestamp of one track, evenly advancing; exact once a sender report came."""

    def __init__(self, clock_rate: int, sender: SenderClock) -> None:
        self.clock_rate = clock_rate
        self._sender = sender
        self._anchor: tuple[int, float] | None = None
        self._report: tuple[int, float] | None = None
        self._anchored_by_report = False

    def report(self, rtp_timestamp: int, sender_s: float) -> None:
        """The sender said which moment of its clock a timestamp stands for."""
        self._report = (rtp_timestamp, sender_s)

    def exact_s(self, rtp_timestamp: int) -> float | None:
        """Our time of a timestamp by the sender's report; None before one came."""
        if self._report is None or self._sender.offset_s is None:
            return None
        stamp, sender_s = self._report
        return sender_s + self._sender.offset_s + timestamp_step(rtp_timestamp, stamp) / self.clock_rate

    def timestamp_at(self, now_s: float) -> int | None:
        """The RTP timestamp of a moment on our clock, for our own sender reports; None before one came."""
        if self._report is None or self._sender.offset_s is None:
            return None
        stamp, sender_s = self._report
        return (stamp + int((now_s - sender_s - self._sender.offset_s) * self.clock_rate)) & 0xFFFFFFFF

    def frame_s(self, rtp_timestamp: int, now_s: float) -> float:
        """Our time of a frame. The first frame sets the pace; later reports only nudge it, so that time never jumps."""
        exact = self.exact_s(rtp_timestamp)
        if self._anchor is None or (exact is not None and not self._anchored_by_report):
            at_s = now_s if exact is None else exact
            self._anchored_by_report = exact is not None
            self._anchor = (rtp_timestamp, at_s)
            return at_s
        stamp, anchor_s = self._anchor
        passed_s = timestamp_step(rtp_timestamp, stamp) / self.clock_rate
        at_s = anchor_s + passed_s
        if passed_s > 0:
            if exact is not None:
                room_s = _SLEW * passed_s
                at_s += max(-room_s, min(room_s, exact - at_s))
            self._anchor = (rtp_timestamp, at_s)
        return at_s

    def restart(self) -> None:
        """The stream began anew with other timestamps."""
        self._anchor = self._report = None
        self._anchored_by_report = False
