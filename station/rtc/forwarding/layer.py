"""One encoding of a published track: what arrives of it, what is asked for again, and its forwarder."""

from __future__ import annotations

import time

from station.rtc.formats import rtcp
from station.rtc.formats.header_layout import HeaderLayout
from station.rtc.formats.keyframes import picture_height, starts_keyframe
from station.rtc.formats.redundancy import without_redundancy
from station.rtc.formats.sdp import CLOCK_RATES, Codec
from station.rtc.forwarding.counting import add_layer, add_reception
from station.rtc.forwarding.down_track import DownTrack
from station.rtc.forwarding.forwarder import Forwarder
from station.rtc.forwarding.gso import Packet
from station.rtc.forwarding.reception import KeyframeRequests, Missing, Reception
from station.rtc.forwarding.sender_clock import SenderClock, TrackClock
from station.rtc.transport.session import Session

RTCP_SSRC = 1  # who our reports come from; nobody answers to it
SILENT_AFTER_S = 1.5  # an encoding that sends nothing for so long is taken as switched off
METER_EVERY_S = 0.5
BURST_GAP_S = 0.0005


class Layer:
    """`rid` is empty when the track has one encoding only; `height` is 0 until a keyframe told it."""

    def __init__(self, rid: str, codec: Codec, session: Session, sender_clock: SenderClock) -> None:
        self.rid = rid
        self.codec = codec
        self.session = session
        self.ssrc = 0
        self.height = 0
        self.layout: HeaderLayout | None = None  # of the packet before
        self.bits_per_s = 0.0
        self.plain_bits_per_s = 0.0  # without redundancy
        self.keyframe_requests = 0
        self.frames_back = 0  # frames that are to be shown before one sent earlier: B-frames
        self.clock = TrackClock(CLOCK_RATES[codec.name], sender_clock)
        self.forwarder = Forwarder(session.port.dirty, session.port.outgoing, self.clock)
        # What those get who do not take audio with redundancy, the recorder among them; mostly the same.
        self.plain = (
            Forwarder(session.port.dirty, session.port.outgoing, self.clock) if codec.redundant_type else self.forwarder
        )
        self.reception = Reception(self.clock.clock_rate)
        self.missing = Missing()
        self._sender_clock = sender_clock
        self._keyframes = KeyframeRequests()
        self._is_video = codec.name != "opus"
        self._totals = session.port.totals.of("video" if self._is_video else "audio")
        self._asks_again = "nack" in codec.feedback
        self._last_report: tuple[int, float] | None = None
        self._heard_s = 0.0
        self._gap_s = 2 * BURST_GAP_S  # between packets of a frame
        self._metered = (time.monotonic(), 0, 0)

    def forwarder_for(self, down_track: DownTrack) -> Forwarder:
        """Where a down track is attached."""
        return self.forwarder if down_track.takes_redundancy else self.plain

    def hold(self, is_held: bool) -> None:
        """Forwards nothing for a while, or goes on."""
        self.forwarder.hold(is_held)
        self.plain.hold(is_held)

    def is_sending(self, now_s: float) -> bool:
        """Whether packets came lately: browsers switch encodings off that their uplink does not carry."""
        return now_s - self._heard_s < SILENT_AFTER_S

    def latch(self, ssrc: int) -> None:
        """The stream has this SSRC from now on. A change of it begins new numbers, which subscribers do not see."""
        if self.ssrc and self.ssrc != ssrc:
            add_reception(self._totals, self.reception, self.missing)
            self.reception = Reception(self.clock.clock_rate)
            self.missing = Missing()
            self._last_report = None
            self.clock.restart()
        self.ssrc = ssrc

    def receive(self, sequence: int, timestamp: int, marker: int, payload: bytes, now_s: float) -> None:
        """Takes one packet that has come by itself; `sequence` has 16 bits, `marker` is 0 or 0x80."""
        reception, forwarder = self.reception, self.forwarder
        if reception.highest < 0:
            self._first(sequence, timestamp, marker, payload, now_s)
            return
        if self._is_video and forwarder.newest is not None:
            since = timestamp - forwarder.newest[1]
            if since == 0:
                self._gap_s += (now_s - self._heard_s - self._gap_s) / 16
                forwarder.in_bursts = self._gap_s < BURST_GAP_S
            elif since & 0x80000000 and reception.step(sequence) > 0:
                self.frames_back += 1
        self._heard_s = now_s
        step = reception.received(sequence, timestamp, now_s)
        if step > 0:
            if step > 1:
                self._jumped(step, now_s)
            item = Packet(reception.highest, timestamp, marker, payload)
            self._forward(item)
            if self._keyframes.wanted or forwarder.waiting or self.plain.waiting:
                self._look_for_start(item)
        else:
            self._late(Packet(reception.highest + step, timestamp, marker, payload), now_s)

    def receive_repair(self, sequence: int, timestamp: int, marker: int, payload: bytes, now_s: float) -> None:
        """Takes a packet that came by RTX: it is not counted as one that arrived, so that loss shows."""
        reception = self.reception
        if reception.highest < 0:
            return
        step = reception.step(sequence)
        item = Packet(reception.highest + step, timestamp, marker, payload)
        if step > 0:  # the last ones of a burst were lost, and nothing has come since
            reception.advance(step)
            if step > 1:
                self._jumped(step, now_s)
            self._forward(item)
            self._look_for_start(item)
        else:
            self._late(item, now_s)

    def _forward(self, item: Packet) -> None:
        self.forwarder.forward(item)
        if self.plain is not self.forwarder and (plain := _plain(item)).payload:
            self.plain.forward(plain)

    def _first(self, sequence: int, timestamp: int, marker: int, payload: bytes, now_s: float) -> None:
        self._heard_s = now_s
        self.reception.received(sequence, timestamp, now_s)
        item = Packet(self.reception.highest, timestamp, marker, payload)
        if self.forwarder.newest is not None:
            self.forwarder.begin_anew(item, self.clock.clock_rate // 50)
            if self.plain is not self.forwarder:
                self.plain.begin_anew(_plain(item), self.clock.clock_rate // 50)
        self._forward(item)
        self._look_for_start(item)

    def _late(self, item: Packet, now_s: float) -> None:
        was_missing = self.missing.arrived(item.sequence & 0xFFFF, now_s)
        if not was_missing and self.forwarder.packet_at(item.sequence) is not None:
            return  # retransmitted though it had come, as browsers do to probe their uplink
        self.forwarder.forward_late(item)
        if self.plain is not self.forwarder:
            self.plain.forward_late(_plain(item))
        self._look_for_start(item)

    def _look_for_start(self, item: Packet) -> None:
        """Lets those begin who wait for a packet to begin with."""
        if not self._is_video:
            self.forwarder.begin(item, keyframe=False)
            if self.plain is not self.forwarder:
                self.plain.begin(_plain(item), keyframe=False)
        elif starts_keyframe(self.codec.name, item.payload):
            self._keyframes.arrived()
            self.height = picture_height(self.codec.name, item.payload) or self.height
            self.forwarder.begin(item, keyframe=True)

    def _jumped(self, step: int, now_s: float) -> None:
        if not self._is_video:
            return
        lost = self.missing.jumped(self.reception.highest & 0xFFFF, step, now_s) if self._asks_again else []
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
        if self._is_video and self._keyframes.want(time.monotonic()):
            self._send_picture_loss()

    def tick(self, now_s: float) -> None:
        """Asks again for what is missing, and for keyframes that did not come; measures the rate."""
        if self.missing:
            ask, lost = self.missing.due(now_s)
            if ask:
                self.session.send_rtcp(rtcp.nack(RTCP_SSRC, self.ssrc, ask))
            if lost:
                self.want_keyframe()
        if self._keyframes.due(now_s):
            self._send_picture_loss()
        since_s, octets, plain_octets = self._metered
        if now_s - since_s >= METER_EVERY_S:
            per_octet = 8 / (now_s - since_s) * (0.5 if self.bits_per_s else 1.0)
            kept = 0.5 if self.bits_per_s else 0.0
            self.bits_per_s = self.bits_per_s * kept + (self.forwarder.octets - octets) * per_octet
            self.plain_bits_per_s = self.plain_bits_per_s * kept + (self.plain.octets - plain_octets) * per_octet
            self._metered = (now_s, self.forwarder.octets, self.plain.octets)

    def report_block(self) -> bytes | None:
        """Our receiver report on this stream; None before anything came."""
        if not self.ssrc or self.reception.highest < 0:
            return None
        lsr, dlsr = 0, 0
        if self._last_report is not None:
            lsr = self._last_report[0]
            dlsr = int((time.monotonic() - self._last_report[1]) * 65536)
        return rtcp.report_block(self.ssrc, *self.reception.report(), lsr, dlsr)

    def end(self) -> None:
        """Nobody is sent anything any more."""
        add_layer(self._totals, self)
        self.forwarder.close()
        self.plain.close()
        self._keyframes = KeyframeRequests()

    def _send_picture_loss(self) -> None:
        if self.ssrc:
            self.keyframe_requests += 1
            self.session.send_rtcp(rtcp.picture_loss(RTCP_SSRC, self.ssrc))


def _plain(item: Packet) -> Packet:
    return item._replace(payload=without_redundancy(item.payload))
