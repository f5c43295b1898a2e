"""Cuts one video and one audio track into parts and segments (RFC 8216bis, 4.4.4.9): no clock, no files.

Times are ticks of 90 kHz on the broadcast's own clock. Parts are windows of 1/3 s whatever the frame rate; a
segment starts at a keyframe, so its last part is shorter.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from station.live.formats.cmaf import AUDIO_TIMESCALE, VIDEO_TIMESCALE, Sample, fragment

PART_TICKS = VIDEO_TIMESCALE // 3
MIN_SEGMENT_TICKS = VIDEO_TIMESCALE * 3 // 2  # keyframes come every 2 s, give or take
AUDIO_SEGMENT_TICKS = 2 * VIDEO_TIMESCALE
MAX_SEGMENT_TICKS = 10 * VIDEO_TIMESCALE
_STALL_TICKS = VIDEO_TIMESCALE * 6 // 5  # a shared screen that stands still sends one frame a second
_USUAL_FRAME = VIDEO_TIMESCALE // 25
_MAX_LAST_FRAME = VIDEO_TIMESCALE // 5


@dataclass(frozen=True, slots=True)
class Part:
    """One part; `last` if its segment ends with it. Without `data` it only says that the segment ended."""

    segment: int
    index: int
    start: int
    end: int
    independent: bool
    last: bool
    data: bytes


class Segmenter:
    """Takes samples in order per track and returns the parts they complete."""

    def __init__(self, first_segment: int, start: int) -> None:
        self.with_video = True
        self.end = start
        """Where the next part begins."""
        self._segment = first_segment
        self._segment_start = start
        self._index = 0
        self._sequence = 0
        self._video: deque[Sample] = deque()
        self._pending: Sample | None = None
        self._frame_ticks = _USUAL_FRAME
        self._audio: deque[Sample] = deque()
        self._audio_end = start
        self._keyframe = b""
        self._awaiting_keyframe = False

    @property
    def segment(self) -> int:
        """Number of the segment now open."""
        return self._segment

    @property
    def video_end(self) -> int:
        """Where the last video frame will end if nothing follows it."""
        return self._pending.at + self._frame_ticks if self._pending else self.end

    def begin(self, with_video: bool) -> None:
        """Start with another source, right where the last one ended."""
        self.with_video = with_video
        self._pending, self._keyframe, self._awaiting_keyframe = None, b"", False
        self._frame_ticks = _USUAL_FRAME

    def push_video(self, at: int, keyframe: bool, data: bytes) -> list[Part]:
        """One frame; its duration is known when the next one comes."""
        if self._awaiting_keyframe and not keyframe:
            return []
        self._awaiting_keyframe = False
        if keyframe:
            self._keyframe = data
        self._queue_video(at, keyframe, data)
        return self._cut()

    def push_audio(self, samples: list[Sample]) -> list[Part]:
        """AAC frames, gapless by contract."""
        self._audio += samples
        if samples:
            self._audio_end = audio_to_ticks(samples[-1].at + samples[-1].duration)
        self._repeat_when_stalled()
        return self._cut()

    def finish(self, end: int) -> list[Part]:
        """The source is gone: what is there up to `end` becomes parts, and the segment closes."""
        if self._pending:
            duration = max(1, min(end - self._pending.at, _MAX_LAST_FRAME))
            self._video.append(replace(self._pending, duration=duration))
            self._pending = None
        parts = []
        while self.end + PART_TICKS < end:
            parts.append(self._close_part(self.end + PART_TICKS, last=False))
        if self._index or parts or end > self.end:
            parts.append(self._close_part(max(end, self.end), last=True))
        self._video.clear()
        return parts

    def _queue_video(self, at: int, keyframe: bool, data: bytes) -> None:
        if self._pending:
            at = max(at, self._pending.at + VIDEO_TIMESCALE // 1000)
            self._frame_ticks = min(at - self._pending.at, _MAX_LAST_FRAME)
            self._video.append(replace(self._pending, duration=at - self._pending.at))
        self._pending = Sample(max(at, self.end), 0, keyframe, data)

    def _repeat_when_stalled(self) -> None:
        """A camera that went silent: show its last keyframe again, so that players go on with the sound."""
        if not (self._pending and self._keyframe and self.with_video):
            return
        patience = PART_TICKS if self._awaiting_keyframe else _STALL_TICKS
        while self._audio_end - self._pending.at > patience:
            self._queue_video(self._pending.at + PART_TICKS, True, self._keyframe)
            self._awaiting_keyframe = True

    def _cut(self) -> list[Part]:
        parts: list[Part] = []
        while True:
            boundary, last = self._next_boundary()
            video_known = not self.with_video or (self._pending is not None and self._pending.at >= boundary)
            if not video_known or self._audio_end < boundary:
                return parts
            parts.append(self._close_part(boundary, last))

    def _next_boundary(self) -> tuple[int, bool]:
        boundary = self.end + PART_TICKS
        if not self.with_video:
            close = self._segment_start + AUDIO_SEGMENT_TICKS
            return (close, True) if close <= boundary else (boundary, False)
        earliest = self._segment_start + MIN_SEGMENT_TICKS
        for sample in (*self._video, *([self._pending] if self._pending else [])):
            if sample.keyframe and earliest <= sample.at <= boundary:
                return sample.at, True
        return boundary, boundary - self._segment_start >= MAX_SEGMENT_TICKS

    def _close_part(self, boundary: int, last: bool) -> Part:
        video = _take(self._video, boundary)
        audio = _take(self._audio, boundary * AUDIO_TIMESCALE / VIDEO_TIMESCALE)
        independent = video[0].keyframe if video else not self.with_video
        # A sliver before a keyframe may hold nothing: then its time goes to the next segment.
        empty = not video and not audio
        end = self.end if empty and last else boundary
        self._sequence += 1
        data = b"" if empty else fragment(self._sequence, video, audio)
        part = Part(
            segment=self._segment,
            index=self._index,
            start=self.end,
            end=end,
            independent=independent,
            last=last,
            data=data,
        )
        self.end = end
        self._index += 1
        if last and (self._index > 1 or not empty):  # a segment that never had a part does not count
            self._segment += 1
            self._segment_start, self._index = end, 0
        return part


def audio_to_ticks(at: int) -> int:
    """Samples at 48 kHz as ticks of 90 kHz."""
    return at * VIDEO_TIMESCALE // AUDIO_TIMESCALE


def ticks_to_audio(at: int) -> int:
    """Ticks of 90 kHz as samples at 48 kHz."""
    return at * AUDIO_TIMESCALE // VIDEO_TIMESCALE


def _take(samples: deque[Sample], before: float) -> list[Sample]:
    taken = []
    while samples and samples[0].at < before:
        taken.append(samples.popleft())
    return taken
