"""A broadcast's segments as one MP4 file, copied without re-encoding; for the archive. Blocking: call it in a job."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO, cast

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream

from recordings.h264 import SPS, nal_type
from station.live.packaging.playlist import init_name, segment_name
from station.live.packaging.programme import ProgrammeFolder, StoredSegment


class NothingRecorded(Exception):
    """The broadcast has no segment that could be exported."""


class _Joined(io.RawIOBase):
    """Files one after the other; only one of them, a few seconds, is in memory."""

    def __init__(self, paths: list[Path]) -> None:
        self._paths = iter(paths)
        self._file = io.BytesIO()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes, from one file at a time; empty at the very end."""
        while not (data := self._file.read(size)):
            path = next(self._paths, None)
            if path is None:
                return b""
            self._file = io.BytesIO(path.read_bytes())
        return data


def to_mp4(folder: Path, out: Path) -> float:
    """Join init and segments into a playable file (index in front). Returns its duration in seconds.

    Raises NothingRecorded when there is no segment; OSError when the file cannot be written.
    """
    kept = [segment for segment in ProgrammeFolder(folder).segments() if _is_kept(folder, segment)]
    if not kept:
        raise NothingRecorded
    scratch = out.with_name(f".{out.name}")
    try:
        with av.open(str(scratch), "w", format="mp4", options={"movflags": "faststart"}) as output:
            _copy_all(folder, kept, output)
        scratch.replace(out)
    finally:
        scratch.unlink(missing_ok=True)
    return sum(segment.duration_s for segment in kept)


def _is_kept(folder: Path, segment: StoredSegment) -> bool:
    """Whether a segment can be played; a full disk may have cost an earlier release the init that it needs."""
    needed = folder / segment_name(segment.n), folder / init_name(segment.init)
    return not segment.lost and all(path.exists() for path in needed)


def _copy_all(folder: Path, segments: list[StoredSegment], output: OutputContainer) -> None:
    targets: dict[str, Stream] = {}
    last: dict[str, int] = {}
    runs = [(init, list(run)) for init, run in groupby(segments, key=lambda segment: segment.init)]
    # Tracks cannot be added once writing has begun: a run with a picture says best what there will be.
    for init, _ in sorted(runs, key=lambda run: _is_audio_only(folder, run[0])):
        with _open([folder / init_name(init), *_paths(folder, segments, init)]) as source:
            for stream in source.streams:
                if stream.type not in targets:
                    targets[stream.type] = output.add_stream_from_template(stream)
        if len(targets) == 2:
            break
    for number, (init, run) in enumerate(runs):
        paths = [folder / init_name(init), *(folder / segment_name(segment.n) for segment in run)]
        with _open(paths) as source:
            for packet in _packets(source, in_band=number > 0):
                target = targets[packet.stream.type]
                if packet.dts is None or packet.dts <= last.get(target.type, -1):
                    continue
                last[target.type] = packet.dts
                packet.stream = target
                output.mux(packet)


def _open(paths: list[Path]) -> InputContainer:
    return av.open(cast(BinaryIO, _Joined(paths)), "r", format="mp4")


def _paths(folder: Path, segments: list[StoredSegment], init: int) -> list[Path]:
    return [folder / segment_name(segment.n) for segment in segments if segment.init == init][:1]


def _is_audio_only(folder: Path, init: int) -> bool:
    return b"avcC" not in (folder / init_name(init)).read_bytes()


def _packets(source: InputContainer, in_band: bool) -> Iterator[Packet[Any]]:
    """Packets in order; with `in_band` keyframes carry their own parameter sets, since the file has one header.

    Those of today's broadcasts have them already, those of earlier ones do not.
    """
    sets = b""
    if in_band and source.streams.video:
        sets = _length_prefixed_sets(bytes(source.streams.video[0].codec_context.extradata or b""))
    for packet in source.demux():
        if packet.size == 0:
            continue
        if sets and packet.is_keyframe and packet.stream.type == "video" and not _begins_with_sets(bytes(packet)):
            yield _with_sets(packet, sets)
        else:
            yield packet


def _begins_with_sets(sample: bytes) -> bool:
    return len(sample) > 4 and nal_type(sample[4:]) == SPS


def _with_sets(packet: Packet[Any], sets: bytes) -> Packet[Any]:
    whole: Packet[Any] = Packet(sets + bytes(packet))
    whole.stream, whole.time_base = packet.stream, packet.time_base
    whole.pts, whole.dts, whole.duration = packet.pts, packet.dts, packet.duration
    whole.is_keyframe = True
    return whole


def _length_prefixed_sets(avcc: bytes) -> bytes:
    """The parameter sets of an `avcC` body as NAL units with 4-byte lengths."""
    sets, at = b"", 5
    for mask in (0x1F, 0xFF):
        count, at = avcc[at] & mask, at + 1
        for _ in range(count):
            (size,) = struct.unpack_from("!H", avcc, at)
            sets += struct.pack("!I", size) + avcc[at + 2 : at + 2 + size]
            at += 2 + size
    return sets
