"""Writes one track as one Matroska file (RFC 9559) that plays wherever it is cut off.

Segment and clusters begin with unknown sizes, which are filled in in place once they are known; every flush
ends on a whole block. Timestamps are milliseconds since the recording's epoch.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import Protocol

from recordings import ebml
from recordings.codecs import Description

CLUSTER, SIMPLE_BLOCK, TIMESTAMP, CUES = 0x1F43B675, 0xA3, 0xE7, 0x1C53BB6B
EBML_HEADER, SEGMENT, INFO, TRACKS, SEEK_HEAD = 0x1A45DFA3, 0x18538067, 0x1549A966, 0x1654AE6B, 0x114D9B74
DURATION = 0x4489

CLUSTER_MS = 1000
CUE_EVERY_MS = 1000
CLUSTER_HEAD = 12  # ID and size
SEEK_HEAD_ROOM = 100
_KEYFRAME_FLAG = 0x80
_UNIX_OF_MATROSKA_EPOCH_S = 978_307_200  # 2001-01-01, RFC 9559 §5.1.2.10
_BLOCK_HEAD = struct.Struct("!BhB")
_APP = "station recordings"


class RawFile(Protocol):
    """What a track is written to: an unbuffered binary file."""

    def write(self, data: bytes, /) -> int | None:
        """Write bytes; may write fewer."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Move to an offset."""

    def fileno(self) -> int:
        """The file descriptor."""

    def close(self) -> None:
        """Close the file."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where, in a finished header, the things stand that are filled in at the end."""

    segment_size_at: int
    seek_head_at: int
    info_at: int
    duration_at: int
    tracks_at: int
    end: int

    @property
    def segment_at(self) -> int:
        """Where the segment's data begins: positions in it count from here."""
        return self.segment_size_at + 8


def header(description: Description, name: str, uid: int, epoch_ms: float) -> tuple[bytes, Layout]:
    """Everything in front of the first cluster."""
    begin = ebml.element(
        EBML_HEADER,
        ebml.uint(0x4286, 1)
        + ebml.uint(0x42F7, 1)
        + ebml.uint(0x42F2, 4)
        + ebml.uint(0x42F3, 8)
        + ebml.text(0x4282, "matroska")
        + ebml.uint(0x4287, 4)
        + ebml.uint(0x4285, 2),
    ) + ebml.element_id(SEGMENT)
    seek_head_at = len(begin) + 8
    date_ns = round((epoch_ms / 1000 - _UNIX_OF_MATROSKA_EPOCH_S) * 1e9)
    info_fields = (
        ebml.uint(0x2AD7B1, 1_000_000)
        + ebml.element(0x4461, struct.pack("!q", date_ns))
        + ebml.text(0x4D80, _APP)
        + ebml.text(0x5741, _APP)
    )
    room_for_duration = ebml.void(len(ebml.float64(DURATION, 0.0)))
    info = ebml.element(INFO, info_fields + room_for_duration)
    info_at = seek_head_at + SEEK_HEAD_ROOM
    tracks_at = info_at + len(info)
    tracks = ebml.element(TRACKS, _track_entry(description, name, uid))
    layout = Layout(
        segment_size_at=len(begin),
        seek_head_at=seek_head_at,
        info_at=info_at,
        duration_at=tracks_at - len(room_for_duration),
        tracks_at=tracks_at,
        end=tracks_at + len(tracks),
    )
    return begin + ebml.UNKNOWN_SIZE + ebml.void(SEEK_HEAD_ROOM) + info + tracks, layout


def _track_entry(description: Description, name: str, uid: int) -> bytes:
    entry = (
        ebml.uint(0xD7, 1)
        + ebml.uint(0x73C5, uid)
        + ebml.uint(0x83, 1 if description.is_video else 2)
        + ebml.uint(0x9C, 0)
        + ebml.text(0x22B59C, "und")
        + ebml.text(0x536E, name)
        + ebml.text(0x86, description.codec_id)
    )
    if description.private:
        entry += ebml.element(0x63A2, description.private)
    if description.is_video:
        entry += ebml.element(0xE0, ebml.uint(0xB0, description.width) + ebml.uint(0xBA, description.height))
    else:
        audio = ebml.float64(0xB5, 48000.0) + ebml.uint(0x9F, description.channels)
        entry += ebml.uint(0x56BB, 80_000_000) + ebml.element(0xE1, audio)  # SeekPreRoll, as Opus asks
    return ebml.element(0xAE, entry)


