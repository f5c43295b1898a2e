"""Where a keyframe begins: told from the first bytes of an RTP payload (RFC 6184, RFC 7741)."""

from __future__ import annotations

from recordings.h264 import H264Error, picture_size
from station.rtc.formats import h264, vp8
from station.rtc.formats.rtp import Buffer


def starts_keyframe(codec: str, payload: Buffer) -> bool:
    """Whether this payload is the beginning of a keyframe; false for anything malformed."""
    if codec == "h264":
        return _h264_starts(payload)
    return codec == "vp8" and _vp8_starts(payload)


def _h264_starts(payload: Buffer) -> bool:
    if len(payload) < 2:
        return False
    kind = payload[0] & 0x1F
    if kind == h264.FU_A:
        return payload[1] & 0x9F == 0x80 | h264.IDR  # the first fragment
    if kind != h264.STAP_A:
        return kind in (h264.IDR, h264.SPS)
    return any(unit[0] & 0x1F in (h264.IDR, h264.SPS) for unit in h264.aggregated_units(payload))


def _vp8_starts(payload: Buffer) -> bool:
    found = vp8.read_descriptor(payload, 0, len(payload))
    if found is None or payload[0] & 0x1F != 0x10:  # start of partition 0
        return False
    return found[0] < len(payload) and not payload[found[0]] & 1


def picture_height(codec: str, payload: bytes) -> int:
    """The height in the payload that begins a keyframe, in pixels; 0 when it does not tell."""
    return _vp8_height(payload) if codec == "vp8" else _h264_height(payload)


def _vp8_height(payload: bytes) -> int:
    found = vp8.read_descriptor(payload, 0, len(payload))
    at = found[0] if found is not None else len(payload)
    tag = payload[at + 3 : at + 10]  # RFC 6386 section 9.1: start code, width, height
    return int.from_bytes(tag[5:7], "little") & 0x3FFF if len(tag) == 7 else 0


def _h264_height(payload: bytes) -> int:
    is_aggregated = bool(payload) and payload[0] & 0x1F == h264.STAP_A
    for unit in h264.aggregated_units(payload) if is_aggregated else (payload,):
        if unit and unit[0] & 0x1F == h264.SPS:
            try:
                return picture_size(bytes(unit))[1]
            except H264Error:
                return 0
    return 0
