"""RTCP by hand, as each subscriber sends ten packets a second (RFC 3550 section 6, RFC 4585, RFC 5104)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

NTP_EPOCH_S = 2_208_988_800  # 1900 to 1970
_SRTCP_TRAILER = 20  # the longest: index and the tag of AES-GCM (RFC 7714 section 9)
_MAX_NACKED = 256
_MAX_FULL_REQUESTS = 16
_SR, _RR, _SDES, _BYE, _RTPFB, _PSFB = 200, 201, 202, 203, 205, 206
_NACK, _TRANSPORT = 1, 15
_PLI, _FIR, _APPLICATION = 1, 4, 15
_BLOCK = struct.Struct("!IIIIII")


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
    """Generic NACK (RFC 4585 §6.2.1): the sequence numbers that are missing."""

    ssrc: int
    lost: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class KeyframeWanted:
    """PLI or FIR (RFC 4585 §6.3.1, RFC 5104 §4.3.1)."""

    ssrc: int


@dataclass(frozen=True, slots=True)
class Bye:
    """BYE (RFC 3550 §6.6): these sources have ended."""

    ssrcs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class MaxBitrate:
    """REMB: what a receiver estimates its downlink to carry."""

    bits_per_s: int


@dataclass(frozen=True, slots=True)
class TransportFeedback:
    """What arrived when, by transport-wide number; the whole packet, to be read by `twcc`."""

    packet: bytes


Feedback = SenderReport | ReceiverBlock | Nack | KeyframeWanted | Bye | MaxBitrate | TransportFeedback


def is_transport_feedback_alone(buffer: bytearray, size: int) -> bool:
    """Whether an encrypted packet is transport-wide feedback and nothing else: SRTCP leaves its head legible."""
    if buffer[0] & 0x1F != _TRANSPORT or buffer[1] != _RTPFB:
        return False
    return size - 4 * ((buffer[2] << 8 | buffer[3]) + 1) <= _SRTCP_TRAILER


def parse(data: bytes) -> list[Feedback]:
    """What a compound packet says that we act on; what is malformed or of no use is left out."""
    found: list[Feedback] = []
    at = 0
    while at + 4 <= len(data):
        first, kind, words = struct.unpack_from("!BBH", data, at)
        end = at + 4 + 4 * words
        if first >> 6 != 2 or end > len(data):
            break
        if kind == _RTPFB and first & 0x1F == _TRANSPORT:
            found.append(TransportFeedback(data[at:end]))
        else:
            padding = data[end - 1] if first & 0x20 and words else 0
            found += _read(kind, first & 0x1F, data[at : max(at + 4, end - padding)])
        at = end
    return found


def _read(kind: int, count: int, packet: bytes) -> list[Feedback]:
    if kind == _RTPFB and count == _NACK and len(packet) >= 12:
        return [_nack(packet)]
    if kind == _PSFB and len(packet) >= 12:
        return _payload_feedback(count, packet)
    if kind == _RR:
        return _blocks(packet, 8, count)
    if kind == _SR and len(packet) >= 28:
        ssrc, ntp, rtp_timestamp = struct.unpack_from("!IQI", packet, 4)
        report = SenderReport(ssrc, ntp / 2**32 - NTP_EPOCH_S, (ntp >> 16) & 0xFFFFFFFF, rtp_timestamp)
        return [report, *_blocks(packet, 28, count)]
    if kind == _BYE and len(packet) >= 4 + 4 * count:
        return [Bye(struct.unpack_from(f"!{count}I", packet, 4))]
    return []


def _nack(packet: bytes) -> Nack:
    lost: list[int] = []
    for at in range(12, len(packet) - 3, 4):
        first, mask = struct.unpack_from("!HH", packet, at)
        lost.append(first)
        lost += [(first + bit + 1) & 0xFFFF for bit in range(16) if mask >> bit & 1]
        if len(lost) >= _MAX_NACKED:
            break
    return Nack(struct.unpack_from("!I", packet, 8)[0], tuple(lost[:_MAX_NACKED]))


def _payload_feedback(form: int, packet: bytes) -> list[Feedback]:
    if form == _PLI:
        return [KeyframeWanted(struct.unpack_from("!I", packet, 8)[0])]
    if form == _FIR:  # RFC 5104: the streams are named in the entries
        entries = range(12, min(len(packet), 12 + 8 * _MAX_FULL_REQUESTS) - 7, 8)
        return [KeyframeWanted(struct.unpack_from("!I", packet, at)[0]) for at in entries]
    if form == _APPLICATION and packet[12:16] == b"REMB" and len(packet) >= 20:
        exponent, mantissa = packet[17] >> 2, (packet[17] & 3) << 16 | packet[18] << 8 | packet[19]
        return [MaxBitrate(mantissa << exponent)]
    return []


def _blocks(packet: bytes, start: int, count: int) -> list[Feedback]:
    found: list[Feedback] = []
    for at in range(start, min(len(packet), start + 24 * count) - 23, 24):
        ssrc, head, _, _, lsr, dlsr = _BLOCK.unpack_from(packet, at)
        found.append(ReceiverBlock(ssrc, (head >> 24) / 256, lsr, dlsr))
    return found


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
    """PLI: the next frame must be a keyframe."""
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
