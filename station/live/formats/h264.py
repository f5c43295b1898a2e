"""H.264 as the packager needs it: Annex B in, length-prefixed units out, and what the parameter sets say.

Numbers in brackets are clauses of ITU-T H.264; `avcC` is ISO/IEC 14496-15, 5.3.3.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

_START_CODE = re.compile(rb"\x00\x00\x01")
_SPS, _PPS, _AUD, _IDR = 7, 8, 9, 5
_NOT_IN_SAMPLES = frozenset({_SPS, _PPS, _AUD, 10, 11, 12})  # sets go to avcC; delimiters and filler carry nothing
_HIGH_PROFILES = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})


@dataclass(frozen=True, slots=True)
class ParameterSets:
    """The sets of one keyframe; two that are equal need no new init segment."""

    sps: bytes
    pps: tuple[bytes, ...]

    @property
    def codec(self) -> str:
        """The RFC 6381 name, such as `avc1.42C01F`."""
        return "avc1." + self.sps[1:4].hex().upper()


@dataclass(frozen=True, slots=True)
class AccessUnit:
    """One frame: `data` as 4-byte-length-prefixed NAL units, without parameter sets."""

    data: bytes
    keyframe: bool
    parameters: ParameterSets | None


def split_nals(annexb: bytes) -> list[bytes]:
    """The NAL units between start codes (Annex B), trailing zero bytes removed."""
    marks = [match.start() for match in _START_CODE.finditer(annexb)]
    ends = [*marks, len(annexb)][1:]
    nals = (annexb[start + 3 : end].rstrip(b"\0") for start, end in zip(marks, ends, strict=True))
    return [nal for nal in nals if nal]


def parse_access_unit(annexb: bytes) -> AccessUnit:
    """One frame of Annex B as the sample of an MP4 track."""
    sps: bytes | None = None
    pps: list[bytes] = []
    kept: list[bytes] = []
    keyframe = False
    for nal in split_nals(annexb):
        kind = nal[0] & 0x1F
        if kind == _SPS and len(nal) >= 4:
            sps = nal
        elif kind == _PPS and nal not in pps:
            pps.append(nal)
        elif kind not in _NOT_IN_SAMPLES:
            keyframe = keyframe or kind == _IDR
            kept += (struct.pack("!I", len(nal)), nal)
    parameters = ParameterSets(sps, tuple(pps)) if sps and pps else None
    return AccessUnit(b"".join(kept), keyframe, parameters)


def avc_decoder_configuration(parameters: ParameterSets) -> bytes:
    """The body of `avcC` with 4-byte lengths."""
    sps, head = parameters.sps, parameters.sps[1:4]
    body = b"\x01" + head + b"\xff\xe1" + struct.pack("!H", len(sps)) + sps + bytes([len(parameters.pps)])
    for pps in parameters.pps:
        body += struct.pack("!H", len(pps)) + pps
    if sps[1] in (100, 110, 122, 144):
        chroma, luma_depth, chroma_depth = _read_sps(sps).formats
        body += bytes([0xFC | chroma, 0xF8 | luma_depth, 0xF8 | chroma_depth, 0])
    return body


def picture_size(sps: bytes) -> tuple[int, int]:
    """Width and height in pixels after cropping (7.4.2.1.1). Raises ValueError if the set is cut off."""
    fields = _read_sps(sps)
    return fields.width, fields.height


@dataclass(frozen=True, slots=True)
class _Sps:
    width: int
    height: int
    formats: tuple[int, int, int]


class _Bits:
    """Bits of an RBSP, emulation prevention removed (7.3.1)."""

    def __init__(self, nal: bytes) -> None:
        rbsp = nal.replace(b"\0\0\3", b"\0\0")
        self._bits = "".join(f"{byte:08b}" for byte in rbsp)
        self._at = 0

    def u(self, count: int) -> int:
        end = self._at + count
        if end > len(self._bits):
            raise ValueError("parameter set ends early")
        value = int(self._bits[self._at : end] or "0", 2)
        self._at = end
        return value

    def ue(self) -> int:
        """Exp-Golomb, unsigned (9.1)."""
        zeros = 0
        while self.u(1) == 0:
            zeros += 1
        return (1 << zeros) - 1 + self.u(zeros)

    def se(self) -> int:
        """Exp-Golomb, signed."""
        value = self.ue()
        return (value + 1) // 2 if value & 1 else -(value // 2)


def _skip_scaling_lists(bits: _Bits, count: int) -> None:
    for index in range(count):
        if not bits.u(1):
            continue
        last, following = 8, 8
        for _ in range(16 if index < 6 else 64):
            if following:
                following = (last + bits.se()) % 256
            last = following or last


def _read_chroma(bits: _Bits) -> tuple[int, bool, int, int]:
    chroma = bits.ue()
    separate = chroma == 3 and bool(bits.u(1))
    luma_depth, chroma_depth = bits.ue(), bits.ue()
    bits.u(1)
    if bits.u(1):
        _skip_scaling_lists(bits, 8 if chroma != 3 else 12)
    return chroma, separate, luma_depth, chroma_depth


def _skip_picture_order(bits: _Bits) -> None:
    kind = bits.ue()
    if kind == 0:
        bits.ue()
    elif kind == 1:
        bits.u(1)
        bits.se()
        bits.se()
        for _ in range(bits.ue()):
            bits.se()


def _read_sps(sps: bytes) -> _Sps:
    bits = _Bits(sps[1:])
    profile = bits.u(8)
    bits.u(16)
    bits.ue()
    chroma, separate, luma_depth, chroma_depth = 1, False, 0, 0
    if profile in _HIGH_PROFILES:
        chroma, separate, luma_depth, chroma_depth = _read_chroma(bits)
    bits.ue()
    _skip_picture_order(bits)
    bits.ue()
    bits.u(1)
    width, height_units = (bits.ue() + 1) * 16, (bits.ue() + 1) * 16
    frames_only = bits.u(1)
    if not frames_only:
        bits.u(1)
    bits.u(1)
    left = right = top = bottom = 0
    if bits.u(1):
        left, right, top, bottom = bits.ue(), bits.ue(), bits.ue(), bits.ue()
    step_x = 2 if chroma in (1, 2) and not separate else 1
    step_y = (2 if chroma == 1 and not separate else 1) * (2 - frames_only)
    height = height_units * (2 - frames_only) - (top + bottom) * step_y
    return _Sps(width - (left + right) * step_x, height, (chroma, luma_depth, chroma_depth))
