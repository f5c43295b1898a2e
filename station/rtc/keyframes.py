"""Where a picture begins that needs no other: told from the first bytes of an RTP payload (RFC 6184, RFC 7741)."""

from __future__ import annotations

from station.rtc.rtp import Buffer

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
