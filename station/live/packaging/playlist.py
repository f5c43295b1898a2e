"""The two playlists of a broadcast as text (RFC 8216bis): pure, rendered once per change and shared by all viewers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

PART_TARGET_S = 0.334  # windows of exactly 1/3 s must not exceed it once rounded
PART_HOLD_BACK_S = 3 * PART_TARGET_S
FIRST_TARGET_S = 3  # segments follow keyframes, asked for every 2 s
PARTS_FOR_SEGMENTS = 3
_FAR_AHEAD = 2
ADVANCE_PART_LIMIT = math.ceil(3 / PART_TARGET_S)  # 6.2.5.2, for parts shorter than a second


@dataclass(frozen=True, slots=True)
class PartLine:
    """What the playlist says of one part; the duration is in seconds."""

    duration_s: float
    independent: bool


@dataclass(slots=True)
class SegmentLine:
    """What the playlist says of one segment. `duration_s` is None while it is open."""

    number: int
    at_ms: float
    init: int = 0
    discontinuity: bool = False
    duration_s: float | None = None
    parts: list[PartLine] = field(default_factory=list)
    lost: bool = False
    hidden: bool = False  # whom it shows has taken their consent back


@dataclass(frozen=True, slots=True)
class Variant:
    """The one rendition, as the multivariant playlist describes it."""

    codecs: str
    size: tuple[int, int] | None


def segment_name(number: int) -> str:
    """The file of a segment."""
    return f"s{number}.mp4"


def part_name(segment: int, index: int) -> str:
    """The file of a part of a segment."""
    return f"s{segment}.p{index}.mp4"


def init_name(number: int) -> str:
    """The first is `init.mp4`; a change of the source's parameters makes `init1.mp4` and so on."""
    return f"init{number}.mp4" if number else "init.mp4"


