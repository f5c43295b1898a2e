"""RTCP: what we send is written here; what arrives is parsed by aiortc (RFC 3550 section 6, RFC 4585)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from aiortc.rtp import (
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    RtcpByePacket,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSrPacket,
)

NTP_EPOCH_S = 2_208_988_800  # 1900 to 1970
_MAX_NACKED = 256
_SR, _RR, _SDES, _RTPFB, _PSFB = 200, 201, 202, 205, 206


@dataclass(frozen=True, slots=True)
class SenderReport:
    """The moment on the sender's clock (seconds since 1970) that an RTP timestamp stands for."""

    ssrc: int
    ntp_s: float
    ntp_middle: int
    rtp_timestamp: int


@dataclass(frozen=True, slots=True)
class ReceiverBlock:
    """What a receiver says of one stream. `lsr` and `dlsr` are the 16.16 fields of RFC 3550."""

    ssrc: int
    fraction_lost: float
    lsr: int
    dlsr: int


@dataclass(frozen=True, slots=True)
class Nack:
    ssrc: int
    lost: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class KeyframeWanted:
    ssrc: int


@dataclass(frozen=True, slots=True)
class Bye:
    ssrcs: tuple[int, ...]


Feedback = SenderReport | ReceiverBlock | Nack | KeyframeWanted | Bye


def parse(data: bytes) -> list[Feedback]:
    """What a compound packet says that we act on; what is malformed or of no use is left out."""
    try:
        packets = RtcpPacket.parse(data)
    except (ValueError, IndexError, struct.error):
        return []
    return [item for packet in packets for item in _feedback(packet)]


def _feedback(packet: Any) -> list[Feedback]:
    if isinstance(packet, RtcpSrPacket):
        info = packet.sender_info
        ntp_s = info.ntp_timestamp / 2**32 - NTP_EPOCH_S
        middle = (info.ntp_timestamp >> 16) & 0xFFFFFFFF
        return [SenderReport(packet.ssrc, ntp_s, middle, info.rtp_timestamp), *_blocks(packet.reports)]
    if isinstance(packet, RtcpRrPacket):
        return _blocks(packet.reports)
    if isinstance(packet, RtcpRtpfbPacket) and packet.fmt == RTCP_RTPFB_NACK:
        return [Nack(packet.media_ssrc, tuple(seq & 0xFFFF for seq in packet.lost[:_MAX_NACKED]))]
    if isinstance(packet, RtcpPsfbPacket):
        return _payload_feedback(packet)
    if isinstance(packet, RtcpByePacket):
        return [Bye(tuple(packet.sources))]
    return []


def _payload_feedback(packet: Any) -> list[Feedback]:
    if packet.fmt == RTCP_PSFB_PLI:
        return [KeyframeWanted(packet.media_ssrc)]
    if packet.fmt == RTCP_PSFB_FIR:  # RFC 5104: the streams are named in the entries
        entries = range(0, min(len(packet.fci), 8 * 16) - 7, 8)
        return [KeyframeWanted(struct.unpack_from("!I", packet.fci, at)[0]) for at in entries]
    return []


def _blocks(reports: list[Any]) -> list[Feedback]:
    return [ReceiverBlock(r.ssrc, r.fraction_lost / 256, r.lsr, r.dlsr) for r in reports]


def ntp_middle(unix_s: float) -> int:
    """The middle 32 bits of the NTP time: seconds and fraction in 16.16."""
    return int((unix_s + NTP_EPOCH_S) * 65536) & 0xFFFFFFFF


def round_trip_s(block: ReceiverBlock, unix_s: float) -> float | None:
    """Round trip from a receiver's echo of our last report (RFC 3550 section 6.4.1); None before there was one."""
    if not block.lsr:
        return None
    delay = (ntp_middle(unix_s) - block.lsr - block.dlsr) & 0xFFFFFFFF
    return delay / 65536 if delay < 60 * 65536 else None


def sender_report(ssrc: int, unix_s: float, rtp_timestamp: int, packets: int, octets: int, cname: str) -> bytes:
    """An SR with its SDES: what the receiver needs to show lips and voice together."""
    ntp = int((unix_s + NTP_EPOCH_S) * 2**32) & 0xFFFFFFFFFFFFFFFF
    body = struct.pack("!IQIII", ssrc, ntp, rtp_timestamp & 0xFFFFFFFF, packets & 0xFFFFFFFF, octets & 0xFFFFFFFF)
    return _packet(_SR, 0, body) + _sdes(ssrc, cname)


def receiver_report(sender: int, blocks: list[bytes]) -> bytes:
    """An RR of at most 31 blocks made by `report_block`."""
    blocks = blocks[:31]
    return _packet(_RR, len(blocks), struct.pack("!I", sender) + b"".join(blocks))


def report_block(ssrc: int, fraction: int, lost: int, highest: int, jitter: int, lsr: int, dlsr: int) -> bytes:
    """One stream in an RR: `fraction` in 1/256, `lost` clamped to 24 bits, `dlsr` in 1/65536 s."""
    lost = max(-(1 << 23), min(lost, (1 << 23) - 1)) & 0xFFFFFF
    head = (fraction & 0xFF) << 24 | lost
    return struct.pack("!IIIIII", ssrc, head, highest & 0xFFFFFFFF, jitter & 0xFFFFFFFF, lsr, dlsr & 0xFFFFFFFF)


def picture_loss(sender: int, ssrc: int) -> bytes:
    """PLI: the next picture must be a keyframe."""
    return _packet(_PSFB, 1, struct.pack("!II", sender, ssrc))


def nack(sender: int, ssrc: int, lost: list[int]) -> bytes:
    """A generic NACK for the given sequence numbers, in ascending order on the circle."""
    entries = b""
    at = 0
    while at < len(lost):
        first, mask = lost[at], 0
        at += 1
        while at < len(lost) and 1 <= (lost[at] - first) & 0xFFFF <= 16:
            mask |= 1 << (((lost[at] - first) & 0xFFFF) - 1)
            at += 1
        entries += struct.pack("!HH", first, mask)
    return _packet(_RTPFB, 1, struct.pack("!II", sender, ssrc) + entries)


def max_bitrate(sender: int, bits_per_s: int, ssrcs: list[int]) -> bytes:
    """REMB: how much the sender of these streams may send together (draft-alvestrand-rmcat-remb-03)."""
    exponent = max(0, bits_per_s.bit_length() - 18)
    mantissa = bits_per_s >> exponent
    body = struct.pack("!II4sBBH", sender, 0, b"REMB", len(ssrcs), exponent << 2 | mantissa >> 16, mantissa & 0xFFFF)
    return _packet(_PSFB, 15, body + b"".join(struct.pack("!I", ssrc) for ssrc in ssrcs))


def _sdes(ssrc: int, cname: str) -> bytes:
    text = cname.encode()[:255]
    chunk = struct.pack("!IBB", ssrc, 1, len(text)) + text + b"\0"
    return _packet(_SDES, 1, chunk + bytes(-len(chunk) % 4))


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return struct.pack("!BBH", 0x80 | count, kind, len(body) // 4) + body
