"""Frames out of RTP payloads: H.264 (RFC 6184), VP8 (RFC 7741), Opus (RFC 7587). Pure; malformed payloads are left out.

A frame that may lack a packet is dropped whole, and so is all that builds on it: after a loss the next frame is a
keyframe. A video that freezes for a moment is better evidence than one that smears.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from station.rtc.formats.h264 import FU_A, IDR, PPS, SPS, STAP_A, aggregated_units
from station.rtc.formats.keyframes import starts_keyframe
from station.rtc.formats.rtp import HEADER_BYTES
from station.rtc.formats.vp8 import read_descriptor

MAX_FRAME_BYTES = 4 * 2**20
_START_CODE = b"\0\0\0\1"


class Frame(NamedTuple):
    """One whole frame and its RTP timestamp."""

    timestamp: int
    keyframe: bool
    data: bytes


class OpusFrames:
    """Each packet is a frame."""

    wants_keyframe = False

    def push(self, packet: bytes, _after_gap: bool) -> Frame | None:
        """Takes the next packet in canonical form."""
        if len(packet) <= HEADER_BYTES:
            return None
        return Frame(int.from_bytes(packet[4:8], "big"), True, packet[HEADER_BYTES:])


class VideoFrames:
    """Collects payloads until the marker; what the codec makes of them is its `join`.

    `wants_keyframe` is true from a loss until a whole keyframe has come; nothing else comes out meanwhile.
    """

    def __init__(self, codec: H264Codec | Vp8Codec) -> None:
        self._codec = codec
        self._parts: list[bytes] = []
        self._size = 0
        self._timestamp = -1
        self._whole = False
        self._ended = True  # the last packet ended its frame
        self.wants_keyframe = True

    def push(self, packet: bytes, after_gap: bool) -> Frame | None:
        """Takes the next packet in canonical form; returns the frame that it ends, if that is whole."""
        timestamp = int.from_bytes(packet[4:8], "big")
        if after_gap or (timestamp != self._timestamp and not self._ended):
            self.wants_keyframe = True
        if len(packet) == HEADER_BYTES:  # only padding: it holds a place in the sequence
            self._whole = self._whole and not after_gap
            return None
        if timestamp != self._timestamp:
            self._begin(timestamp, whole=not after_gap or self._codec.begins_keyframe(packet[HEADER_BYTES:]))
        elif after_gap:
            self._whole = False
        self._size += len(packet)
        if self._size <= MAX_FRAME_BYTES:
            self._parts.append(packet[HEADER_BYTES:])
        self._ended = bool(packet[1] & 0x80)
        return self._finish() if self._ended else None

    def _begin(self, timestamp: int, whole: bool) -> None:
        self._parts, self._size = [], 0
        self._timestamp, self._whole = timestamp, whole

    def _finish(self) -> Frame | None:
        parts, self._parts = self._parts, []
        is_whole = self._whole and self._size <= MAX_FRAME_BYTES
        joined = self._codec.join(parts) if is_whole and parts else None
        if joined is None:
            self.wants_keyframe = True
            return None
        data, keyframe = joined
        self.wants_keyframe = self.wants_keyframe and not keyframe
        return None if self.wants_keyframe else Frame(self._timestamp, keyframe, data)


class H264Codec:
    """NAL units as Annex B; keyframes always carry the parameter sets in front."""

    def __init__(self) -> None:
        self._sps = b""
        self._pps = b""

    def begins_keyframe(self, payload: bytes) -> bool:
        """Whether nothing of a keyframe can lie before this payload."""
        kind = payload[0] & 0x1F
        at = {IDR: 1, FU_A: 2}.get(kind)
        if at is not None and not payload[at : at + 1] >= b"\x80":
            return False  # first_mb_in_slice is not 0 (H.264 section 7.3.3): another slice came before
        return starts_keyframe("h264", payload)

    def join(self, parts: list[bytes]) -> tuple[bytes, bool] | None:
        """The frame's bytes and whether it is a keyframe; None when a unit is incomplete."""
        units = _nal_units(parts)
        if not units:
            return None
        kinds = {unit[0] & 0x1F for unit in units}
        for unit in units:
            self._remember(unit)
        keyframe = IDR in kinds
        if keyframe and not (self._sps and self._pps):
            return None
        missing = [
            parameter for kind, parameter in ((SPS, self._sps), (PPS, self._pps)) if keyframe and kind not in kinds
        ]
        return b"".join(_START_CODE + unit for unit in missing + units), keyframe

    def _remember(self, unit: bytes) -> None:
        kind = unit[0] & 0x1F
        if kind == SPS:
            self._sps = unit
        elif kind == PPS:
            self._pps = unit


def _nal_units(parts: list[bytes]) -> list[bytes]:
    units: list[bytes] = []
    open_unit: list[bytes] | None = None
    for part in parts:
        kind = part[0] & 0x1F
        if kind == FU_A:
            if len(part) < 3 or (open_unit is None) != bool(part[1] & 0x80):
                return []
            if open_unit is None:
                open_unit = [bytes([part[0] & 0xE0 | part[1] & 0x1F])]
            open_unit.append(part[2:])
            if part[1] & 0x40:
                units.append(b"".join(open_unit))
                open_unit = None
        elif kind == STAP_A:
            units += map(bytes, aggregated_units(part))
        elif 1 <= kind <= 23:
            units.append(part)
    return [] if open_unit is not None else units


class Vp8Codec:
    """Partitions without their descriptors."""

    def begins_keyframe(self, payload: bytes) -> bool:
        """Whether nothing of a keyframe can lie before this payload."""
        return starts_keyframe("vp8", payload)

    def join(self, parts: list[bytes]) -> tuple[bytes, bool] | None:
        """The frame's bytes and whether it is a keyframe; None when its beginning is missing."""
        if parts[0][0] & 0x1F != 0x10:
            return None
        payloads = []
        for part in parts:
            found = read_descriptor(part, 0, len(part))
            if found is None:
                return None
            payloads.append(part[found[0] :])
        data = b"".join(payloads)
        return (data, not data[0] & 1) if data else None


_MAKERS: dict[str, Callable[[], OpusFrames | VideoFrames]] = {
    "opus": OpusFrames,
    "h264": lambda: VideoFrames(H264Codec()),
    "vp8": lambda: VideoFrames(Vp8Codec()),
}


def depacketizer(codec: str) -> OpusFrames | VideoFrames:
    """A fresh depacketiser for one track."""
    return _MAKERS[codec]()
