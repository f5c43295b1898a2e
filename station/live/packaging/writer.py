"""Turns what the packager returns into files, and into updates for the playlist. Runs in the packager's thread."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from recordings.frames import EncodedFrame
from station.live.formats.cmaf import VIDEO_TIMESCALE, Codecs, init_segment
from station.live.packaging.packager import Begun, Packager
from station.live.packaging.playlist import PartLine
from station.live.packaging.programme import Init, OpenSegment, Programme, ProgrammeFolder, StoredSegment
from station.live.packaging.segmenter import Part

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class InitReady:
    """An initialisation segment has been written."""

    number: int
    init: Init
    data: bytes


@dataclass(frozen=True, slots=True)
class SegmentOpened:
    """A segment has begun."""

    at_ms: float
    init: int
    discontinuity: bool


@dataclass(frozen=True, slots=True)
class PartReady:
    """A part can be fetched."""

    segment: int
    index: int
    line: PartLine
    data: bytes


@dataclass(frozen=True, slots=True)
class SegmentClosed:
    """A segment is complete."""

    stored: StoredSegment


Update = InitReady | SegmentOpened | PartReady | SegmentClosed


class ProgrammeWriter:
    """Packages frames and keeps the result. A full disk is an alarm, not an end: viewers go on from memory."""

    def __init__(
        self,
        folder: ProgrammeFolder,
        programme: Programme,
        segments: list[StoredSegment],
        now_ms: Callable[[], float] = lambda: time.time() * 1000,
    ) -> None:
        self.alarm: str | None = None
        self.person = programme.person
        """Whom the frames show that come next; to be changed only while no frame waits."""
        self._folder = folder
        self._programme = programme
        start = segments[-1].end if segments else 0
        self._packager = Packager(len(segments), start)
        self._begun: Begun | None = None
        self._init_number = -1
        self._init_codecs: Codecs | None = None
        self._unkept_inits: dict[int, Codecs] = {}
        self._discontinuity = bool(segments)
        self._open: OpenSegment | None = None
        self._parts: list[bytes] = []
        self._open_ticks = 0
        self._unwritten: list[StoredSegment] = []
        self._now_ms = now_ms
        self._ahead_ms = 0.0  # how far frames of this source were dated after their arrival: encoders begin with bursts

    def push(self, frames: list[EncodedFrame]) -> list[Update]:
        """Package and keep a batch of frames."""
        now_ms = self._now_ms()
        self._ahead_ms = max([self._ahead_ms, *(frame.at_ms - now_ms for frame in frames)])
        updates: list[Update] = []
        for frame in frames:
            for event in self._packager.push(frame):
                updates += self._apply(event)
        return updates

    def interrupt(self) -> list[Update]:
        """The source is gone: close the open segment."""
        updates: list[Update] = []
        for event in self._packager.interrupt():
            updates += self._apply(event)
        self._ahead_ms = 0.0
        return updates

    def _apply(self, event: Begun | Part) -> list[Update]:
        return self._begin(event) if isinstance(event, Begun) else self._keep(event)

    def _begin(self, begun: Begun) -> list[Update]:
        self._discontinuity = self._discontinuity or self._begun is not None
        self._begun = begun
        if begun.codecs == self._init_codecs:
            return []
        width, height = begun.codecs.size or (0, 0)
        init = Init(begun.codecs.names, width, height)
        self._init_codecs = begun.codecs
        self._programme.inits.append(init)
        self._init_number = len(self._programme.inits) - 1
        self._unkept_inits[self._init_number] = begun.codecs
        self._try(self._keep_inits)
        return [InitReady(self._init_number, init, init_segment(begun.codecs))]

    def _keep(self, part: Part) -> list[Update]:
        updates: list[Update] = []
        if part.data:
            if self._open is None:
                updates.append(self._open_segment(part))
            ticks = part.end - part.start
            line = PartLine(ticks / VIDEO_TIMESCALE, part.independent)
            self._try(lambda: self._folder.write_part(part.segment, part.index, part.data, ticks))
            self._parts.append(part.data)
            self._open_ticks += ticks
            updates.append(PartReady(part.segment, part.index, line, part.data))
        if part.last and self._open:
            updates.append(self._close_segment(self._open, part))
        return updates

    def _open_segment(self, part: Part) -> SegmentOpened:
        assert self._begun
        at_ms = self._date_of(part.start)
        opened = OpenSegment(part.segment, at_ms, self._init_number, self._discontinuity, self.person)
        self._open, self._discontinuity = opened, False
        self._try(lambda: self._folder.open_segment(opened))
        return SegmentOpened(at_ms, opened.init, opened.discontinuity)

    def _date_of(self, tick: int) -> float:
        """The wall clock at a tick; a frame is not newer than its arrival, so no date lies ahead of the clock."""
        assert self._begun
        return self._begun.at_ms + (tick - self._begun.at) / 90 - self._ahead_ms

    def _close_segment(self, opened: OpenSegment, part: Part) -> SegmentClosed:
        parts, self._parts = self._parts, []
        ticks, self._open_ticks = self._open_ticks, 0
        duration_s = ticks / VIDEO_TIMESCALE
        size = sum(map(len, parts))
        # The first segment is shown only when it is whole: by then more is known of the clock.
        at_ms = opened.at_ms if part.segment else self._date_of(part.end - ticks)
        stored = StoredSegment(
            n=part.segment,
            at_ms=at_ms,
            duration_s=duration_s,
            init=opened.init,
            discontinuity=opened.discontinuity,
            end=part.end,
            bytes=size,
            person=opened.person,
        )
        self._open = None
        if not self._try(lambda: self._write_whole(stored, parts)):
            stored = msgspec.structs.replace(stored, lost=True)
            self._unwritten.append(stored)
        return SegmentClosed(stored)

    def _keep_inits(self) -> None:
        for number, codecs in self._unkept_inits.items():
            self._folder.write_init(number, codecs)
        if self._unkept_inits:
            self._folder.save(self._programme)
            self._unkept_inits = {}

    def _write_whole(self, stored: StoredSegment, parts: list[bytes]) -> None:
        self._keep_inits()  # a segment without its init can be played by nobody
        # Lines of lost segments come first: numbers in the file have no holes.
        while self._unwritten:
            self._folder.append(self._unwritten[0])
            self._unwritten.pop(0)
        self._folder.close_segment(stored, parts)
        self.alarm = None

    def _try(self, write: Callable[[], object]) -> bool:
        try:
            write()
        except OSError as error:
            if self.alarm is None:
                log.error("broadcast %s cannot be kept: %s", self._programme.id, error.strerror)
            self.alarm = "disk_full"
            return False
        return True
