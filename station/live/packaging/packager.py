"""From received frames to parts: picks codecs, keeps video and audio on one clock, survives gaps.

Synchronous and without clock or files: a worker thread runs it, tests call it directly.
"""

from __future__ import annotations

from dataclasses import dataclass

from recordings.frames import EncodedFrame
from recordings.h264 import AccessUnit, ParameterSets, join_nals, parse_access_unit, picture_size
from station.live.formats.audio import AudioTrack
from station.live.formats.cmaf import AUDIO_TIMESCALE, Codecs
from station.live.formats.vp8 import Vp8Transcoder
from station.live.packaging.segmenter import Part, Segmenter, audio_to_ticks, ticks_to_audio

GAP_MS = 1500.0  # nothing of either track for so long, or time running backwards: another source
AUDIO_ONLY_AFTER_MS = 1500.0
HEARD_MS = 2000.0
AUDIO_WAIT_MS = 250.0  # audio that comes is waited for this long before silence takes its place


@dataclass(frozen=True, slots=True)
class Begun:
    """From here on parts belong to this source: `codecs`, and the wall clock of tick `at`."""

    codecs: Codecs
    at: int
    at_ms: float


Event = Begun | Part


class Packager:
    """Frames of one broadcast, in order; `interrupt()` when the source is gone or changes."""

    def __init__(self, first_segment: int = 0, start: int = 0) -> None:
        self._segmenter = Segmenter(first_segment, start)
        self._audio = AudioTrack(ticks_to_audio(start))
        self._transcoder = Vp8Transcoder()
        self._begun: Begun | None = None
        self._early: list[EncodedFrame] = []
        self._last_ms: float | None = None
        self._heard_ms = float("-inf")

    def push(self, frame: EncodedFrame) -> list[Event]:
        """One frame; returns what it completed."""
        events: list[Event] = []
        if self._last_ms is not None and abs(frame.at_ms - self._last_ms) > GAP_MS:
            events += self.interrupt()
        self._last_ms = frame.at_ms
        if frame.codec == "opus":
            events += self._push_opus(frame)
        elif frame.codec == "vp8":
            for encoded in self._transcoder.push(frame):
                events += self._push_h264(encoded)
        else:
            events += self._push_h264(frame)
        return events

    def interrupt(self) -> list[Event]:
        """Close what is open. The next frame begins anew, right after the end of this."""
        events: list[Event] = list(self._finish()) if self._begun else []
        self._begun, self._last_ms = None, None
        self._early.clear()
        self._transcoder = Vp8Transcoder()
        return events

    def _finish(self) -> list[Part]:
        segmenter = self._segmenter
        end = segmenter.video_end if segmenter.with_video else audio_to_ticks(self._audio.end)
        parts = segmenter.push_audio(self._audio.flush_until(ticks_to_audio(end) + 1))
        return parts + segmenter.finish(max(end, segmenter.end))

    def _begin(self, codecs: Codecs, at_ms: float) -> Begun:
        self._segmenter.begin(with_video=codecs.video is not None)
        self._heard_ms = float("-inf")
        self._begun = Begun(codecs, self._segmenter.end, at_ms)
        return self._begun

    def _ticks(self, at_ms: float) -> int:
        assert self._begun
        return self._begun.at + round((at_ms - self._begun.at_ms) * 90)

    def _push_h264(self, frame: EncodedFrame) -> list[Event]:
        unit = parse_access_unit(frame.data)
        if not unit.data:
            return []
        events = self._begin_with(unit, frame.at_ms)
        if self._begun is None or self._begun.codecs.video is None:
            return events
        data = _with_parameter_sets(unit, self._begun.codecs.video)
        wait_ms = AUDIO_WAIT_MS if frame.at_ms - self._heard_ms < HEARD_MS else 0.0
        silence = self._audio.fill_until(ticks_to_audio(self._ticks(frame.at_ms - wait_ms)))
        events += self._segmenter.push_video(self._ticks(frame.at_ms), unit.keyframe, data)
        events += self._segmenter.push_audio(silence)
        return events

    def _begin_with(self, unit: AccessUnit, at_ms: float) -> list[Event]:
        """Start, or start over when the picture's parameters changed; only a keyframe can."""
        if not unit.keyframe or unit.parameters is None or not _usable(unit.parameters):
            return []
        if self._begun and self._begun.codecs.video == unit.parameters:
            return []
        events: list[Event] = list(self._finish()) if self._begun else []
        self._early.clear()
        return [*events, self._begin(Codecs(unit.parameters, self._audio.config), at_ms)]

    def _push_opus(self, frame: EncodedFrame) -> list[Event]:
        if self._begun:
            return self._sound(frame)
        self._early.append(frame)
        if frame.at_ms - self._early[0].at_ms < AUDIO_ONLY_AFTER_MS:
            return []
        early, self._early = self._early, []
        events: list[Event] = [self._begin(Codecs(None, self._audio.config), early[0].at_ms)]
        for waiting in early:
            events += self._sound(waiting)
        return events

    def _sound(self, frame: EncodedFrame) -> list[Event]:
        self._heard_ms = frame.at_ms
        at = round(self._ticks(frame.at_ms) * AUDIO_TIMESCALE / 90_000)
        return list(self._segmenter.push_audio(self._audio.push(frame.data, at)))


def _with_parameter_sets(unit: AccessUnit, sets: ParameterSets) -> bytes:
    """The sample; a keyframe carries its parameter sets although the init segment has them, too.

    FFmpeg reads one init segment for the whole playlist, and mpv with it: after a change of size it would decode with
    the old sets. The entry stays `avc1`, against the letter of ISO/IEC 14496-15 §5.4.2.1, as not all players of
    Apple take `avc3`.
    """
    return join_nals([sets.sps, *sets.pps]) + unit.data if unit.keyframe else unit.data


def _usable(parameters: ParameterSets) -> bool:
    """Whether the sets can be read: a sender's rubbish must not end the broadcast."""
    try:
        width, height = picture_size(parameters.sps)
    except ValueError:
        return False
    return 0 < width <= 8192 and 0 < height <= 8192
