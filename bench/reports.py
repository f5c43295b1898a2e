"""What a receiver reports, besides the transport-wide feedback of `station.rtc.formats.twcc`."""

from __future__ import annotations

from station.rtc.formats import rtcp

OUR_SSRC = 1


def write_report(streams: dict[int, int], remb_bits_per_s: int) -> bytes:
    """A receiver report without losses on streams (SSRC → highest sequence number), and REMB if there is a rate."""
    blocks = [rtcp.report_block(ssrc, 0, 0, highest, 20, 0, 0) for ssrc, highest in streams.items()]
    report = rtcp.receiver_report(OUR_SSRC, blocks)
    return report + rtcp.max_bitrate(OUR_SSRC, remb_bits_per_s, list(streams)) if remb_bits_per_s else report
