"""Whole frames of a published track, for the recorder and the broadcast. Works only while somebody needs frames."""

from __future__ import annotations

import time
from collections.abc import Callable

from recordings.frames import EncodedFrame
from station.rtc.formats.depacketize import depacketizer
from station.rtc.formats.keyframes import starts_keyframe
from station.rtc.forwarding.gso import Packet
from station.rtc.forwarding.layer import Layer
from station.rtc.forwarding.published import PublishedTrack
from station.rtc.rooms.reorder import LONGEST_WAIT_S, WAIT_S, ReorderBuffer

ASK_EVERY_S = 0.5
LEAST_STEP_MS = 1.0
FrameSink = Callable[[EncodedFrame], None]


class FrameSource:
    """One per published track. Takes the largest encoding that is sent, another one from its next keyframe on."""

    def __init__(self, track: PublishedTrack) -> None:
        self.track = track
        self._codec = track.state.codec
        self._is_video = track.state.kind == "video"
        self._sinks: dict[FrameSink, float] = {}
        self._last_keyframe_s = 0.0
        self._asked_s = 0.0
        self._keyframe_every_s = 0.0
        self._last_ms = 0.0
        self._layer: Layer | None = None  # whose packets are taken
        self._next: Layer | None = None  # whose keyframe is waited for
        self._reorder = ReorderBuffer()
        self._frames = depacketizer(self._codec)

    def add(self, sink: FrameSink, keyframe_every_s: float) -> None:
        """Begins to hand frames to a sink, soon with a keyframe among them, and then one at least that often."""
        if not self._sinks:
            self.track.listeners.append(self._look)
            self._look()
        self._set({**self._sinks, sink: keyframe_every_s})
        self._ask(time.monotonic())

    def remove(self, sink: FrameSink) -> None:
        """Hands no more frames to a sink; harmless when it never got any."""
        self._set({other: every_s for other, every_s in self._sinks.items() if other != sink})
        if not self._sinks:
            self.track.listeners = [listener for listener in self.track.listeners if listener != self._look]
            for layer in self.track.layers:
                layer.plain.taps = [tap for tap in layer.plain.taps if tap not in (self._take, self._wait)]
            self._layer = self._next = None

    def _set(self, sinks: dict[FrameSink, float]) -> None:
        self._sinks = sinks
        self._keyframe_every_s = min(sinks.values(), default=0.0)

    def _look(self) -> None:
        """Turns to the encoding that is the best now."""
        best = self.track.best
        if self._next is not None:
            self._next.plain.taps = [tap for tap in self._next.plain.taps if tap != self._wait]
            self._next = None
        if best is self._layer:
            return
        if self._layer is None:
            self._take_from(best)
        else:
            self._next = best
            best.plain.taps = [*best.plain.taps, self._wait]
        best.want_keyframe()

    def _take_from(self, layer: Layer) -> None:
        if self._layer is not None:
            self._layer.plain.taps = [tap for tap in self._layer.plain.taps if tap != self._take]
        self._layer = layer
        self._reorder = ReorderBuffer()
        self._frames = depacketizer(self._codec)
        layer.plain.taps = [*layer.plain.taps, self._take]

    def _wait(self, item: Packet) -> None:
        following = self._next
        if following is None or not starts_keyframe(self._codec, item.payload):
            return
        following.plain.taps = [tap for tap in following.plain.taps if tap != self._wait]
        self._next = None
        self._take_from(following)
        self._take(item)

    def _take(self, item: Packet) -> None:
        now_s = time.monotonic()
        assert self._layer is not None
        # On a long way retransmissions take long, and what subscribers wait for shall be in the recording too.
        self._reorder.wait_s = max(WAIT_S, min(LONGEST_WAIT_S, 2 * self._layer.missing.wait_s(now_s)))
        for ordered, after_gap in self._reorder.push(item.packet, now_s):
            frame = self._frames.push(ordered, after_gap)
            if frame is None:
                continue
            if frame.keyframe:
                self._last_keyframe_s = now_s
            at_ms = self._layer.clock.frame_s(frame.timestamp, time.time()) * 1000
            if at_ms <= self._last_ms < at_ms + 1000:  # two encodings may differ by a little
                at_ms = self._last_ms + LEAST_STEP_MS
            self._last_ms = at_ms
            encoded = EncodedFrame(self._codec, at_ms, frame.keyframe, frame.data)
            for sink in self._sinks:
                sink(encoded)
        is_late = now_s - self._last_keyframe_s > self._keyframe_every_s
        # Not with each packet: the keyframe that was asked for may be on its way.
        if self._is_video and (is_late or self._frames.wants_keyframe) and now_s - self._asked_s > ASK_EVERY_S:
            self._ask(now_s)

    def _ask(self, now_s: float) -> None:
        self._asked_s = now_s
        if self._layer is not None:
            self._layer.want_keyframe()
