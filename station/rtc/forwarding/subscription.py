"""One track as one subscriber gets it: which encoding, what of it is retransmitted, what the subscriber says of it."""

from __future__ import annotations

import time

from station.rtc.formats import rtcp
from station.rtc.forwarding.down_track import DownTrack, Span
from station.rtc.forwarding.gso import Packet
from station.rtc.forwarding.layer import Layer
from station.rtc.forwarding.published import PublishedTrack
from station.rtc.forwarding.retransmit import send_padding, send_retransmission
from station.rtc.transport.dtls_srtp import Scratch


class Subscription:
    """`layer` is the encoding that is given, or will be from its next keyframe on; None: nothing."""

    def __init__(self, track: PublishedTrack, down_track: DownTrack) -> None:
        self.track = track
        self.down_track = down_track
        self.other_type = 0  # payload type of audio without redundancy, while it is sent with it, and the reverse
        self.layer: Layer | None = None
        self.is_paused = False
        self.fraction_lost = 0.0
        self.nacked = 0
        self.retransmitted = 0
        self.switches = 0
        self.pauses = 0

    @property
    def given(self) -> Layer | None:
        """The encoding whose packets flow now."""
        return next(
            (layer for layer in self.track.layers if self.down_track in layer.forwarder_for(self.down_track).outputs),
            None,
        )

    def select(self, layer: Layer | None, *, in_haste: bool = False) -> None:
        """Gives this encoding from its next keyframe on; None: nothing from now on.

        Until the keyframe comes the one before is given, unless its packets already crowd out the audio (`in_haste`).
        """
        given = self.given
        if self.track.ended or (layer is self.layer and layer is not None and layer is given):
            return
        self.switches += layer is not self.layer and None not in (self.layer, layer)
        self.layer = layer
        if layer is None or (in_haste and given is not None and layer.bits_per_s < given.bits_per_s):
            self.leave()
        if layer is None:
            return
        for other in self.track.layers:
            if other is not layer:
                other.forwarder_for(self.down_track).stop_waiting(self.down_track)
        if not layer.forwarder_for(self.down_track).attach(self.down_track):
            layer.want_keyframe()

    @property
    def bits_per_s(self) -> float:
        """What the largest encoding costs this subscriber."""
        best = self.track.best
        return best.bits_per_s if self.down_track.takes_redundancy else best.plain_bits_per_s

    def set_redundancy(self, twice: bool) -> None:
        """Sends audio with redundancy or without, where the subscriber takes both; the subscriber's numbers go on."""
        down_track, layer = self.down_track, self.layer
        if self.other_type == 0 or down_track.takes_redundancy == twice:
            return
        self.leave()
        down_track.takes_redundancy = twice
        down_track.payload_type, self.other_type = self.other_type, down_track.payload_type
        self.layer = None
        self.select(layer)

    def leave(self) -> None:
        """Gives nothing."""
        for layer in self.track.layers:
            layer.forwarder_for(self.down_track).detach(self.down_track)

    def want_keyframe(self) -> None:
        """The subscriber cannot go on with what it has."""
        if self.layer is not None:
            self.layer.want_keyframe()

    def retransmit(self, scratch: Scratch, sequence: int, now_s: float) -> int:
        """Answers a NACK (RFC 4585) from the ring, as RTX where negotiated (RFC 4588).

        Returns the octets sent, 0 when the packet is not kept or not of use any more.

        Who is given another encoding by now goes on with its keyframe: on a narrow downlink, retransmissions of the one
        before would keep it full for seconds.
        """
        self.nacked += 1
        found = self.down_track.find(sequence)
        if found is None or self.track.ended or found[0] is not self.down_track.span or self.given is None:
            return 0
        if not self._may_retransmit(*found):
            return 0
        self.retransmitted += 1
        return send_retransmission(scratch, self.down_track, *found, now_s)

    def _may_retransmit(self, span: Span, item: Packet) -> bool:
        """Without RTX only the very same bytes may go out under a number (see `send_retransmission`)."""
        down_track = self.down_track
        return down_track.repair is not None or (not down_track.extension and span.forwarder.is_sent(item))

    def fill(self, scratch: Scratch, octets: int, now_s: float) -> int:
        """Sends so many octets that the subscriber does not need, to load its downlink; returns how many were sent."""
        span, sent = self.down_track.span, 0
        if self.down_track.repair is None or not self.down_track.extension or span is None:
            return 0
        if self.given is not None:
            for item in span.forwarder.recent(octets):
                if item.sequence >= span.begins:
                    sent += send_retransmission(scratch, self.down_track, span, item, now_s)
        while sent < octets and (padding := send_padding(scratch, self.down_track, now_s)):
            sent += padding
        return sent

    def sender_report(self) -> bytes | None:
        """The publisher's clock in the subscriber's timestamps, so that lips match; None before it is known."""
        layer, unix_s, down_track = self.given, time.time(), self.down_track
        timestamp = layer.clock.timestamp_at(unix_s) if layer is not None else None
        if timestamp is None:
            return None
        stamp = timestamp + down_track.timestamp_offset
        name = self.track.state.person
        return rtcp.sender_report(down_track.ssrc, unix_s, stamp, down_track.packets, down_track.octets, name)
