"""Init segment and fragments of one H.264 track and one AAC track in one file (ISO/IEC 14496-12, 23000-19).

Written here because a part must be ready the moment its last frame is: no muxer in between holds anything back.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

from recordings.h264 import ParameterSets, decoder_configuration, picture_size
from station.live.formats.boxes import UNITY_MATRIX, box, full_box, u16, u32, u64

VIDEO_TIMESCALE = 90_000
AUDIO_TIMESCALE = 48_000
AAC_FRAME = 1024
VIDEO_TRACK, AUDIO_TRACK = 1, 2
_SYNC, _NOT_SYNC = 0x02000000, 0x01010000  # sample_depends_on and sample_is_non_sync_sample (14496-12, 8.8.3.1)
_UNDETERMINED = 0x55C4  # language "und"


@dataclass(frozen=True, slots=True)
class Sample:
    """One frame in units of its track's timescale; decoding and presentation order are the same."""

    at: int
    duration: int
    keyframe: bool
    data: bytes


@dataclass(frozen=True, slots=True)
class Codecs:
    """What the init segment declares; a change means a new one. `video` is None for sound alone."""

    video: ParameterSets | None
    audio_config: bytes
    channels: int = 2

    @property
    def names(self) -> str:
        """The CODECS attribute (RFC 6381)."""
        audio = "mp4a.40.2"
        return f"{self.video.codec},{audio}" if self.video else audio

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height in pixels; None without video."""
        return picture_size(self.video.sps) if self.video else None


def init_segment(codecs: Codecs) -> bytes:
    """`ftyp` and `moov` without samples."""
    tracks = [_audio_track(codecs)]
    extends = [_track_extends(AUDIO_TRACK)]
    if codecs.video:
        tracks.insert(0, _video_track(codecs.video))
        extends.insert(0, _track_extends(VIDEO_TRACK))
    header = full_box(
        b"mvhd", 0, 0, u32(0, 0, 1000, 0), u32(0x10000), u16(0x0100, 0), u32(0, 0), UNITY_MATRIX, bytes(24), u32(3)
    )
    brands = box(b"ftyp", b"iso6", u32(0), b"iso6cmfcmp41")
    return brands + box(b"moov", header, *tracks, box(b"mvex", *extends))


def fragment(sequence: int, video: list[Sample], audio: list[Sample]) -> bytes:
    """`moof` and `mdat` of one part; either list may be empty, not both."""
    runs = [(VIDEO_TRACK, video)] if video else []
    runs += [(AUDIO_TRACK, audio)] if audio else []
    # The offsets into mdat depend on the size of moof, which does not depend on the offsets: write it twice.
    size = len(_movie_fragment(sequence, runs, [0] * len(runs)))
    offsets, at = [], size + 8
    for _, samples in runs:
        offsets.append(at)
        at += sum(len(sample.data) for sample in samples)
    payload = [sample.data for sample in chain(video, audio)]
    return _movie_fragment(sequence, runs, offsets) + box(b"mdat", *payload)


def _movie_fragment(sequence: int, runs: list[tuple[int, list[Sample]]], offsets: list[int]) -> bytes:
    tracks = [_track_fragment(*run, offset) for run, offset in zip(runs, offsets, strict=True)]
    return box(b"moof", full_box(b"mfhd", 0, 0, u32(sequence)), *tracks)


def _track_fragment(track: int, samples: list[Sample], offset: int) -> bytes:
    rows = b"".join(
        u32(sample.duration, len(sample.data), _SYNC if sample.keyframe else _NOT_SYNC) for sample in samples
    )
    header = full_box(b"tfhd", 0, 0x020000, u32(track))  # offsets count from this moof
    time = full_box(b"tfdt", 1, 0, u64(samples[0].at))
    run = full_box(b"trun", 0, 0x000701, u32(len(samples), offset), rows)  # offset, durations, sizes, flags
    return box(b"traf", header, time, run)


def _track_extends(track: int) -> bytes:
    return full_box(b"trex", 0, 0, u32(track, 1, 0, 0, 0))


def _video_track(parameters: ParameterSets) -> bytes:
    width, height = picture_size(parameters.sps)
    entry = box(
        b"avc1",
        bytes(6) + u16(1) + bytes(16) + u16(width, height) + u32(0x480000, 0x480000, 0) + u16(1) + bytes(32),
        u16(24, 0xFFFF),
        box(b"avcC", decoder_configuration(parameters)),
    )
    media = full_box(b"vmhd", 0, 1, bytes(8))
    return _track(VIDEO_TRACK, VIDEO_TIMESCALE, b"vide", media, entry, 0, (width, height))


def _audio_track(codecs: Codecs) -> bytes:
    entry = box(
        b"mp4a",
        bytes(6) + u16(1) + bytes(8) + u16(codecs.channels, 16, 0, 0) + u32(AUDIO_TIMESCALE << 16),
        _elementary_stream(codecs.audio_config),
    )
    media = full_box(b"smhd", 0, 0, bytes(4))
    return _track(AUDIO_TRACK, AUDIO_TIMESCALE, b"soun", media, entry, 0x0100, (0, 0))


def _elementary_stream(config: bytes) -> bytes:
    """`esds` (14496-14): ES descriptor, AAC decoder configuration, the config itself, sync layer for MP4."""

    def descriptor(tag: int, body: bytes) -> bytes:
        return bytes([tag, len(body)]) + body

    decoder = b"\x40\x15" + bytes(3) + u32(128_000, 128_000) + descriptor(0x05, config)
    stream = u16(AUDIO_TRACK) + b"\0" + descriptor(0x04, decoder) + descriptor(0x06, b"\x02")
    return full_box(b"esds", 0, 0, descriptor(0x03, stream))


def _track(
    number: int, timescale: int, handler: bytes, media: bytes, entry: bytes, volume: int, size: tuple[int, int]
) -> bytes:
    header = full_box(
        b"tkhd",
        0,
        3,  # enabled, in movie
        u32(0, 0, number, 0, 0),
        bytes(8) + u16(0, 0, volume, 0) + UNITY_MATRIX,
        u32(size[0] << 16, size[1] << 16),
    )
    tables = [full_box(kind, 0, 0, u32(0)) for kind in (b"stts", b"stsc", b"stco")]
    sizes = full_box(b"stsz", 0, 0, u32(0, 0))
    table = box(b"stbl", full_box(b"stsd", 0, 0, u32(1), entry), *tables, sizes)
    data = box(b"dinf", full_box(b"dref", 0, 0, u32(1), full_box(b"url ", 0, 1)))
    return box(
        b"trak",
        header,
        box(
            b"mdia",
            full_box(b"mdhd", 0, 0, u32(0, 0, timescale, 0), u16(_UNDETERMINED, 0)),
            full_box(b"hdlr", 0, 0, u32(0), handler, bytes(12), handler + b"\0"),
            box(b"minf", media, data, table),
        ),
    )
