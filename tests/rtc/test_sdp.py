"""Offers are read strictly, and answered so that a browser can use them."""

from __future__ import annotations

import pytest
from aiortc.sdp import SessionDescription
from hypothesis import given
from hypothesis import strategies as st

from station.base.errors import BadInput, TooLarge
from station.rtc.formats.candidates import write_candidates
from station.rtc.formats.sdp import MID_URI, AnswerMedia, BadOffer, OfferTooLarge, Transport, parse_offer, write_answer
from tests.rtc.offers import offer

OFFER = offer("sendonly", "abcd", (11, 12))
TRANSPORT = Transport("ours", "secret", "AA:BB", write_candidates(("192.0.2.1", "127.0.0.1"), 8189))


def test_an_offer_is_read_into_plain_data() -> None:
    """Codecs, sources, extension numbers and credentials are found."""
    found = parse_offer(OFFER)
    video, audio = found.media
    assert (found.ufrag, found.password) == ("abcd", "abcd" * 4)
    assert [codec.name for codec in video.codecs] == ["h264"]
    assert (video.codecs[0].payload_type, video.codecs[0].feedback) == (102, ("nack", "nack pli"))
    assert (video.ssrcs, audio.ssrcs, audio.extensions[MID_URI]) == ((11,), (12,), 4)
    assert (video.sends, video.receives) == (True, False)


def test_h264_of_packetization_mode_one_is_preferred_and_mode_zero_refused() -> None:
    """VP8 comes after H.264; an H.264 that cannot be fragmented is not ours."""
    mode_zero = OFFER.replace("packetization-mode=1", "packetization-mode=0")
    assert parse_offer(mode_zero).media[0].codecs == ()
    both = OFFER.replace("SAVPF 102\r\n", "SAVPF 96 102\r\n").replace("a=mid:0", "a=mid:0\r\na=rtpmap:96 VP8/90000")
    assert [codec.name for codec in parse_offer(both).media[0].codecs] == ["h264", "vp8"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("v=0", "v=1"),
        ("a=ice-ufrag:abcd", "a=x"),
        ("a=fingerprint:sha-256", "a=fingerprint:"),
        ("a=mid:1", "a=mid:0"),
        ("a=mid:1", "a=mid:1\u00a0x y"),
        ("m=audio 9", "m=audio x"),
        ("profile-level-id=42e01f", "profile-level-id=zzzzzz"),
        ("opus/48000/2", "opus/48000/two"),
    ],
)
def test_an_offer_we_cannot_meet_is_refused(old: str, new: str) -> None:
    """Malformed and impossible offers raise BadOffer and nothing else."""
    with pytest.raises(BadOffer):
        parse_offer(OFFER.replace(old, new))


def test_a_huge_offer_is_not_even_read() -> None:
    """Past 100 kB an offer is refused for its size."""
    with pytest.raises(OfferTooLarge):
        parse_offer(OFFER + "a=x\r\n" * 30_000)


@given(st.data())
def test_damaged_offers_raise_nothing_unexpected(data: st.DataObject) -> None:
    """Lines dropped, doubled or overwritten: an offer is read, or refused with a sentence."""
    lines = OFFER.split("\r\n")
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        lines[at] = data.draw(st.one_of(st.sampled_from(lines), st.text(max_size=30), st.just(lines[at][:-3])))
    try:
        parse_offer("\r\n".join(lines))
    except (BadInput, TooLarge) as error:
        assert str(error)


def test_an_answer_is_understood_by_another_implementation() -> None:
    """aiortc reads our answer: lite, passive, one codec an m-line, our source in what we send, all candidates."""
    video, audio = parse_offer(offer("recvonly", "abcd", (1, 2))).media
    media = [
        AnswerMedia(video, video.codecs[0], ssrc=77, cname="p", stream="s", track="t"),
        AnswerMedia(audio, rejected=True),
    ]
    text = write_answer(TRANSPORT, media, 1)
    read = SessionDescription.parse(text)
    assert read.media[0].direction == "sendonly"
    assert read.media[0].ssrc[0].ssrc == 77
    assert read.media[0].ice.iceLite
    assert read.media[0].dtls.role == "server"
    candidates = [(candidate.protocol, candidate.ip) for candidate in read.media[0].ice_candidates]
    assert candidates == [("udp", "192.0.2.1"), ("udp", "127.0.0.1"), ("tcp", "192.0.2.1")]
    assert [candidate.tcpType for candidate in read.media[0].ice_candidates] == [None, None, "passive"]
    assert (read.media[1].port, read.group[0].items) == (0, ["0"])
