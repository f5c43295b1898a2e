"""What one subscriber is given: the encodings that it shows and its downlink carries, more of them once that is proved.

Audio is always given. Which video gets what is decided by `allocation`, how much the downlink carries by `bandwidth`,
and `prober` asks for padding where only more traffic can tell.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from station.rtc.congestion import allocation
from station.rtc.congestion.allocation import HIDDEN, PAUSED, SubscribedVideo, allocate
from station.rtc.congestion.bandwidth import Estimator
from station.rtc.congestion.overuse import Usage
from station.rtc.congestion.prober import Prober
from station.rtc.formats.twcc import parse_feedback
from station.rtc.forwarding.downlink import Downlink
from station.rtc.forwarding.layer import Layer
from station.rtc.forwarding.subscription import Subscription
from station.rtc.transport.dtls_srtp import Scratch
from station.rtc.transport.token_bucket import TokenBucket

REALLOCATE_EVERY_S, REALLOCATE_SATISFIED_EVERY_S = 0.25, 2.0
LISTEN_SATISFIED_EVERY_S = 0.2
SATISFIED_QUEUE_S = 0.02
FEEDBACKS_PER_S = 60  # browsers send twenty at most; what comes beyond is not read
UNLIMITED_BPS = 1 << 40
PROVED_NARROW_S = 15.0  # a video is paused only if the downlink showed itself too narrow in this time
AUDIO_OVERHEAD = 1.15
REDUNDANCY_FROM_BPS = 500_000
RETRANSMIT_SHARE = 0.3
MAX_RETRANSMIT_BPS = 5e6  # what one subscriber can make us send again
HASTE_S = 2.0  # so long after the downlink was seen to be too full, what is too much for it is not sent on
UNMEASURED_BPS = (150_000, 500_000, 1_500_000)  # by place, until the first half second has been measured


class LayerController:
    """Belongs to one subscribing session. `on_paused` hears of videos that are paused for lack of room, or go on."""

    def __init__(self, scratch: Scratch) -> None:
        now_s = time.monotonic()
        self.estimator = Estimator(now_s)
        self.prober = Prober(self.estimator, now_s)
        self.downlink = Downlink(self.estimator.log)
        self.shown: Mapping[str, int] | None = None  # height of each video by track, as the page said
        self.speakers: Sequence[str] = ()
        self.on_paused: Callable[[str, bool], None] = lambda _track, _paused: None
        self._scratch = scratch
        self.has_feedback = False  # whether the subscriber tells us anything by which to know its downlink
        self._next_s = 0.0
        self._next_step_bps = 0
        self._feedbacks = TokenBucket(FEEDBACKS_PER_S, 2 * FEEDBACKS_PER_S, now_s)
        self._listen_s = 0.0  # when a satisfied subscriber's feedback is read next
        self.is_satisfied = False  # has all that it shows, on a downlink that shows no strain

    def invalidate(self) -> None:
        """Something has changed: decides anew at the next tick."""
        self._next_s = 0.0

    def may_skip_feedback(self, now_s: float) -> bool:
        """Whether transport-wide feedback may go unread: every fourth report of a satisfied subscriber says as much."""
        if self.is_satisfied and now_s < self._listen_s:
            return True
        self._listen_s = now_s + LISTEN_SATISFIED_EVERY_S
        return False

    def receive_feedback(self, packet: bytes, now_s: float) -> None:
        """Takes transport-wide feedback."""
        feedback = parse_feedback(packet) if self._feedbacks.take() else None
        if feedback is None:
            return
        self.has_feedback = True
        lowered_s = self.estimator.over_s
        self.estimator.on_feedback(feedback, now_s)
        if self.estimator.over_s != lowered_s:
            self.invalidate()
        self._judge()

    def _judge(self) -> None:
        estimator = self.estimator
        self.is_satisfied = (
            not self._next_step_bps
            and not self.prober.is_on
            and estimator.usage is Usage.NORMAL
            and estimator.queue_s < SATISFIED_QUEUE_S
            and estimator.loss.is_low
        )

    def receive_max_bitrate(self, bits_per_s: int, now_s: float) -> None:
        """Takes the receiver's own estimate (REMB)."""
        self.has_feedback = True
        self.estimator.on_remb(bits_per_s, now_s)
        self.invalidate()

    def receive_loss(self, fraction: float, now_s: float) -> None:
        """Takes the loss of a receiver report."""
        self.estimator.on_report(fraction, now_s)

    def tick(self, subscriptions: Sequence[Subscription], now_s: float) -> None:
        """Called some ten times a second."""
        self._feedbacks.earn(now_s)
        if now_s >= self._next_s:
            self.reallocate(subscriptions, now_s)
        if self.has_feedback and not self.is_satisfied:
            octets = self.prober.padding_bytes(now_s, self._next_step_bps)
            if octets > 0:
                self._fill(subscriptions, octets, now_s)

    def reallocate(self, subscriptions: Sequence[Subscription], now_s: float) -> None:
        """Gives each video the encoding it can have, and audio always."""
        self._next_s = now_s + (REALLOCATE_SATISFIED_EVERY_S if self.is_satisfied else REALLOCATE_EVERY_S)
        videos = [item for item in subscriptions if item.track.state.kind == "video" and not item.track.ended]
        audio = [item for item in subscriptions if item.track.state.kind == "audio"]
        for item in audio:
            item.select(item.track.best)
            item.set_redundancy(not self._is_narrow(now_s))
        sending = {item.track.state.id: item.track.sending for item in videos}
        described = [self._describe(item, sending[item.track.state.id]) for item in videos]
        recent_peak_bps = self.estimator.recent_peak_bps(now_s) - self._audio_bps(audio)
        decided = allocate(described, self._budget_bps(described, audio, now_s), recent_peak_bps)
        self._next_step_bps = decided.next_step_bps + self._audio_bps(audio) if decided.next_step_bps else 0
        in_haste = now_s - self.estimator.over_s < HASTE_S
        for item in videos:
            track = item.track.state.id
            chosen = decided.layers[track]
            item.select(None if chosen in (PAUSED, HIDDEN) else sending[track][chosen], in_haste=in_haste)
            self._note_paused(item, chosen == PAUSED)
        if self._next_step_bps:
            self.is_satisfied = False

    def retransmit_bps(self, now_s: float) -> float:
        """What retransmissions may take: a share of the downlink, for they come on top of what filled it."""
        carried = self.estimator.target_bps(now_s) if self.has_feedback else UNLIMITED_BPS
        return min(MAX_RETRANSMIT_BPS, RETRANSMIT_SHARE * carried)

    def _budget_bps(self, videos: Sequence[SubscribedVideo], audio: Sequence[Subscription], now_s: float) -> int:
        """What videos may take: the estimate, but not less than the least of each while nothing speaks against it."""
        if not self.has_feedback and not self.estimator.loss.is_high:
            estimate = UNLIMITED_BPS
        else:
            estimate = self.estimator.target_bps(now_s) - self._audio_bps(audio)
        if now_s - self.estimator.over_s < PROVED_NARROW_S:
            return estimate
        least = sum(next((layer.bps for layer in video.layers if layer.active), 0) for video in videos)
        return max(estimate, int(least * allocation.HEADROOM) + 30_000 * len(videos))

    def _is_narrow(self, now_s: float) -> bool:
        """Whether the downlink has shown that it is too narrow for redundant audio (RED) beside a video."""
        lately = now_s - self.estimator.over_s < PROVED_NARROW_S
        return lately and self.estimator.target_bps(now_s) < REDUNDANCY_FROM_BPS

    def _audio_bps(self, audio: Sequence[Subscription]) -> int:
        return int(sum(item.bits_per_s for item in audio) * AUDIO_OVERHEAD)

    def _describe(self, item: Subscription, sending: tuple[Layer, ...]) -> SubscribedVideo:
        state = item.track.state
        layers = tuple(
            allocation.Layer(int(layer.bits_per_s) or _unmeasured(place, len(sending)), layer.height)
            for place, layer in enumerate(sending)
        )
        current = sending.index(item.layer) if item.layer in sending else PAUSED if item.is_paused else HIDDEN
        shown = self.shown.get(state.id) if self.shown is not None else None
        is_speaking = state.person in self.speakers
        return SubscribedVideo(
            track=state.id,
            layers=layers,
            wanted_height=shown,
            is_screen=state.source == "screen",
            is_speaking=is_speaking,
            current=current,
        )

    def _note_paused(self, item: Subscription, is_paused: bool) -> None:
        if item.is_paused != is_paused:
            item.is_paused = is_paused
            item.pauses += is_paused
            self.on_paused(item.track.state.id, is_paused)

    def _fill(self, subscriptions: Sequence[Subscription], octets: int, now_s: float) -> None:
        for item in subscriptions:
            octets -= item.fill(self._scratch, octets, now_s)
            if octets <= 0:
                return


def _unmeasured(place: int, of: int) -> int:
    return UNMEASURED_BPS[place] if of > 1 else UNMEASURED_BPS[1]
