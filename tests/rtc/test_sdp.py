"""Offers are read strictly, and answered so that a browser can use them."""

from __future__ import annotations

import pytest
from aiortc.sdp import SessionDescription
from hypothesis import given
from hypothesis import strategies as st

from station.base.errors import BadInput, TooLarge
from station.rtc.formats.candidates import write_candidates
from station.rtc.formats.sdp import (
    MID_URI,
    AnswerMedia,
    BadOffer,
    NotBundled,
    OfferTooLarge,
    Transport,
    parse_offer,
    write_answer,
)
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


ON_ANOTHERS_PORT = OFFER.replace("m=audio 9", "m=audio 0").replace("a=mid:1", "a=mid:1\r\na=bundle-only")


def test_a_line_that_lives_on_its_bundles_port_is_offered() -> None:
    """Port 0 with `bundle-only`, as Firefox and GStreamer write all but the first line, is no refusal."""
    assert [media.sends for media in parse_offer(ON_ANOTHERS_PORT).media] == [True, True]
    taken = parse_offer(ON_ANOTHERS_PORT.replace("sendonly", "recvonly")).media
    assert [media.receives for media in taken] == [True, True]
    answer = write_answer(TRANSPORT, [AnswerMedia(media, media.codecs[0]) for media in taken], 1)
    assert "m=audio 9 " in answer and "a=group:BUNDLE 0 1\r\n" in answer


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\r\na=bundle-only", ""),
        ("a=bundle-only", "a=bundle-only-not"),
        ("a=group:BUNDLE 0 1", "a=group:BUNDLE 0"),
        ("a=group:BUNDLE 0 1", "a=group:LS 0 1"),
    ],
)
def test_a_line_that_is_refused_is_not_offered(old: str, new: str) -> None:
    """Port 0 without `bundle-only`, or outside of the bundle, neither sends nor receives."""
    video, audio = parse_offer(ON_ANOTHERS_PORT.replace(old, new)).media
    assert (video.sends, audio.sends, audio.receives) == (True, False, False)


def test_the_transport_is_that_of_the_bundles_first_line() -> None:
    """Where the first line lives on another's port, the credentials of the line with the port count."""
    first, second = OFFER.split("m=audio")
    first = first.replace("m=video 9", "m=video 0").replace("a=mid:0", "a=mid:0\r\na=bundle-only")
    second = second.replace("a=ice-ufrag:abcd", "a=ice-ufrag:tagged")
    found = parse_offer(first.replace("BUNDLE 0 1", "BUNDLE 1 0") + "m=audio" + second)
    assert found.ufrag == "tagged"
    assert [media.sends for media in found.media] == [True, True]


@pytest.mark.parametrize(("group", "mid"), [("a=x", "0"), ("a=group:BUNDLE 0", "1"), ("a=group:BUNDLE 1", "0")])
def test_lines_with_transports_of_their_own_are_refused_by_name(group: str, mid: str) -> None:
    """We have one transport: who wants several is told which line stands apart, and gets nothing in part."""
    with pytest.raises(NotBundled, match=f"“{mid}”"):
        parse_offer(OFFER.replace("a=group:BUNDLE 0 1", group))


def test_a_single_line_needs_no_bundle() -> None:
    """One track alone is taken without a group, and answered without one."""
    (video,) = parse_offer(OFFER.split("m=audio")[0].replace("a=group:BUNDLE 0 1", "a=x")).media
    assert video.sends
    assert "BUNDLE" not in write_answer(TRANSPORT, [AnswerMedia(video, video.codecs[0])], 1)


@pytest.mark.parametrize(
    ("offered", "is_stereo"),
    [("", False), ("stereo=0", False), ("useinbandfec=1;stereo=1", True), ("sprop-stereo=1", True)],
)
def test_stereo_is_answered_where_it_is_offered(offered: str, is_stereo: bool) -> None:
    """Who sends or wants two sides of sound is not mixed down (RFC 7587)."""
    line = "a=rtpmap:111 opus/48000/2"
    text = OFFER.replace(line, f"{line}\r\na=fmtp:111 {offered}") if offered else OFFER
    (codec,) = parse_offer(text).media[1].codecs
    assert ("stereo=1" in codec.parameters) is is_stereo


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
    ice, dtls = read.media[0].ice, read.media[0].dtls
    assert ice is not None and ice.iceLite
    assert dtls is not None and dtls.role == "server"
    candidates = [(candidate.protocol, candidate.ip) for candidate in read.media[0].ice_candidates]
    assert candidates == [("udp", "192.0.2.1"), ("udp", "127.0.0.1"), ("tcp", "192.0.2.1")]
    assert [candidate.tcpType for candidate in read.media[0].ice_candidates] == [None, None, "passive"]
    assert (read.media[1].port, read.group[0].items) == (0, ["0"])
