"""What hostile bytes are thrown at: each parser of station/rtc, with what must hold whatever they are.

A target takes bytes and returns nothing; it fails by raising. `tests/fuzz/corpus/NAME/` has what each is begun with.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from station.base.errors import BadInput, TooLarge
from station.rtc.congestion.bandwidth import MAX_BPS, MIN_BPS, Estimator
from station.rtc.formats import rtcp
from station.rtc.formats.depacketize import depacketizer
from station.rtc.formats.framing import BadFraming, Deframer, frame
from station.rtc.formats.header_layout import read_header_layout
from station.rtc.formats.keyframes import starts_keyframe
from station.rtc.formats.rtp import (
    HEADER_BYTES,
    MAX_DATAGRAM,
    BadPacket,
    extensions,
    payload_bounds,
)
from station.rtc.formats.sdp import AnswerMedia, Transport, parse_offer, write_answer
from station.rtc.formats.stun import binding_error, parse_binding_request
from station.rtc.formats.twcc import parse_feedback
from station.rtc.formats.vp8 import PictureShift, read_descriptor, read_numbers
from station.rtc.rooms import messages
from station.rtc.rooms.reorder import ReorderBuffer
from station.rtc.transport.dtls_srtp import Certificate, DtlsPeer
from station.rtc.transport.ice import fault_of

CORPUS = Path(__file__).parent / "corpus"
Target = Callable[[bytes], None]


def rtp(data: bytes) -> None:
    """Bounds lie within the packet; an extension's value lies in it; the layout agrees."""
    with contextlib.suppress(BadPacket):
        start, end = payload_bounds(data, len(data))
        assert HEADER_BYTES <= start <= end <= len(data)
        layout, _ = read_header_layout(data, len(data))
        assert layout.octets == start and layout.fits(bytearray(data), len(data)) == (end == len(data))
        found = set(extensions(data, len(data)))
        assert all((number, *place) in found for number, place in layout.places.items())
    for _, start, end in extensions(data, len(data)):
        assert HEADER_BYTES < start <= end <= len(data)


def rtcp_compound(data: bytes) -> None:
    """A list comes out, and a bounded one."""
    assert len(rtcp.parse(data)) <= len(data)


def twcc(data: bytes) -> None:
    """What is read is consistent, and an estimator that has sent just that stays within its bounds."""
    feedback = parse_feedback(data)
    if feedback is None:
        return
    assert 0 <= feedback.lost <= feedback.packets == len(feedback.statuses())
    assert len(feedback.arrivals()) == feedback.packets - feedback.lost
    estimator = Estimator(0.0)
    for at in range(0, min(feedback.packets, 3000), 3):
        estimator.log.sent((feedback.first_sequence + at) & 0xFFFF, 3, 3000, at / 1000)
    estimator.on_feedback(feedback, 3.0)
    estimator.on_feedback(feedback, 3.1)
    assert MIN_BPS <= estimator.target_bps(3.1) <= MAX_BPS


def stun(data: bytes) -> None:
    """None or a request, which only its own password signs."""
    request = parse_binding_request(data)
    if request is not None:
        assert request.signed in data
        code = fault_of(request, "a password of twenty-two")
        assert code is not None
        binding_error(request, code, None)


def sdp(data: bytes) -> None:
    """Refused in words, or answered line by line, with nothing of the offer that could begin a line of its own."""
    try:
        offer = parse_offer(data.decode("utf-8", "replace"))
    except (BadInput, TooLarge):
        return
    transport = Transport("ours", "secret", "AA:BB", ())
    answers = [AnswerMedia(media, next(iter(media.codecs), None), rejected=not media.codecs) for media in offer.media]
    lines = write_answer(transport, answers, 1).split("\r\n")
    assert lines.pop() == ""
    assert sum(line.startswith("m=") for line in lines) == len(offer.media)
    for line in lines:
        assert line[1] == "=" and line[0] in "vostcam" and len(line.splitlines()) == 1, line


def _packets(data: bytes) -> Iterator[bytes]:
    """Cuts the bytes into packets in canonical form: two bytes of length each, the next as the end of a header."""
    with contextlib.suppress(BadFraming):
        for number, piece in enumerate(Deframer().feed(data)):
            marker = 0x80 if piece[0] & 1 else 0
            stamp = number if piece[0] & 2 else number // 3
            head = (
                bytes([0x80, marker | 96]) + (number * (1 + piece[0] % 3)).to_bytes(2, "big") + stamp.to_bytes(4, "big")
            )
            yield head + bytes(4) + piece[1:]


def _shift_numbers(payload: bytes) -> None:
    """Numbers shifted and shifted back are the same, and nothing else is touched."""
    before, buffer = read_numbers(payload), bytearray(payload)
    PictureShift(5, 250).apply(buffer, 0, len(buffer))
    after = read_numbers(buffer)
    assert (before is None) == (after is None)
    if before is not None and after is not None:
        assert (after.picture - before.picture - 5) & 0x7F == 0  # a short number has seven bits
    PictureShift(-5, -250).apply(buffer, 0, len(buffer))
    assert buffer == payload


def _video(codec: str) -> Target:
    def target(data: bytes) -> None:
        """Frames are not empty, and no longer than what came and the parameter sets put before it."""
        depacketize, order = depacketizer(codec), ReorderBuffer()
        kept = 0
        for packet in _packets(data):
            kept += len(packet)
            starts_keyframe(codec, packet[HEADER_BYTES:])
            assert all(at <= len(packet) for at in read_descriptor(packet, HEADER_BYTES, len(packet)) or ())
            _shift_numbers(packet[HEADER_BYTES:])
            for ordered, after_gap in order.push(packet, kept / 1e4):
                out = depacketize.push(ordered, after_gap)
                assert out is None or 0 < len(out.data) <= 4 * kept

    return target


def signalling(data: bytes) -> None:
    """A request or a ValueError; nothing else."""
    with contextlib.suppress(ValueError):
        assert messages.decode(data.decode("utf-8", "replace")).id is not None


def framing(data: bytes) -> None:
    """However the stream is cut, the same datagrams come out, or the stream is given up."""
    try:
        whole = Deframer().feed(data)
    except BadFraming:
        return
    pieces, deframer = [], Deframer()
    for at in range(0, len(data), 3):
        pieces += deframer.feed(data[at : at + 3])
    assert pieces == whole
    assert all(0 < len(datagram) <= MAX_DATAGRAM for datagram in whole)
    assert Deframer().feed(b"".join(frame(datagram) for datagram in whole)) == whole


@cache
def _certificate() -> Certificate:
    return Certificate()


def dtls(data: bytes) -> None:
    """A handshake with rubbish stays unconnected, and answers less than ten times what came."""
    peer = DtlsPeer(_certificate(), [("sha-256", "AA")])
    answer = peer.receive(data)
    assert peer.state != "connected"
    assert sum(map(len, answer)) <= 10 * len(data) + 3000


TARGETS: dict[str, Target] = {
    "rtp": rtp,
    "rtcp": rtcp_compound,
    "twcc": twcc,
    "stun": stun,
    "sdp": sdp,
    "h264": _video("h264"),
    "vp8": _video("vp8"),
    "opus": _video("opus"),
    "signalling": signalling,
    "framing": framing,
    "dtls": dtls,
}


def corpus(name: str) -> list[bytes]:
    """What a target is begun with: real input, and all that has ever broken it."""
    return [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]