class MediaPlaylist:
    """All segments from the start; parts of the last three. The state is the list; the text follows from it."""

    def __init__(self) -> None:
        self.segments: list[SegmentLine] = []
        self.ended = False
        self._settled: list[str] = []  # text of segments that will not change any more
        self._target_s = FIRST_TARGET_S

    @property
    def closed(self) -> int:
        """How many segments are complete; the number of the one that is or will be open."""
        return len(self.segments) - (1 if self._open else 0)

    @property
    def _open(self) -> SegmentLine | None:
        last = self.segments[-1] if self.segments else None
        return last if last and last.duration_s is None else None

    @property
    def duration_s(self) -> float:
        """Seconds from the first segment to the end of the newest part."""
        open_s = sum(part.duration_s for part in self._open.parts) if self._open else 0.0
        return sum(segment.duration_s or 0.0 for segment in self.segments) + open_s

    @property
    def next_part(self) -> tuple[int, int]:
        """Segment and index of the part that is hinted at."""
        return self.closed, len(self._open.parts) if self._open else 0

    @property
    def block_limit_s(self) -> float:
        """Longest time a blocking request may wait (6.2.5.2: three target durations)."""
        return 3.0 * self._target_s

    def has(self, segment: int, part: int | None) -> bool:
        """Whether a blocking request for this segment and part may be answered now.

        A part past the last one of a closed segment means part 0 of the next segment (6.2.5.2).
        """
        if self.ended:
            return True
        if part is None:
            return segment < self.closed
        if segment < self.closed and part >= len(self.segments[segment].parts):
            segment, part = segment + 1, 0
        return segment < self.closed or (segment, part) < self.next_part

    def is_settled(self, segment: int, part: int) -> bool:
        """Whether it is known if this part exists: its file is there, or its segment closed without it."""
        return self.ended or segment < self.closed or (segment, part) < self.next_part

    def too_far_ahead(self, segment: int, part: int | None = None) -> bool:
        """Whether a request is for what 6.2.5.2 answers with 400 rather than wait."""
        if self.ended or segment < self.closed:
            return False
        last_part = self.next_part[1] - 1 if segment == self.closed else -1
        is_far_part = part is not None and part > last_part + ADVANCE_PART_LIMIT
        return is_far_part or segment > self.closed - 1 + _FAR_AHEAD

    def open_segment(self, at_ms: float, init: int, discontinuity: bool) -> None:
        """Begin a segment; its parts follow."""
        self.segments.append(SegmentLine(len(self.segments), at_ms, init, discontinuity))

    def add_part(self, part: PartLine) -> None:
        """Add a part to the open segment."""
        assert self._open
        self._open.parts.append(part)

    def close_segment(self, duration_s: float, at_ms: float | None = None) -> None:
        """The open segment is whole; `at_ms` corrects its date while nobody has seen it yet."""
        assert self._open
        if at_ms is not None and self.closed == 0:
            self._open.at_ms = at_ms
        self._open.duration_s = duration_s
        # Growing is against the letter of 4.4.3.1, but a segment longer than the target would be, too.
        self._target_s = max(self._target_s, math.floor(duration_s + 0.5))

    def restore(self, segment: SegmentLine) -> None:
        """Take a closed segment from disk."""
        self.segments.append(segment)
        self._target_s = max(self._target_s, math.floor((segment.duration_s or 0) + 0.5))

    def lose(self, number: int) -> None:
        """The segment could not be kept (disk full): players skip it."""
        self.segments[number].lost = True

    def hide(self, is_hidden: Callable[[int], bool]) -> None:
        """Say anew of each segment whether players must skip it; what was rendered before does not count any more."""
        for segment in self.segments:
            segment.hidden = is_hidden(segment.number)
        self._settled.clear()

    def render(self, skip: bool = False) -> str:
        """The playlist; with `skip` what is older than the skip boundary is left out (4.4.5.2)."""
        self._settle()
        skipped = self._skippable() if skip and not self.ended else 0
        lines = self._head(skipped)
        lines += self._settled[skipped:]
        for segment in self.segments[len(self._settled) :]:
            lines.append(self._lines(segment, with_parts=not self.ended))
        if self.ended:
            lines.append("#EXT-X-ENDLIST")
        else:
            lines.append(f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="{part_name(*self.next_part)}"')
        return "\n".join(lines) + "\n"

    def _head(self, skipped: int) -> list[str]:
        lines = ["#EXTM3U", "#EXT-X-VERSION:9", f"#EXT-X-TARGETDURATION:{self._target_s}"]
        if self.ended:
            lines.append("#EXT-X-PLAYLIST-TYPE:VOD")
        else:
            lines += [
                f"#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK={PART_HOLD_BACK_S:.3f},"
                f"CAN-SKIP-UNTIL={6 * self._target_s:.1f},HOLD-BACK={3 * self._target_s:.1f}",
                f"#EXT-X-PART-INF:PART-TARGET={PART_TARGET_S:.3f}",
            ]
        lines.append("#EXT-X-MEDIA-SEQUENCE:0")
        if skipped:
            lines.append(f"#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}")
        return lines

    def _skippable(self) -> int:
        left_s, count = 6.0 * self._target_s, len(self.segments)
        while count and left_s > 0:
            count -= 1
            left_s -= self.segments[count].duration_s or 0.0
        return min(count, len(self._settled))

    def _settle(self) -> None:
        # A segment in memory may still be lost or lose its parts; one four behind the edge may not.
        until = len(self.segments) if self.ended else self.closed - 2 * PARTS_FOR_SEGMENTS
        for segment in self.segments[len(self._settled) : max(until, 0)]:
            self._settled.append(self._lines(segment, with_parts=False))

    def _lines(self, segment: SegmentLine, with_parts: bool) -> str:
        lines = ["#EXT-X-DISCONTINUITY"] if segment.discontinuity else []
        before = self.segments[segment.number - 1] if segment.number else None
        if before is None or before.init != segment.init:
            lines.append(f'#EXT-X-MAP:URI="{init_name(segment.init)}"')
        lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{_date_time(segment.at_ms)}")
        if with_parts and not segment.hidden and segment.number > self.closed - 1 - PARTS_FOR_SEGMENTS:
            for index, part in enumerate(segment.parts):
                independent = ",INDEPENDENT=YES" if part.independent else ""
                uri = part_name(segment.number, index)
                lines.append(f'#EXT-X-PART:DURATION={part.duration_s:.5f},URI="{uri}"{independent}')
        if segment.duration_s is not None:
            lines += ["#EXT-X-GAP"] if segment.lost or segment.hidden else []
            lines += [f"#EXTINF:{segment.duration_s:.5f},", segment_name(segment.number)]
        return "\n".join(lines)


def render_multivariant(variant: Variant, peak_bits_per_s: int) -> str:
    """The playlist that players are given: one rendition, so that they know what they must decode."""
    attributes = [f"BANDWIDTH={max(peak_bits_per_s, 64_000)}", f'CODECS="{variant.codecs}"']
    if variant.size:
        attributes.append(f"RESOLUTION={variant.size[0]}x{variant.size[1]}")
    # Independent segments cannot be promised: a segment without any keyframe is cut after ten seconds.
    return f"#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-STREAM-INF:{','.join(attributes)}\nmain.m3u8\n"


def _date_time(at_ms: float) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
