"""The watching side of a connection: one output for each track it asked for."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from station.rtc import rtcp
from station.rtc.adapter import Scratch
from station.rtc.output import Output, Repair
from station.rtc.published import PublishedTrack
from station.rtc.sdp import CLOCK_RATES, AnswerMedia, Codec, Media, Offer
from station.rtc.session import Session
from station.rtc.steering import Steering
from station.rtc.watched import Watched

ASKING_OCTETS = 100  # what asking costs, also in vain
TICK_S, QUIET_TICK_S = 0.05, 0.2
REPORT_EVERY_S = 1.0
REPEATS_SAVED_S = 0.5  # a burst of losses is repeated at once
FindTrack = Callable[[str], PublishedTrack | None]


class Downstream:
    """Belongs to one session."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.watched: dict[str, Watched] = {}  # by mid
        self.steering = Steering(session.port.outgoing)
        self._by_ssrc: dict[int, Watched] = {}
        self._repeats_left = 0.0  # octets
        self._ticked_s = time.monotonic()
        self._next_report_s = 0.0

    def negotiate(self, offer: Offer, wanted: Mapping[str, str], find: FindTrack) -> list[AnswerMedia]:
        """Our answer to each m-line. A track that has gone, or in a codec not offered, is answered as inactive."""
        answers = []
        before, self.watched = self.watched, {}
        for media in offer.media:
            track = find(wanted[media.mid]) if media.receives and media.mid in wanted else None
            codec = _same_codec(media, track.codec) if track is not None else None
            if track is None or codec is None:
                answers.append(AnswerMedia(media, rejected=not media.codecs))
                continue
            old = before.get(media.mid)
            watched = old if old is not None and old.track is track else self._watch(media, codec, track)
            self.watched[media.mid] = watched
            answers.append(_answer(media, codec, watched))
        for mid, old in before.items():
            if self.watched.get(mid) is not old:
                self._unwatch(old)
        self._by_ssrc = {watched.output.ssrc: watched for watched in self.watched.values()}
        if self.session.is_connected:
            self.connected()
        return answers

    def _watch(self, media: Media, codec: Codec, track: PublishedTrack) -> Watched:
        name = codec.name
        output = Output(_new_ssrc(), codec.payload_type, CLOCK_RATES[name], self.steering.line, is_vp8=name == "vp8")
        output.takes_redundancy = bool(codec.redundant_type) or not track.codec.redundant_type
        if codec.redundant_type:
            output.payload_type = codec.redundant_type
        if codec.repair_type and "nack" in codec.feedback:
            output.repair = Repair(_new_ssrc(), codec.repair_type)
        # Sound is never repeated, so its numbers are not used twice (see `repeat`).
        if "transport-cc" in codec.feedback and (output.repair is not None or media.kind == "audio"):
            output.number_packets(media.transport_extension)
        track.listeners.append(self.steering.look_again)
        watched = Watched(track, output)
        watched.other_type = codec.payload_type if codec.redundant_type else 0
        return watched

    def _unwatch(self, watched: Watched) -> None:
        watched.leave()
        if watched.is_paused and not watched.track.ended:  # whoever watches it next is told anew
            self.steering.on_paused(watched.track.state.id, False)
        self.session.port.tallies.of(watched.track.state.kind).add_watched(watched)
        if self.steering.look_again in watched.track.listeners:
            watched.track.listeners.remove(self.steering.look_again)

    def connected(self) -> None:
        """The handshake is done: packets can flow, beginning with a keyframe."""
        session = self.session
        assert session.dtls.outgoing is not None
        assert session.wire is not None
        assert session.address is not None
        for watched in self.watched.values():
            watched.output.go_by(session.wire, session.address, session.dtls.outgoing.handle)
        self.steering.steer(list(self.watched.values()), time.monotonic())

    def moved(self) -> None:
        """The viewer is at another address now."""
        session = self.session
        for watched in self.watched.values():
            if session.wire is not None and session.address is not None:
                watched.output.go_by(session.wire, session.address, watched.output.handle)

    def close(self) -> None:
        """Takes all outputs off their feeds."""
        for watched in self.watched.values():
            self._unwatch(watched)
        self.watched, self._by_ssrc = {}, {}

    def receive_rtp(self, scratch: Scratch, size: int) -> None:
        """A viewer has nothing to send: ignored."""

    def receive_rtcp(self, items: list[rtcp.Feedback]) -> None:
        """Answers what the viewer misses from the ring, passes on its wish for keyframes, notes its reports."""
        now_s = time.monotonic()
        for item in items:
            match item:
                case rtcp.TransportFeedback():
                    self.steering.receive_feedback(item.packet, now_s)
                case rtcp.MaxBitrate():
                    self.steering.receive_max_bitrate(item.bits_per_s, now_s)
                case rtcp.Nack() | rtcp.KeyframeWanted() | rtcp.ReceiverBlock():
                    watched = self._by_ssrc.get(item.ssrc)
                    if watched is not None:
                        self._receive_for(watched, item, now_s)

    def _receive_for(
        self, watched: Watched, item: rtcp.Nack | rtcp.KeyframeWanted | rtcp.ReceiverBlock, now_s: float
    ) -> None:
        match item:
            case rtcp.Nack():
                for sequence in item.lost:
                    if self._repeats_left > 0:
                        octets = watched.repeat(self.session.port.outgoing, sequence, now_s)
                        self._repeats_left -= max(octets, ASKING_OCTETS)
            case rtcp.KeyframeWanted():
                watched.want_keyframe()
            case rtcp.ReceiverBlock():
                watched.fraction_lost = item.fraction_lost
                self.session.round_trip_s = rtcp.round_trip_s(item, time.time()) or self.session.round_trip_s
                self.steering.receive_loss(item.fraction_lost, now_s)

    def passes_over(self, buffer: bytearray, size: int) -> bool:
        """Whether a packet, encrypted still, can only say once more that all is well (see `steering`)."""
        return rtcp.is_transport_feedback_alone(buffer, size) and self.steering.passes_over(time.monotonic())

    def tick(self, now_s: float) -> float:
        """Decides which encodings the line carries; once a second tells the viewer the publishers' clocks.

        Returns in how many seconds to be called again.
        """
        octets_per_s = self.steering.repeats_bps(now_s) / 8
        earned = (now_s - self._ticked_s) * octets_per_s
        self._repeats_left = min(octets_per_s * REPEATS_SAVED_S, self._repeats_left + earned)
        self._ticked_s = now_s
        self.steering.tick(list(self.watched.values()), now_s)
        if now_s >= self._next_report_s:
            self._next_report_s = now_s + REPORT_EVERY_S
            reports = [report for watched in self.watched.values() if (report := watched.sender_report())]
            for report in reports:
                self.session.send_rtcp(report)
            if len(reports) < len(self.watched):
                self._next_report_s = now_s + REPORT_EVERY_S / 5  # the first one is waited for
        return QUIET_TICK_S if self.steering.is_content else TICK_S


def _new_ssrc() -> int:
    return 1 + secrets.randbelow(0xFFFFFFFE)


def _same_codec(media: Media, wanted: Codec) -> Codec | None:
    """The viewer's payload type for the publisher's codec, of the same profile if it can be."""
    same = [codec for codec in media.codecs if codec.name == wanted.name]
    profile = [codec for codec in same if codec.parameters[-6:-2] == wanted.parameters[-6:-2]]
    found = next(iter(profile or same), None)
    if found is None or (wanted.redundant_type and found.payload_type == wanted.payload_type):
        return found
    return replace(found, redundant_type=0)  # the blocks of RED name the publisher's payload type


def _answer(media: Media, codec: Codec, watched: Watched) -> AnswerMedia:
    state, output = watched.track.state, watched.output
    # Camera and microphone of a person are one stream, so that the browser keeps lips and voice together.
    stream = f"{state.person}-screen" if state.source == "screen" else state.person
    repair = output.repair.ssrc if output.repair is not None else 0
    return AnswerMedia(media, codec, output.ssrc, repair, state.person, stream, state.id)
