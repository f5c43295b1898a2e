"""RTP headers and RTCP, read and written."""

from __future__ import annotations

import contextlib

from aiortc.rtp import RtcpPacket, RtcpPsfbPacket, RtcpRrPacket, RtcpRtpfbPacket, RtcpSrPacket, unpack_remb_fci
from hypothesis import given
from hypothesis import strategies as st

from station.rtc.formats import rtcp
from station.rtc.formats.keyframes import starts_keyframe
from station.rtc.formats.rtp import BadPacket, payload_bounds, sequence_step
from tests.rtc.header_extensions import find_extension

U32 = st.integers(0, 2**32 - 1)
HEADER = bytes.fromhex("806000010000000200000003")


def test_the_payload_lies_behind_sources_and_extensions_and_before_padding() -> None:
    """A packet with a CSRC, an extension block and padding has exactly the payload between them."""
    packet = b"\xb1" + HEADER[1:] + b"CSRC" + b"\xbe\xde\0\1\x400\0\0" + b"payload" + b"\0\0\3"
    start, end = payload_bounds(packet, len(packet))
    assert packet[start:end] == b"payload"
    assert find_extension(packet, len(packet), 4) == b"0"
    assert find_extension(packet, len(packet), 5) is None


@given(st.binary(max_size=100), st.integers(0, 20))
def test_malformed_headers_raise_nothing_unexpected(data: bytes, wanted: int) -> None:
    """Whatever the bytes, header parsing raises BadPacket or answers within the packet."""
    for packet in (data, b"\xbf" + data, HEADER + data):
        with contextlib.suppress(BadPacket):
            start, end = payload_bounds(packet, len(packet))
            assert 12 <= start <= end <= len(packet)
        find_extension(packet, len(packet), wanted)
        starts_keyframe("h264", data)
        starts_keyframe("vp8", data)


@given(st.integers(0, 65535), st.integers(-32768, 32767))
def test_steps_go_round_the_circle(older: int, step: int) -> None:
    """The step between two sequence numbers is found across the wrap."""
    assert sequence_step((older + step) & 0xFFFF, older) == step


@given(st.binary(max_size=200))
def test_malformed_rtcp_is_left_out(data: bytes) -> None:
    """Whatever the bytes, parsing raises nothing."""
    for kind in (200, 201, 202, 203, 205, 206):
        rtcp.parse(bytes([0x81, kind, 0, len(data) // 4]) + data)
    rtcp.parse(data)


@given(st.sets(st.integers(0, 300), min_size=1, max_size=60), st.integers(0, 65535))
def test_a_nack_names_exactly_the_lost(lost: set[int], base: int) -> None:
    """aiortc reads from our NACK the very numbers we wrote, across the wrap."""
    numbers = [(base + offset) & 0xFFFF for offset in sorted(lost)]
    (packet,) = RtcpPacket.parse(rtcp.nack(1, 2, numbers))
    assert isinstance(packet, RtcpRtpfbPacket)
    assert [number & 0xFFFF for number in packet.lost] == numbers
    assert rtcp.parse(rtcp.nack(1, 2, numbers)) == [rtcp.Nack(2, tuple(numbers)[:256])]


@given(U32, st.floats(1e9, 2e9), U32)
def test_reports_are_read_by_another_implementation(ssrc: int, unix_s: float, stamp: int) -> None:
    """aiortc reads our sender report, and our own reading of it gives the time back."""
    data = rtcp.sender_report(ssrc, unix_s, stamp, 3, 4, "someone")
    assert isinstance(RtcpPacket.parse(data)[0], RtcpSrPacket)
    report = rtcp.parse(data)[0]
    assert isinstance(report, rtcp.SenderReport)
    assert (report.ssrc, report.rtp_timestamp) == (ssrc, stamp)
    assert abs(report.ntp_s - unix_s) < 1e-5


def test_what_the_publisher_is_told() -> None:
    """Receiver report, bitrate and picture loss are read by aiortc as meant."""
    block = rtcp.report_block(9, 25, -3, 70_000, 12, 5, 6)
    data = rtcp.receiver_report(1, [block]) + rtcp.max_bitrate(1, 2_564_000, [9, 10]) + rtcp.picture_loss(1, 9)
    report, remb, loss = RtcpPacket.parse(data)
    assert isinstance(report, RtcpRrPacket)
    assert isinstance(remb, RtcpPsfbPacket)
    assert isinstance(loss, RtcpPsfbPacket)
    first = report.reports[0]
    assert (first.ssrc, first.fraction_lost, first.packets_lost, first.highest_sequence) == (9, 25, -3, 70_000)
    bitrate, ssrcs = unpack_remb_fci(remb.fci)
    assert abs(bitrate - 2_564_000) < 16
    assert ssrcs == [9, 10]
    assert (loss.fmt, loss.media_ssrc) == (1, 9)
