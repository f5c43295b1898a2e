"""Whole frames of a published track, for the recorder and the broadcast. Works only while somebody needs frames."""

from __future__ import annotations

import time
from collections.abc import Callable

from recordings.frames import EncodedFrame
from station.rtc.depacketize import depacketizer
from station.rtc.published import PublishedTrack
from station.rtc.reorder import ReorderBuffer

ASK_EVERY_S = 0.5
FrameSink = Callable[[EncodedFrame], None]


class FrameSource:
    """One per published track."""

    def __init__(self, track: PublishedTrack) -> None:
        self.track = track
        self._codec = track.state.codec
        self._sinks: dict[FrameSink, float] = {}
        self._last_keyframe_s = 0.0
        self._asked_s = 0.0
        self._keyframe_every_s = 0.0
        self._reorder = ReorderBuffer()
        self._frames = depacketizer(self._codec)

    def add(self, sink: FrameSink, keyframe_every_s: float) -> None:
        """Begins to hand frames to a sink, soon with a keyframe among them, and then one at least that often."""
        if not self._sinks:
            self._reorder = ReorderBuffer()
            self._frames = depacketizer(self._codec)
            self.track.feed.taps = [*self.track.feed.taps, self._take]
        self._set({**self._sinks, sink: keyframe_every_s})
        self._asked_s = time.monotonic()
        self.track.want_keyframe()

    def remove(self, sink: FrameSink) -> None:
        """Hands no more frames to a sink; harmless when it never got any."""
        self._set({other: every_s for other, every_s in self._sinks.items() if other != sink})
        if not self._sinks:
            self.track.feed.taps = [tap for tap in self.track.feed.taps if tap != self._take]

    def _set(self, sinks: dict[FrameSink, float]) -> None:
        self._sinks = sinks
        self._keyframe_every_s = min(sinks.values(), default=0.0)

    def _take(self, packet: bytes) -> None:
        now_s = time.monotonic()
        for ordered, after_gap in self._reorder.push(packet, now_s):
            frame = self._frames.push(ordered, after_gap)
            if frame is None:
                continue
            if frame.keyframe:
                self._last_keyframe_s = now_s
            at_s = self.track.clock.frame_s(frame.timestamp, time.time())
            encoded = EncodedFrame(self._codec, at_s * 1000, frame.keyframe, frame.data)
            for sink in self._sinks:
                sink(encoded)
        is_late = now_s - self._last_keyframe_s > self._keyframe_every_s
        # Not with each packet: the keyframe that was asked for may be on its way.
        if (is_late or self._frames.wants_keyframe) and now_s - self._asked_s > ASK_EVERY_S:
            self._asked_s = now_s
            self.track.want_keyframe()
