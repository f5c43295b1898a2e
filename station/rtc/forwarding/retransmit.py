"""Retransmissions (RFC 4588) to one subscriber: of what it missed, and as padding that probes its downlink."""

from __future__ import annotations

from station.rtc.formats.rtp import HEADER, HEADER_BYTES, NUMBERED_HEADER, NUMBERED_HEADER_BYTES
from station.rtc.forwarding.down_track import DownTrack, Span
from station.rtc.forwarding.gso import Packet
from station.rtc.transport.dtls_srtp import Scratch, srtp_protect

_PADDED = 0xA0
_PADDING = bytes(254) + b"\xff"  # the last octet counts them


def send_retransmission(scratch: Scratch, down_track: DownTrack, span: Span, item: Packet, now_s: float) -> int:
    """Sends a packet again, as RTX where negotiated (RFC 4588), else the very same bytes. Returns octets; 0: failed.

    Never the same number with other bytes: AES-GCM must not see a nonce twice. That is why a down track has the
    downlink's number in its headers only together with RTX.
    """
    repair, payload = down_track.repair, item.payload
    sequence = (item.sequence + span.sequence_offset) & 0xFFFF
    timestamp = (item.timestamp + span.timestamp_offset) & 0xFFFFFFFF
    if span.picture_shift is not None:
        shifted = bytearray(payload)
        span.picture_shift.apply(shifted, 0, len(shifted))
        payload = bytes(shifted)
    if repair is None:
        return _send(
            scratch,
            down_track,
            (item.marker | down_track.payload_type, sequence, timestamp, down_track.ssrc),
            payload,
            now_s,
            item.flags,
        )
    head = (item.marker | repair.payload_type, repair.sequence & 0xFFFF, timestamp, repair.ssrc)
    repair.sequence += 1
    return _send(scratch, down_track, head, sequence.to_bytes(2, "big") + payload, now_s, item.flags)


def send_padding(scratch: Scratch, down_track: DownTrack, now_s: float) -> int:
    """Sends a packet of nothing but padding in the RTX stream, whose numbers nobody awaits (RFC 3550 §5.1)."""
    repair, span = down_track.repair, down_track.span
    if repair is None or span is None or span.forwarder.newest is None:
        return 0
    timestamp = (span.forwarder.newest[1] + span.timestamp_offset) & 0xFFFFFFFF
    head = (repair.payload_type, repair.sequence & 0xFFFF, timestamp, repair.ssrc)
    repair.sequence += 1
    return _send(scratch, down_track, head, _PADDING, now_s, _PADDED)


def _send(
    scratch: Scratch, down_track: DownTrack, head: tuple[int, int, int, int], body: bytes, now_s: float, flags: int
) -> int:
    downlink = down_track.downlink
    at = HEADER_BYTES
    if down_track.extension:
        at = NUMBERED_HEADER_BYTES
        NUMBERED_HEADER.pack_into(
            scratch.bytes_, 0, flags | 0x10, *head, 0xBEDE0001, down_track.extension, downlink.number & 0xFFFF
        )
    else:
        HEADER.pack_into(scratch.bytes_, 0, flags, *head)
    scratch.view[at : at + len(body)] = body
    scratch.size[0] = at + len(body)
    if srtp_protect(down_track.handle, scratch.pointer, scratch.size):
        return 0
    octets: int = scratch.size[0]
    try:
        down_track.send(scratch.view[:octets], down_track.address)
    except OSError:
        octets = 0
    if down_track.extension:
        downlink.sent(1, octets, now_s)
    return octets
