"""The subscribing side of a connection: one down track for each track it asked for."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from station.rtc.formats import rtcp
from station.rtc.formats.sdp import CLOCK_RATES, AnswerMedia, Codec, Media, Offer
from station.rtc.forwarding.counting import add_subscription
from station.rtc.forwarding.down_track import DownTrack, Repair
from station.rtc.forwarding.layer_control import LayerController
from station.rtc.forwarding.published import PublishedTrack
from station.rtc.forwarding.subscription import Subscription
from station.rtc.transport.dtls_srtp import Scratch
from station.rtc.transport.session import Session

ASKING_OCTETS = 100  # what asking costs, also in vain
TICK_S, QUIET_TICK_S = 0.05, 0.2
REPORT_EVERY_S = 1.0
RETRANSMIT_SAVED_S = 0.5  # a burst of losses is retransmitted at once
FindTrack = Callable[[str], PublishedTrack | None]


class Downstream:
    """Belongs to one session.

    With `follows`, what a person's camera, screen or microphone sends later takes the place of what ended, without
    another offer: players by WHEP cannot make one. They are told of each codec that this may come in.
    """

    def __init__(self, session: Session, *, follows: bool = False) -> None:
        self.session = session
        self._follows = follows
        self._offered: dict[str, Media] = {}  # by mid
        self.subscriptions: dict[str, Subscription] = {}  # by mid
        self.layer_control = LayerController(session.port.outgoing)
        self._by_ssrc: dict[int, Subscription] = {}
        self._retransmit_left = 0.0  # octets
        self._ticked_s = time.monotonic()
        self._next_report_s = 0.0

    def negotiate(self, offer: Offer, wanted: Mapping[str, str], find: FindTrack) -> list[AnswerMedia]:
        """Our answer to each m-line. A track that has gone, or in a codec not offered, is answered as inactive."""
        answers = []
        before, self.subscriptions = self.subscriptions, {}
        for media in offer.media:
            track = find(wanted[media.mid]) if media.receives and media.mid in wanted else None
            codec = _same_codec(media, track.codec) if track is not None else None
            if track is None or codec is None:
                answers.append(AnswerMedia(media, rejected=not media.codecs))
                continue
            old = before.get(media.mid)
            subscription = old if old is not None and old.track is track else self._subscribe(media, codec, track)
            self.subscriptions[media.mid] = subscription
            others = _other_codecs(media, codec) if self._follows else ()
            answers.append(replace(_answer(media, codec, subscription), alternatives=others))
        for mid, old in before.items():
            if self.subscriptions.get(mid) is not old:
                self._unsubscribe(old)
        self._offered = {media.mid: media for media in offer.media}
        self._by_ssrc = {subscription.down_track.ssrc: subscription for subscription in self.subscriptions.values()}
        if self.session.is_connected:
            self.connected()
        return answers

    def _subscribe(self, media: Media, codec: Codec, track: PublishedTrack) -> Subscription:
        name = codec.name
        down_track = DownTrack(
            _new_ssrc(), codec.payload_type, CLOCK_RATES[name], self.layer_control.downlink, is_vp8=name == "vp8"
        )
        if codec.redundant_type:
            down_track.payload_type = codec.redundant_type
        if codec.repair_type and "nack" in codec.feedback:
            down_track.repair = Repair(_new_ssrc(), codec.repair_type)
        # Audio is never retransmitted, so its numbers are not used twice (see `send_retransmission`).
        if "transport-cc" in codec.feedback and (down_track.repair is not None or media.kind == "audio"):
            down_track.number_packets(media.transport_extension)
        return self._attach(track, down_track, codec)

    def _attach(self, track: PublishedTrack, down_track: DownTrack, codec: Codec) -> Subscription:
        """The track on this down track from now on; what changes of it is heard of."""
        down_track.takes_redundancy = bool(codec.redundant_type) or not track.codec.redundant_type
        track.listeners.append(self.layer_control.invalidate)
        subscription = Subscription(track, down_track)
        subscription.other_type = codec.payload_type if codec.redundant_type else 0
        return subscription

    def follow(self, track: PublishedTrack) -> None:
        """A track has come: it goes on where one of the same source has ended, if that is wanted here."""
        for mid, old in self.subscriptions.items():
            before = old.track
            if not self._follows or not before.ended or not _is_same_source(before, track):
                continue
            codec = _same_codec(self._offered[mid], track.codec)
            if codec is None:
                continue
            old.down_track.turn_to(codec, same_clock=before.session is track.session)
            new = self._attach(track, old.down_track, codec)
            self.subscriptions[mid] = self._by_ssrc[old.down_track.ssrc] = new
        self.layer_control.invalidate()

    def _unsubscribe(self, subscription: Subscription) -> None:
        subscription.leave()
        if subscription.is_paused and not subscription.track.ended:  # whoever watches it next is told anew
            self.layer_control.on_paused(subscription.track.state.id, False)
        add_subscription(self.session.port.totals.of(subscription.track.state.kind), subscription)
        if self.layer_control.invalidate in subscription.track.listeners:
            subscription.track.listeners.remove(self.layer_control.invalidate)

    def connected(self) -> None:
        """The handshake is done: packets can flow, beginning with a keyframe."""
        session = self.session
        assert session.dtls.outgoing is not None
        assert session.wire is not None
        assert session.address is not None
        for subscription in self.subscriptions.values():
            subscription.down_track.set_route(session.wire, session.address, session.dtls.outgoing.handle)
        self.layer_control.reallocate(list(self.subscriptions.values()), time.monotonic())

    def moved(self) -> None:
        """The subscriber is at another address now."""
        session = self.session
        for subscription in self.subscriptions.values():
            if session.wire is not None and session.address is not None:
                subscription.down_track.set_route(session.wire, session.address, subscription.down_track.handle)

    def close(self) -> None:
        """Detaches all down tracks from their forwarders."""
        for subscription in self.subscriptions.values():
            self._unsubscribe(subscription)
        self.subscriptions, self._by_ssrc = {}, {}

    def receive_rtp(self, scratch: Scratch, size: int) -> None:
        """A subscriber has nothing to send: ignored."""

    def receive_rtcp(self, items: list[rtcp.Feedback]) -> None:
        """Answers what the subscriber misses from the ring, passes on its wish for keyframes, notes its reports."""
        now_s = time.monotonic()
        for item in items:
            match item:
                case rtcp.TransportFeedback():
                    self.layer_control.receive_feedback(item.packet, now_s)
                case rtcp.MaxBitrate():
                    self.layer_control.receive_max_bitrate(item.bits_per_s, now_s)
                case rtcp.Nack() | rtcp.KeyframeWanted() | rtcp.ReceiverBlock():
                    subscription = self._by_ssrc.get(item.ssrc)
                    if subscription is not None:
                        self._receive_for(subscription, item, now_s)

    def _receive_for(
        self, subscription: Subscription, item: rtcp.Nack | rtcp.KeyframeWanted | rtcp.ReceiverBlock, now_s: float
    ) -> None:
        match item:
            case rtcp.Nack():
                self._answer_nack(subscription, item, now_s)
            case rtcp.KeyframeWanted():
                subscription.want_keyframe()
            case rtcp.ReceiverBlock():
                subscription.fraction_lost = item.fraction_lost
                self.session.round_trip_s = rtcp.round_trip_s(item, time.time()) or self.session.round_trip_s
                self.layer_control.receive_loss(item.fraction_lost, now_s)

    def _answer_nack(self, subscription: Subscription, nack: rtcp.Nack, now_s: float) -> None:
        for sequence in nack.lost:
            if self._retransmit_left > 0:
                octets = subscription.retransmit(self.session.port.outgoing, sequence, now_s)
                self._retransmit_left -= max(octets, ASKING_OCTETS)

    def may_skip_feedback(self, buffer: bytearray, size: int) -> bool:
        """Whether a packet, encrypted still, can only say once more that all is well (see `layer_control`)."""
        return rtcp.is_transport_feedback_alone(buffer, size) and self.layer_control.may_skip_feedback(time.monotonic())

    def tick(self, now_s: float) -> float:
        """Decides which encodings the downlink carries; once a second tells the subscriber the publishers' clocks.

        Returns in how many seconds to be called again.
        """
        octets_per_s = self.layer_control.retransmit_bps(now_s) / 8
        earned = (now_s - self._ticked_s) * octets_per_s
        self._retransmit_left = min(octets_per_s * RETRANSMIT_SAVED_S, self._retransmit_left + earned)
        self._ticked_s = now_s
        self.layer_control.tick(list(self.subscriptions.values()), now_s)
        if now_s >= self._next_report_s:
            self._next_report_s = now_s + REPORT_EVERY_S
            reports = [
                report for subscription in self.subscriptions.values() if (report := subscription.sender_report())
            ]
            for report in reports:
                self.session.send_rtcp(report)
            if len(reports) < len(self.subscriptions):
                self._next_report_s = now_s + REPORT_EVERY_S / 5  # the first one is waited for
        return QUIET_TICK_S if self.layer_control.is_satisfied else TICK_S


def _new_ssrc() -> int:
    return 1 + secrets.randbelow(0xFFFFFFFE)


def _same_codec(media: Media, wanted: Codec) -> Codec | None:
    """The subscriber's payload type for the publisher's codec, of the same profile if it can be."""
    same = [codec for codec in media.codecs if codec.name == wanted.name]
    profile = [codec for codec in same if codec.parameters[-6:-2] == wanted.parameters[-6:-2]]
    found = next(iter(profile or same), None)
    if found is None or (wanted.redundant_type and found.payload_type == wanted.payload_type):
        return found
    return replace(found, redundant_type=0)  # the blocks of RED name the publisher's payload type


def _other_codecs(media: Media, chosen: Codec) -> tuple[Codec, ...]:
    """The best of each other kind that the subscriber takes."""
    found = {codec.name: codec for codec in reversed(media.codecs)}
    return tuple(codec for name, codec in found.items() if name != chosen.name)


def _is_same_source(one: PublishedTrack, other: PublishedTrack) -> bool:
    return (one.state.person, one.state.source) == (other.state.person, other.state.source)


def _answer(media: Media, codec: Codec, subscription: Subscription) -> AnswerMedia:
    state, down_track = subscription.track.state, subscription.down_track
    # Camera and microphone of a person are one stream, so that the browser keeps lips and voice together.
    stream = f"{state.person}-screen" if state.source == "screen" else state.person
    repair = down_track.repair.ssrc if down_track.repair is not None else 0
    return AnswerMedia(
        offered=media,
        codec=codec,
        ssrc=down_track.ssrc,
        repair_ssrc=repair,
        cname=state.person,
        stream=stream,
        track=state.id,
    )
