"""Where a picture begins that needs no other: told from the first bytes of an RTP payload (RFC 6184, RFC 7741)."""

from __future__ import annotations

from recordings.h264 import H264Error, picture_size
from station.rtc.formats.rtp import Buffer

H264_IDR, H264_SPS, H264_PPS, H264_STAP_A, H264_FU_A = 5, 7, 8, 24, 28


def starts_keyframe(codec: str, payload: Buffer) -> bool:
    """Whether this payload is the beginning of a keyframe; false for anything malformed."""
    if codec == "h264":
        return _h264_starts(payload)
    return codec == "vp8" and _vp8_starts(payload)


def _h264_starts(payload: Buffer) -> bool:
    if len(payload) < 2:
        return False
    kind = payload[0] & 0x1F
    if kind == H264_FU_A:
        return bool(payload[1] & 0x80) and payload[1] & 0x1F == H264_IDR
    if kind != H264_STAP_A:
        return kind in (H264_IDR, H264_SPS)
    at = 1
    while at + 2 < len(payload):
        if payload[at + 2] & 0x1F in (H264_IDR, H264_SPS):
            return True
        at += 2 + ((payload[at] << 8) | payload[at + 1])
    return False


def picture_height(codec: str, payload: bytes) -> int:
    """The height in the payload that begins a keyframe, in pixels; 0 when it does not tell."""
    if codec == "vp8":
        at = vp8_descriptor_bytes(payload)
        tag = payload[at + 3 : at + 10]  # RFC 6386 section 9.1: start code, width, height
        return int.from_bytes(tag[5:7], "little") & 0x3FFF if len(tag) == 7 else 0
    for unit in _units(payload):
        if unit and unit[0] & 0x1F == H264_SPS:
            try:
                return picture_size(unit)[1]
            except H264Error:
                return 0
    return 0


def _units(payload: bytes) -> list[bytes]:
    if not payload or payload[0] & 0x1F != H264_STAP_A:
        return [payload]
    units, at = [], 1
    while at + 2 < len(payload):
        length = payload[at] << 8 | payload[at + 1]
        units.append(payload[at + 2 : at + 2 + length])
        at += 2 + length
    return units


def _vp8_starts(payload: Buffer) -> bool:
    at = vp8_descriptor_bytes(payload)
    begins = bool(at) and payload[0] & 0x1F == 0x10  # start of partition 0
    return begins and at < len(payload) and not payload[at] & 1


def vp8_descriptor_bytes(payload: Buffer) -> int:
    """Length of the VP8 payload descriptor; 0 when it is cut off."""
    if not payload:
        return 0
    at = 1
    if payload[0] & 0x80:
        if len(payload) < 2:
            return 0
        flags = payload[1]
        at = 2
        if flags & 0x80:
            if len(payload) < 3:
                return 0
            at += 2 if payload[2] & 0x80 else 1
        at += bool(flags & 0x40)
        at += bool(flags & 0x30)
    return at if at <= len(payload) else 0
