"""H.264 as far as a container needs it: NAL units, picture size, decoder configuration.

ITU-T H.264 §7.3 and Annex B; ISO/IEC 14496-15 §5.3.3 for the configuration record. The one reader of H.264 for
recordings, broadcasts and the packet loop. Written by hand: FFmpeg reads a parameter set only by opening a decoder
and giving it a picture, and then does not tell the fields that the configuration record repeats.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_LONGEST_SPS = 4096  # octets that are looked at: all a set can tell, with every list in it, is less
_START_CODE = re.compile(rb"\x00\x00\x01")
_EMULATION = re.compile(rb"\x00\x00\x03")

IDR, SPS, PPS, DELIMITER, FILLER = 5, 7, 8, 9, 12
_NOT_IN_SAMPLES = frozenset({SPS, PPS, DELIMITER, 10, 11, FILLER})  # 10, 11: end of sequence, end of stream

_CHROMA_PROFILES = (100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135)


class H264Error(ValueError):
    """The bytes are not what they were said to be."""


@dataclass(frozen=True, slots=True)
class ParameterSets:
    """The sets a decoder needs before the first picture."""

    sps: bytes
    pps: tuple[bytes, ...]

    @property
    def codec(self) -> str:
        """The RFC 6381 name, such as `avc1.42C01F`."""
        return "avc1." + self.sps[1:4].hex().upper()


@dataclass(frozen=True, slots=True)
class AccessUnit:
    """One frame as a sample of MP4: `data` holds length-prefixed NAL units without parameter sets."""

    data: bytes
    keyframe: bool
    parameters: ParameterSets | None


def nal_type(nal: bytes) -> int:
    """nal_unit_type (H.264 §7.3.1)."""
    return nal[0] & 0x1F


def split_nals(annex_b: bytes) -> list[bytes]:
    """The NAL units of an Annex B byte stream, without start codes."""
    starts = [match.end() for match in _START_CODE.finditer(annex_b)]
    ends = [start - 3 for start in starts[1:]] + [len(annex_b)]
    # A NAL unit never ends in a zero octet: those belong to the next start code, or are padding.
    nals = (annex_b[start:end].rstrip(b"\x00") for start, end in zip(starts, ends, strict=False))
    return [nal for nal in nals if nal]


def join_nals(nals: list[bytes]) -> bytes:
    """NAL units with four-octet lengths, as Matroska and MP4 keep them."""
    return b"".join(len(nal).to_bytes(4, "big") + nal for nal in nals)


def parameter_sets(nals: list[bytes]) -> ParameterSets | None:
    """The parameter sets among these NAL units; None unless both kinds are there."""
    sps = [nal for nal in nals if nal_type(nal) == SPS and len(nal) >= 4]
    pps = dict.fromkeys(nal for nal in nals if nal_type(nal) == PPS)  # a set sent twice is one
    return ParameterSets(sps[0], tuple(pps)) if sps and pps else None


def parse_access_unit(annex_b: bytes) -> AccessUnit:
    """One frame of Annex B: parameter sets stand beside the sample, delimiters and filler carry nothing."""
    nals = split_nals(annex_b)
    kept = [nal for nal in nals if nal_type(nal) not in _NOT_IN_SAMPLES]
    return AccessUnit(join_nals(kept), any(nal_type(nal) == IDR for nal in kept), parameter_sets(nals))


def decoder_configuration(sets: ParameterSets) -> bytes:
    """The AVCDecoderConfigurationRecord (avcC). Raises H264Error on sets it cannot hold."""
    longest = max(len(nal) for nal in (sets.sps, *sets.pps))
    if len(sets.sps) < 4 or longest > 0xFFFF or len(sets.pps) > 0xFF:
        raise H264Error("parameter sets of an impossible size")
    record = bytes([1]) + sets.sps[1:4] + bytes([0xFC | 3, 0xE0 | 1])
    record += len(sets.sps).to_bytes(2, "big") + sets.sps + bytes([len(sets.pps)])
    for pps in sets.pps:
        record += len(pps).to_bytes(2, "big") + pps
    if sets.sps[1] in _CHROMA_PROFILES:
        chroma, luma_depth, chroma_depth, _ = _read_sps_head(_bits_of(sets.sps))
        record += bytes([0xFC | chroma, 0xF8 | luma_depth, 0xF8 | chroma_depth, 0])
    return record


def picture_size(sps: bytes) -> tuple[int, int]:
    """Width and height after cropping. Raises H264Error when the set cannot be read."""
    bits = _bits_of(sps)
    chroma, _, _, separate = _read_sps_head(bits)
    bits.golomb()  # log2_max_frame_num
    order = bits.golomb()
    if order == 0:
        bits.golomb()
    elif order == 1:
        bits.read(1)
        bits.golomb(), bits.golomb()
        for _ in range(min(bits.golomb(), 255)):
            bits.golomb()
    bits.golomb()  # max_num_ref_frames
    bits.read(1)
    width = (bits.golomb() + 1) * 16
    map_units = bits.golomb() + 1
    frame_only = bits.read(1)
    fields = 1 if frame_only else 2
    height = map_units * 16 * fields
    if not frame_only:
        bits.read(1)
    bits.read(1)
    if bits.read(1):
        left, right, top, bottom = (bits.golomb() for _ in range(4))
        planes = 0 if separate else chroma
        width -= (left + right) * (2 if planes in (1, 2) else 1)
        height -= (top + bottom) * (2 if planes == 1 else 1) * fields
    if not (0 < width <= 16384 and 0 < height <= 16384):
        raise H264Error("the picture size is not one")
    return width, height


class _Bits:
    """A reader of bits and Exp-Golomb numbers (H.264 §9.1)."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = len(data) * 8

    def read(self, count: int) -> int:
        if count > self._left:
            raise H264Error("the parameter set is cut off")
        self._left -= count
        return self._value >> self._left & (1 << count) - 1

    def golomb(self) -> int:
        zeros = 0
        while not self.read(1):
            zeros += 1
            if zeros > 32:
                raise H264Error("no Exp-Golomb number")
        return (1 << zeros) - 1 + (self.read(zeros) if zeros else 0)


def _bits_of(sps: bytes) -> _Bits:
    return _Bits(_EMULATION.sub(b"\x00\x00", sps[1:_LONGEST_SPS]))


def _read_sps_head(bits: _Bits) -> tuple[int, int, int, int]:
    """Reads up to log2_max_frame_num: chroma format, luma and chroma depth − 8, separate planes."""
    profile = bits.read(8)
    bits.read(16)
    bits.golomb()  # seq_parameter_set_id
    if profile not in _CHROMA_PROFILES:
        return 1, 0, 0, 0
    chroma = bits.golomb()
    separate = bits.read(1) if chroma == 3 else 0
    luma_depth, chroma_depth = bits.golomb(), bits.golomb()
    if chroma > 3 or luma_depth > 6 or chroma_depth > 6:
        raise H264Error("a picture format that does not exist")
    bits.read(1)
    if bits.read(1):
        for index in range(8 if chroma != 3 else 12):
            if bits.read(1):
                _skip_scaling_list(bits, 16 if index < 6 else 64)
    return chroma, luma_depth, chroma_depth, separate


def _skip_scaling_list(bits: _Bits, length: int) -> None:
    last = following = 8
    for _ in range(length):
        if following:
            code = bits.golomb()
            delta = (code + 1) // 2 if code & 1 else -(code // 2)
            following = (last + delta) % 256
        last = following or last
