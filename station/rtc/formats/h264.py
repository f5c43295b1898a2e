"""How NAL units lie in RTP payloads (RFC 6184): their kinds, and the units of an aggregation."""

from __future__ import annotations

from collections.abc import Iterator

from station.rtc.formats.rtp import Buffer

IDR, SPS, PPS, STAP_A, FU_A = 5, 7, 8, 24, 28  # the low five bits of a unit's and of a payload's first octet


def aggregated_units(payload: Buffer) -> Iterator[Buffer]:
    """The NAL units of a STAP-A payload (section 5.7.1), up to the first that is empty or cut off."""
    at = 1
    while at + 2 < len(payload):
        begin = at + 2
        at = begin + (payload[at] << 8 | payload[at + 1])
        if at == begin or at > len(payload):
            return
        yield payload[begin:at]
