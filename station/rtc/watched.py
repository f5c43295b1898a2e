"""One track as one viewer gets it: which encoding, what of it is repeated, what the viewer says of it."""

from __future__ import annotations

import time

from station.rtc import rtcp
from station.rtc.adapter import Scratch
from station.rtc.layer import Layer
from station.rtc.output import Output, Span
from station.rtc.published import PublishedTrack
from station.rtc.repeat import send_padding, send_repeat
from station.rtc.runs import Item


class Watched:
    """`layer` is the encoding that is given, or will be from its next keyframe on; None: nothing."""

    def __init__(self, track: PublishedTrack, output: Output) -> None:
        self.track = track
        self.output = output
        self.other_type = 0  # payload type of sound without redundancy, while it is sent with it, and the reverse
        self.layer: Layer | None = None
        self.is_paused = False
        self.fraction_lost = 0.0
        self.asked_again = 0
        self.repeated = 0
        self.switches = 0
        self.pauses = 0

    @property
    def given(self) -> Layer | None:
        """The encoding whose packets flow now."""
        return next((layer for layer in self.track.layers if self.output in layer.feed_for(self.output).outputs), None)

    def select(self, layer: Layer | None, *, in_haste: bool = False) -> None:
        """Gives this encoding from its next keyframe on; None: nothing from now on.

        Until the keyframe comes the one before is given, unless its packets already crowd out the sound (`in_haste`).
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
                other.feed_for(self.output).stop_waiting(self.output)
        if not layer.feed_for(self.output).attach(self.output):
            layer.want_keyframe()

    @property
    def bits_per_s(self) -> float:
        """What the largest encoding costs this viewer."""
        best = self.track.best
        return best.bits_per_s if self.output.takes_redundancy else best.plain_bits_per_s

    def carry_twice(self, twice: bool) -> None:
        """Sends sound with its repeat or without, where the viewer takes both; the viewer's numbers go on."""
        output, layer = self.output, self.layer
        if self.other_type == 0 or output.takes_redundancy == twice:
            return
        self.leave()
        output.takes_redundancy = twice
        output.payload_type, self.other_type = self.other_type, output.payload_type
        self.layer = None
        self.select(layer)

    def leave(self) -> None:
        """Gives nothing."""
        for layer in self.track.layers:
            layer.feed_for(self.output).detach(self.output)

    def want_keyframe(self) -> None:
        """The viewer cannot go on with what it has."""
        if self.layer is not None:
            self.layer.want_keyframe()

    def repeat(self, scratch: Scratch, sequence: int, now_s: float) -> int:
        """Sends again what the viewer missed; the octets sent, 0 when it is not kept or not of use any more.

        Who is given another encoding by now goes on with its keyframe: on a narrow line, repeats of the one before
        would keep it full for seconds.
        """
        self.asked_again += 1
        found = self.output.find(sequence)
        if found is None or self.track.ended or found[0] is not self.output.span or self.given is None:
            return 0
        if not self._may_repeat(*found):
            return 0
        self.repeated += 1
        return send_repeat(scratch, self.output, *found, now_s)

    def _may_repeat(self, span: Span, item: Item) -> bool:
        """Without RTX only the very same bytes may go out under a number (see `repeat`)."""
        output = self.output
        return output.repair is not None or (not output.extension and span.feed.is_sent(item))

    def fill(self, scratch: Scratch, octets: int, now_s: float) -> int:
        """Sends so many octets that the viewer does not need, to load its line; returns how many were sent."""
        span, sent = self.output.span, 0
        if self.output.repair is None or not self.output.extension or span is None:
            return 0
        if self.given is not None:
            for item in span.feed.recent(octets):
                if item.sequence >= span.begins:
                    sent += send_repeat(scratch, self.output, span, item, now_s)
        while sent < octets and (padding := send_padding(scratch, self.output, now_s)):
            sent += padding
        return sent

    def sender_report(self) -> bytes | None:
        """The publisher's clock in the viewer's timestamps, for lips and voice to match; None before it is known."""
        layer, unix_s, output = self.given, time.time(), self.output
        timestamp = layer.clock.timestamp_at(unix_s) if layer is not None else None
        if timestamp is None:
            return None
        stamp = timestamp + output.timestamp_offset
        name = self.track.state.person
        return rtcp.sender_report(output.ssrc, unix_s, stamp, output.packets, output.octets, name)
