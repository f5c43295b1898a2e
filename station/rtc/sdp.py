"""Session descriptions: a browser's or encoder's offer read into plain data, our answer written (RFC 8829, RFC 8839).

Parsing is aiortc's; what we support of it is decided here.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from aiortc.sdp import SessionDescription

from station.base.errors import N_, BadInput, TooLarge

MAX_SDP_BYTES = 100_000
MAX_MEDIA = 128
MID_URI = "urn:ietf:params:rtp-hdrext:sdes:mid"
CLOCK_RATES = {"h264": 90_000, "vp8": 90_000, "opus": 48_000}
_PREFERENCE = ("h264", "vp8", "opus")
_FEEDBACK = ("nack", "nack pli", "ccm fir", "goog-remb")


class BadOffer(BadInput):
    code = "bad-offer"
    message = N_("浏览器发来的媒体描述有误，请刷新页面再试")


class NoCodec(BadInput):
    code = "no-codec"
    message = N_("浏览器不支持 H.264、VP8 或 Opus，请换一个浏览器")


class OfferTooLarge(TooLarge):
    code = "offer-too-large"


@dataclass(frozen=True, slots=True)
class Codec:
    """One codec we can forward, with the payload type and parameters as the offer has them."""

    name: str
    payload_type: int
    parameters: str
    feedback: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Media:
    """One m-line of an offer. `codecs` are ours only, best first; `ssrcs` has the primary stream first."""

    mid: str
    kind: str
    protocol: str
    first_format: str
    sends: bool
    receives: bool
    codecs: tuple[Codec, ...]
    mid_extension: int
    ssrcs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """What we need of an offer: one bundled transport and its m-lines in order."""

    ufrag: str
    password: str
    fingerprints: tuple[tuple[str, str], ...]
    media: tuple[Media, ...]


@dataclass(frozen=True, slots=True)
class Transport:
    """Our side of the transport, as it stands in every m-line of the answer."""

    ufrag: str
    password: str
    fingerprint: str
    candidates: tuple[str, ...]  # as `candidates.write_candidates` has them


@dataclass(frozen=True, slots=True)
class AnswerMedia:
    """Our answer to one m-line: nothing (`codec` is None), what we take, or what we send (`ssrc` is set)."""

    offered: Media
    codec: Codec | None = None
    ssrc: int = 0
    cname: str = ""
    stream: str = ""
    track: str = ""
    rejected: bool = False


def parse_offer(text: str) -> Offer:
    """Raises OfferTooLarge past 100 kB, BadOffer when it is malformed or cannot be bundled over one DTLS transport."""
    if len(text) > MAX_SDP_BYTES:
        raise OfferTooLarge
    if not text.startswith("v=0"):
        raise BadOffer
    try:
        description = SessionDescription.parse(text)
        return _read(description)
    except BadInput:
        raise
    except Exception as error:  # the parser answers rubbish with whatever it stumbled over
        raise BadOffer from error


def _read(description: Any) -> Offer:
    live = [media for media in description.media if media.port]
    if not live or len(description.media) > MAX_MEDIA:
        raise BadOffer
    first = live[0]
    fingerprints = tuple((f.algorithm.lower(), f.value.upper()) for f in first.dtls.fingerprints)
    ice = first.ice
    if not fingerprints or not ice.usernameFragment or not ice.password or first.dtls.role == "server":
        raise BadOffer  # we wait for the peer's DTLS: an offer that waits too cannot be met
    media = tuple(_read_media(media) for media in description.media)
    mids = [item.mid for item in media]
    if len(set(mids)) != len(mids) or any(not _is_token(mid) for mid in mids):
        raise BadOffer
    return Offer(ice.usernameFragment, ice.password, fingerprints[:8], media)


def _read_media(media: Any) -> Media:
    direction = (media.direction or "sendrecv") if media.port else "inactive"
    extensions = {extension.uri: extension.id for extension in media.rtp.headerExtensions}
    return Media(
        mid=str(media.rtp.muxId or ""),
        kind=media.kind,
        protocol=media.profile,
        first_format=str(media.fmt[0]),
        sends=direction in ("sendrecv", "sendonly"),
        receives=direction in ("sendrecv", "recvonly"),
        codecs=_codecs(media),
        mid_extension=extensions.get(MID_URI, 0),
        ssrcs=_primary_first(media),
    )


def _codecs(media: Any) -> tuple[Codec, ...]:
    found: list[Codec] = []
    for codec in media.rtp.codecs:
        name = codec.mimeType.split("/")[1].lower()
        if CLOCK_RATES.get(name) != codec.clockRate or (name == "opus") != (media.kind == "audio"):
            continue
        if not 96 <= codec.payloadType <= 127 and not 35 <= codec.payloadType <= 63:
            continue
        if name == "h264" and str(codec.parameters.get("packetization-mode", "0")) != "1":
            continue
        offered = {f"{f.type} {f.parameter}" if f.parameter else f.type for f in codec.rtcpFeedback}
        feedback = tuple(item for item in _FEEDBACK if item in offered and name != "opus")
        found.append(Codec(name, codec.payloadType, _parameters(name, codec.parameters), feedback))
    return tuple(sorted(found, key=_rank))


def _rank(codec: Codec) -> tuple[int, bool]:
    return _PREFERENCE.index(codec.name), "profile-level-id=42e0" not in codec.parameters


def _parameters(name: str, offered: dict[str, Any]) -> str:
    if name == "opus":
        return "minptime=10;useinbandfec=1"
    if name == "vp8":
        return ""
    profile = str(offered.get("profile-level-id", "42e01f")).lower()
    if len(profile) != 6 or any(c not in "0123456789abcdef" for c in profile):
        raise BadOffer
    return f"level-asymmetry-allowed=1;packetization-mode=1;profile-level-id={profile}"


def _primary_first(media: Any) -> tuple[int, ...]:
    repair = {group.items[1] for group in media.ssrc_group if group.semantic == "FID" and len(group.items) > 1}
    return tuple(item.ssrc for item in media.ssrc if item.ssrc not in repair)[:8]


def _is_token(mid: str) -> bool:
    return 0 < len(mid) <= 16 and mid.isascii() and mid.replace("-", "").replace("_", "").isalnum()


def write_answer(transport: Transport, media: list[AnswerMedia], version: int) -> str:
    """The answer: ICE-lite, DTLS passive, every m-line of the offer in its order."""
    bundled = [item.offered.mid for item in media if not item.rejected]
    lines = ["v=0", f"o=- {secrets.randbits(62)} {version} IN IP4 127.0.0.1", "s=-", "t=0 0"]
    lines += [f"a=group:BUNDLE {' '.join(bundled)}", "a=ice-lite", "a=msid-semantic: WMS *"]
    for item in media:
        lines += _media_lines(transport, item)
    return "\r\n".join(lines) + "\r\n"


def _media_lines(transport: Transport, item: AnswerMedia) -> list[str]:
    offered = item.offered
    if item.rejected:
        head = f"m={offered.kind} 0 {offered.protocol} {offered.first_format}"
        return [head, "c=IN IP4 0.0.0.0", f"a=mid:{offered.mid}", "a=inactive"]
    codec = item.codec or offered.codecs[0]
    direction = "inactive" if item.codec is None else "sendonly" if item.ssrc else "recvonly"
    return [
        f"m={offered.kind} 9 {offered.protocol} {codec.payload_type}",
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
        f"a=mid:{offered.mid}",
        f"a={direction}",
        "a=rtcp-mux",
        "a=rtcp-rsize",
        *_transport_lines(transport),
        *_codec_lines(codec),
        *([f"a=extmap:{offered.mid_extension} {MID_URI}"] if offered.mid_extension else []),
        *_source_lines(item),
    ]


def _transport_lines(transport: Transport) -> list[str]:
    lines = [f"a=ice-ufrag:{transport.ufrag}", f"a=ice-pwd:{transport.password}"]
    lines += [f"a=fingerprint:sha-256 {transport.fingerprint}", "a=setup:passive"]
    lines += [f"a=candidate:{candidate}" for candidate in transport.candidates]
    return [*lines, "a=end-of-candidates"]


def _codec_lines(codec: Codec) -> list[str]:
    clock = {"h264": "H264/90000", "vp8": "VP8/90000", "opus": "opus/48000/2"}[codec.name]
    lines = [f"a=rtpmap:{codec.payload_type} {clock}"]
    if codec.parameters:
        lines.append(f"a=fmtp:{codec.payload_type} {codec.parameters}")
    return lines + [f"a=rtcp-fb:{codec.payload_type} {item}" for item in codec.feedback]


def _source_lines(item: AnswerMedia) -> list[str]:
    if not item.ssrc or item.codec is None:
        return []
    return [
        f"a=msid:{item.stream} {item.track}",
        f"a=ssrc:{item.ssrc} cname:{item.cname}",
        f"a=ssrc:{item.ssrc} msid:{item.stream} {item.track}",
    ]
