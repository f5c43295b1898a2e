"""Packets sent once more to one viewer: those it missed, and those that only load its line to see what it carries."""

from __future__ import annotations

from station.rtc.adapter import Scratch, srtp_protect
from station.rtc.output import Output, Span
from station.rtc.rtp import HEADER, HEADER_BYTES, NUMBERED_HEADER, NUMBERED_HEADER_BYTES
from station.rtc.runs import Item

_PADDED = 0xA0
_PADDING = bytes(254) + b"\xff"  # the last octet counts them


def send_repeat(scratch: Scratch, output: Output, span: Span, item: Item, now_s: float) -> int:
    """Sends a packet again, as RTX where negotiated (RFC 4588), else the very same bytes. Returns octets; 0: failed.

    Never the same number with other bytes: AES-GCM must not see a nonce twice. That is why an output has the line's
    number in its headers only together with RTX.
    """
    repair, payload = output.repair, item.payload
    sequence = (item.sequence + span.sequence_offset) & 0xFFFF
    timestamp = (item.timestamp + span.timestamp_offset) & 0xFFFFFFFF
    if span.picture_shift is not None:
        shifted = bytearray(payload)
        span.picture_shift.apply(shifted, 0, len(shifted))
        payload = bytes(shifted)
    if repair is None:
        return _send(
            scratch,
            output,
            (item.marker | output.payload_type, sequence, timestamp, output.ssrc),
            payload,
            now_s,
            item.flags,
        )
    head = (item.marker | repair.payload_type, repair.sequence & 0xFFFF, timestamp, repair.ssrc)
    repair.sequence += 1
    return _send(scratch, output, head, sequence.to_bytes(2, "big") + payload, now_s, item.flags)


def send_padding(scratch: Scratch, output: Output, now_s: float) -> int:
    """Sends a packet of nothing but padding in the stream of repeats, whose numbers nobody awaits (RFC 3550 §5.1)."""
    repair, span = output.repair, output.span
    if repair is None or span is None or span.feed.newest is None:
        return 0
    timestamp = (span.feed.newest[1] + span.timestamp_offset) & 0xFFFFFFFF
    head = (repair.payload_type, repair.sequence & 0xFFFF, timestamp, repair.ssrc)
    repair.sequence += 1
    return _send(scratch, output, head, _PADDING, now_s, _PADDED)


def _send(
    scratch: Scratch, output: Output, head: tuple[int, int, int, int], body: bytes, now_s: float, flags: int
) -> int:
    line = output.line
    at = HEADER_BYTES
    if output.extension:
        at = NUMBERED_HEADER_BYTES
        NUMBERED_HEADER.pack_into(
            scratch.bytes_, 0, flags | 0x10, *head, 0xBEDE0001, output.extension, line.number & 0xFFFF
        )  # fmt: skip
    else:
        HEADER.pack_into(scratch.bytes_, 0, flags, *head)
    scratch.view[at : at + len(body)] = body
    scratch.size[0] = at + len(body)
    if srtp_protect(output.handle, scratch.pointer, scratch.size):
        return 0
    octets: int = scratch.size[0]
    try:
        output.send(scratch.view[:octets], output.address)
    except OSError:
        octets = 0
    if output.extension:
        line.sent(1, octets, now_s)
    return octets