def ending(layout: Layout, end: int, cues: list[tuple[int, int]], duration_ms: float) -> list[tuple[int, bytes]]:
    """What to write where (position, bytes) when the clusters end at `end`; the cues come last.

    `cues` are (timestamp in ms, position of its cluster in the file).
    """
    index = ebml.element(CUES, b"".join(_cue_point(at_ms, at - layout.segment_at) for at_ms, at in cues))
    seeks = b"".join(
        ebml.element(0x4DBB, ebml.element(0x53AB, ebml.element_id(what)) + ebml.uint(0x53AC, at))
        for what, at in (
            (INFO, layout.info_at - layout.segment_at),
            (TRACKS, layout.tracks_at - layout.segment_at),
            (CUES, end - layout.segment_at),
        )
    )
    seek_head = ebml.element(SEEK_HEAD, seeks)
    return [
        (end, index),
        (layout.seek_head_at, seek_head + ebml.void(SEEK_HEAD_ROOM - len(seek_head))),
        (layout.duration_at, ebml.float64(DURATION, duration_ms)),
        (layout.segment_size_at, ebml.size8(end + len(index) - layout.segment_at)),
    ]


def _cue_point(at_ms: int, position: int) -> bytes:
    where = ebml.element(0xB7, ebml.uint(0xF7, 1) + ebml.uint(0xF1, position))
    return ebml.element(0xBB, ebml.uint(0xB3, at_ms) + where)


class TrackWriter:
    """Writes the blocks of one track. Not for two threads at once.

    Raises OSError as the file does. What was flushed before is a playable file, which `repair` can finish.
    """

    def __init__(self, file: RawFile, description: Description, name: str, uid: int, epoch_ms: float) -> None:
        self._file = file
        self._is_video = description.is_video
        begin, self._layout = header(description, name, uid, epoch_ms)
        self._pending = bytearray(begin)
        self._flushed = 0  # the file's length
        self._cluster_at: int | None = None
        self._cluster_ms = 0
        self._last_ms = 0
        self._step_ms = 20
        self._cues: list[tuple[int, int]] = []
        self._sizes: list[tuple[int, bytes]] = []

    def write(self, at_ms: int, keyframe: bool, data: bytes) -> None:
        """Takes one frame; it is on its way to the disk after `flush`."""
        at_ms = max(at_ms, self._last_ms)  # a block must not stand before the one in front of it
        age_ms = at_ms - self._cluster_ms
        if self._cluster_at is None or age_ms >= CLUSTER_MS or (keyframe and self._is_video and age_ms > 0):
            self._begin_cluster(at_ms, keyframe)
        head = _BLOCK_HEAD.pack(0x81, at_ms - self._cluster_ms, _KEYFRAME_FLAG if keyframe else 0)
        self._pending += ebml.element_id(SIMPLE_BLOCK) + ebml.size(len(head) + len(data)) + head
        self._pending += data
        if 0 < at_ms - self._last_ms < 200:
            self._step_ms = at_ms - self._last_ms
        self._last_ms = at_ms

    def flush(self) -> None:
        """Hands what was taken to the operating system. After an OSError it may be tried again."""
        self._file.seek(self._flushed)
        while self._pending:  # an unbuffered file may take a part only, most of all when the disk is full
            written = self._file.write(bytes(self._pending)) or 0
            self._flushed += written
            del self._pending[:written]
        fill_in(self._file, self._sizes)
        self._sizes = []

    def finish(self) -> None:
        """Ends and closes the file: duration, cues and sizes are filled in."""
        self.flush()
        self._end_cluster()
        end_ms = self._last_ms + self._step_ms
        fill_in(self._file, self._sizes + ending(self._layout, self._flushed, self._cues, end_ms))
        os.fdatasync(self._file.fileno())
        self._file.close()

    def abandon(self) -> None:
        """Closes the file as it is; `repair` keeps the whole blocks of a write that failed."""
        self._file.close()

    @property
    def _position(self) -> int:
        return self._flushed + len(self._pending)

    def _begin_cluster(self, at_ms: int, keyframe: bool) -> None:
        self._end_cluster()
        self._cluster_at, self._cluster_ms = self._position, at_ms
        self._pending += ebml.element_id(CLUSTER) + ebml.UNKNOWN_SIZE + ebml.uint(TIMESTAMP, at_ms)
        if keyframe and (not self._cues or at_ms - self._cues[-1][0] >= CUE_EVERY_MS):
            self._cues.append((at_ms, self._cluster_at))

    def _end_cluster(self) -> None:
        if self._cluster_at is not None:
            length = self._position - self._cluster_at - CLUSTER_HEAD
            self._sizes.append((self._cluster_at + 4, ebml.size8(length)))


def fill_in(file: RawFile, patches: list[tuple[int, bytes]]) -> None:
    """Writes bytes at positions; leaves the file's own position where that may be."""
    for position, data in patches:
        file.seek(position)
        rest = data
        while rest:
            rest = rest[file.write(rest) or 0 :]
