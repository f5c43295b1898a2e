"""One published track: what arrives of it, what is asked for again, and the feed that carries it to others."""

from __future__ import annotations

import time
from dataclasses import dataclass

from station.rtc import rtcp
from station.rtc.feed import Feed
from station.rtc.keyframes import starts_keyframe
from station.rtc.reception import KeyframeRequests, Missing, Reception
from station.rtc.rtp import HEADER_BYTES
from station.rtc.sdp import CLOCK_RATES, Codec
from station.rtc.sender_clock import SenderClock, TrackClock
from station.rtc.session import Session

RTCP_SSRC = 1  # who our reports come from; nobody answers to it


@dataclass(slots=True)
class TrackState:
    """What everyone in the room knows of a track."""

    id: str
    person: str
    source: str
    kind: str
    codec: str
    muted: bool = False


class PublishedTrack:
    """Lives as long as its m-line is active in the publisher's connection."""

    def __init__(self, state: TrackState, mid: str, codec: Codec, session: Session, clock: SenderClock) -> None:
        self.state = state
        self.mid = mid
        self.codec = codec
        self.session = session
        self.payload_type = codec.payload_type
        self.ssrc = 0
        self.ended = False
        self.octets = 0
        self.feed = Feed(session.port.sendto, session.port.outgoing)
        self.clock = TrackClock(CLOCK_RATES[codec.name], clock)
        self._sender_clock = clock
        self._reception = Reception(CLOCK_RATES[codec.name])
        self._missing = Missing()
        self._keyframes = KeyframeRequests()
        self._is_video = state.kind == "video"
        self._asks_again = "nack" in codec.feedback
        self._last_report: tuple[int, float] | None = None

    @property
    def packets(self) -> int:
        return self._reception.received_packets

    def latch(self, ssrc: int) -> None:
        """The stream has this SSRC from now on. A change of it begins new numbers, which viewers do not see."""
        if self.ssrc and self.ssrc != ssrc:
            self._reception = Reception(self.clock.clock_rate)
            self._missing = Missing()
            self._last_report = None
            self.clock.restart()
        self.ssrc = ssrc

    def receive(self, packet: bytes, sequence: int, timestamp: int) -> None:
        """Takes one packet in canonical form (see `feed`)."""
        now_s = time.monotonic()
        reception = self._reception
        if reception.highest < 0:
            self.feed.rebase(sequence, timestamp, self.clock.clock_rate // 50)
        step = reception.received(sequence, timestamp, now_s)
        self.octets += len(packet)
        if step > 1:
            self._jumped(sequence, step, now_s)
        elif step < 1 and self._missing:
            self._missing.arrived(sequence)
        if self._keyframes.wanted and starts_keyframe(self.state.codec, packet[HEADER_BYTES : HEADER_BYTES + 64]):
            self._keyframes.arrived()
        self.feed.forward(packet)

    def _jumped(self, sequence: int, step: int, now_s: float) -> None:
        if not self._is_video:
            return
        lost = self._missing.jumped(sequence, step, now_s) if self._asks_again else []
        if lost:
            self.session.send_rtcp(rtcp.nack(RTCP_SSRC, self.ssrc, lost))
        else:
            self.want_keyframe()

    def report(self, item: rtcp.SenderReport) -> None:
        """The publisher's own report: its clock against the RTP timestamps."""
        self._last_report = (item.ntp_middle, time.monotonic())
        self._sender_clock.observe(item.ntp_s, time.time())
        self.clock.report(item.rtp_timestamp, item.ntp_s)

    def want_keyframe(self) -> None:
        """Somebody cannot go on without a keyframe."""
        if self._is_video and not self.ended and self._keyframes.want(time.monotonic()):
            self._send_picture_loss()

    def tick(self, now_s: float) -> None:
        """Asks again for what is missing, and for keyframes that did not come."""
        if self._missing:
            ask, lost = self._missing.due(now_s)
            if ask:
                self.session.send_rtcp(rtcp.nack(RTCP_SSRC, self.ssrc, ask))
            if lost:
                self.want_keyframe()
        if self._keyframes.due(now_s):
            self._send_picture_loss()

    def report_block(self) -> bytes | None:
        """Our receiver report on this stream; None before anything came."""
        if not self.ssrc or self._reception.highest < 0:
            return None
        lsr, dlsr = 0, 0
        if self._last_report is not None:
            lsr = self._last_report[0]
            dlsr = int((time.monotonic() - self._last_report[1]) * 65536)
        return rtcp.report_block(self.ssrc, *self._reception.report(), lsr, dlsr)

    def end(self) -> None:
        """The track is over: nobody is sent anything any more."""
        self.ended = True
        self.feed.outputs = []
        self.feed.taps = []

    def _send_picture_loss(self) -> None:
        if self.ssrc:
            self.session.send_rtcp(rtcp.picture_loss(RTCP_SSRC, self.ssrc))
