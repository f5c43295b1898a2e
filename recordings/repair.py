"""Finishes a track file that a crash or a full disk left without its end."""

from __future__ import annotations

import contextlib
import mmap
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from recordings import ebml
from recordings.matroska import (
    CLUSTER,
    CLUSTER_HEAD,
    CUE_EVERY_MS,
    CUES,
    DURATION,
    EBML_HEADER,
    INFO,
    SEGMENT,
    SIMPLE_BLOCK,
    TIMESTAMP,
    TRACKS,
    Layout,
    ending,
    fill_in,
)

_LEAST_BYTES = 4096  # a file this short without a block is a header only


class TrackFileError(ValueError):
    """The file is none of ours, or too short to hold one block."""


@dataclass(slots=True)
class Scan:
    """What of a file is whole."""

    layout: Layout
    end: int = 0  # where the last whole block ends
    last_ms: int = 0
    cues: list[tuple[int, int]] = field(default_factory=list)
    sizes: list[tuple[int, bytes]] = field(default_factory=list)
    finished: bool = False


def last_block_ms(path: Path) -> int | None:
    """The timestamp of the last whole block in a track file, in ms since the epoch; None without one."""
    try:
        return _scan_file(path).last_ms
    except (TrackFileError, OSError):
        return None


def repair(path: Path) -> bool:
    """Cuts off what is torn and fills in duration, cues and sizes; False when it was finished already.

    Raises TrackFileError when nothing in the file can be saved, OSError when it cannot be written.
    """
    scan = _scan_file(path)
    if scan.finished:
        return False
    with path.open("r+b", buffering=0) as file:
        file.truncate(scan.end)
        fill_in(file, scan.sizes + ending(scan.layout, scan.end, scan.cues, scan.last_ms + 20))
        os.fdatasync(file.fileno())
    return True


def finish_file(path: Path) -> None:
    """Repairs a track file as well as can be, and removes one that came to nothing. Raises nothing."""
    with contextlib.suppress(OSError):  # as it is, it still plays as far as it goes
        try:
            repair(path)
        except TrackFileError:
            if path.stat().st_size < _LEAST_BYTES:
                path.unlink()


def _scan_file(path: Path) -> Scan:
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size == 0:
            raise TrackFileError(path.name)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data, memoryview(data) as view:
            try:
                return _scan(view)
            except ebml.EbmlError as error:
                raise TrackFileError(path.name) from error


def _scan(data: memoryview) -> Scan:
    scan = Scan(_read_layout(data))
    at = scan.end = scan.layout.end
    last_cluster = 0
    while at < len(data):
        try:
            identifier, length, begin = ebml.read_header(data, at)
        except ebml.EbmlError:
            break
        if identifier != CLUSTER or length == 0:
            scan.finished = identifier == CUES and length is not None and begin + length == len(data)
            break
        whole = length is not None and at + CLUSTER_HEAD + length < len(data)
        following = _scan_cluster(data, at, length, scan, only_first=whole)
        if scan.end > at:  # it has a block
            last_cluster = at
        at = following
    if scan.end == scan.layout.end:
        raise ebml.EbmlError("no block")
    if last_cluster:
        _scan_cluster(data, last_cluster, scan.end - last_cluster - CLUSTER_HEAD, scan, only_first=False)
    return scan


def _scan_cluster(data: memoryview, start: int, length: int | None, scan: Scan, *, only_first: bool) -> int:
    """Takes the whole blocks of one cluster into `scan`; returns where the next element begins.

    `only_first` spares reading the rest of a cluster which has its size: hours of recording have many.
    """
    at = start + CLUSTER_HEAD
    limit = len(data) if length is None else min(len(data), at + length)
    cluster_ms, first = 0, True
    for identifier, begin, end in _children(data, at, limit):
        if identifier == TIMESTAMP:
            cluster_ms = int.from_bytes(data[begin:end], "big")
        elif identifier == SIMPLE_BLOCK and end - begin >= 4:
            scan.last_ms = cluster_ms + int.from_bytes(data[begin + 1 : begin + 3], "big", signed=True)
            keyframe = data[begin + 3] & 0x80
            if first and keyframe and (not scan.cues or cluster_ms - scan.cues[-1][0] >= CUE_EVERY_MS):
                scan.cues.append((cluster_ms, start))
            first = False
            scan.end = limit if only_first else end
        else:
            break
        at = end
        if only_first and not first:
            return limit
    if first:  # a cluster that has not a single block is cut off with what follows
        return len(data)
    if length is None or start + CLUSTER_HEAD + length != at:
        scan.sizes.append((start + 4, ebml.size8(at - start - CLUSTER_HEAD)))
    return at


def _children(data: memoryview, at: int, limit: int) -> Iterator[tuple[int, int, int]]:
    """ID, beginning and end of the data of each whole element from `at` to `limit`."""
    while at < limit:
        try:
            identifier, length, begin = ebml.read_header(data, at)
        except ebml.EbmlError:
            return
        if length is None or begin + length > limit:
            return
        yield identifier, begin, begin + length
        at = begin + length


def _read_layout(data: memoryview) -> Layout:
    identifier, length, begin = ebml.read_header(data, 0)
    if identifier != EBML_HEADER or length is None:
        raise ebml.EbmlError("no EBML header")
    segment, _, seek_head_at = ebml.read_header(data, begin + length)
    if segment != SEGMENT:
        raise ebml.EbmlError("no segment")
    places: dict[int, tuple[int, int, int]] = {}
    at = seek_head_at
    for identifier, begin, end in _children(data, at, len(data)):
        places[identifier] = (at, begin, end)
        at = end
        if identifier == TRACKS:
            break
    if INFO not in places or TRACKS not in places:
        raise ebml.EbmlError("no track")
    info_at, info_begin, info_end = places[INFO]
    return Layout(
        segment_size_at=seek_head_at - 8,
        seek_head_at=seek_head_at,
        info_at=info_at,
        duration_at=_duration_at(data, info_begin, info_end),
        tracks_at=places[TRACKS][0],
        end=places[TRACKS][2],
    )


def _duration_at(data: memoryview, begin: int, end: int) -> int:
    at = begin
    for identifier, _, child_end in _children(data, begin, end):
        if identifier in (DURATION, ebml.VOID) and child_end - at == len(ebml.float64(DURATION, 0.0)):
            return at
        at = child_end
    raise ebml.EbmlError("no room for a duration")
