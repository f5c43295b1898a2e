"""Session descriptions: a browser's or encoder's offer read into plain data, our answer written (RFC 8829, RFC 8839).

Parsing is aiortc's; what we support of it is decided here.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiortc.sdp import SessionDescription

from station.base.errors import N_, BadInput, TooLarge

MAX_SDP_BYTES = 100_000
MAX_MEDIA = 128
MAX_RIDS = 3
MID_URI = "urn:ietf:params:rtp-hdrext:sdes:mid"
RID_URI = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_RID_URI = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
LEVEL_URI = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
TRANSPORT_URI = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
_UPWARD = (MID_URI, RID_URI, REPAIRED_RID_URI, LEVEL_URI, TRANSPORT_URI)
CLOCK_RATES = {"h264": 90_000, "vp8": 90_000, "opus": 48_000}
VIDEO_CODECS = ("h264", "vp8")
_PREFERENCE = (*VIDEO_CODECS, "opus")
_FEEDBACK = {
    "video": ("nack", "nack pli", "ccm fir", "goog-remb", "transport-cc"),
    "audio": ("transport-cc",),
}
_SIMULCAST = re.compile(r"^a=simulcast:\s*send\s+(\S+)\s*$", re.MULTILINE)  # RFC 8853
_BUNDLE_ONLY = re.compile(r"^a=bundle-only\s*$", re.MULTILINE)  # RFC 9143 section 6
_RID = re.compile(r"^a=rid:(\w{1,16}) send\b", re.MULTILINE | re.ASCII)  # RFC 8851


class BadOffer(BadInput):
    code = "bad-offer"
    message = N_("浏览器发来的媒体描述有误，请刷新页面再试")


class NoCodec(BadInput):
    code = "no-codec"
    message = N_("浏览器不支持 H.264、VP8 或 Opus，请换一个浏览器")


class NotBundled(BadOffer):
    code = "not-bundled"
    message = N_("媒体描述里的“%(mid)s”没有和别的放进同一个连接（BUNDLE），收不了")


class OfferTooLarge(TooLarge):
    code = "offer-too-large"


@dataclass(frozen=True, slots=True)
class Codec:
    """One codec we can forward, with the payload type and parameters as the offer has them."""

    name: str
    payload_type: int
    parameters: str
    feedback: tuple[str, ...]
    repair_type: int = 0  # payload type of its RTX; 0 if none is offered
    redundant_type: int = 0  # payload type of RED around it (RFC 2198); 0 if none is offered


@dataclass(frozen=True, slots=True)
class Media:
    """One m-line of an offer. `codecs` are ours only, best first; `ssrcs` has the primary stream first.

    A line with port 0 neither sends nor receives, unless it says `bundle-only`: then it lives on another line's port.

    `extensions` are header extension ids by URI, `rids` the encodings of a simulcast, `repairs` RTX SSRCs by primary.
    """

    mid: str
    kind: str
    protocol: str
    first_format: str
    sends: bool
    receives: bool
    codecs: tuple[Codec, ...]
    extensions: Mapping[str, int]
    ssrcs: tuple[int, ...]
    is_bundled: bool
    rids: tuple[str, ...] = ()
    repairs: Mapping[int, int] = field(default_factory=dict)

    @property
    def transport_extension(self) -> int:
        """The id of the transport-wide sequence number; 0 when it is not offered."""
        return self.extensions.get(TRANSPORT_URI, 0)

    @property
    def codec_names(self) -> tuple[str, ...]:
        """The codecs of `codecs`, each once, best first."""
        return tuple(dict.fromkeys(codec.name for codec in self.codecs))


@dataclass(frozen=True, slots=True)
class Offer:
    """What we need of an offer: one bundled transport and its m-lines in order."""

    ufrag: str
    password: str
    fingerprints: tuple[tuple[str, str], ...]
    media: tuple[Media, ...]
    waits: bool = False  # the peer wants to be the DTLS server (FFmpeg does): we begin the handshake


@dataclass(frozen=True, slots=True)
class Transport:
    """Our side of the transport, as it stands in every m-line of the answer."""

    ufrag: str
    password: str
    fingerprint: str
    candidates: tuple[str, ...]  # as `candidates.write_candidates` has them
    is_dtls_server: bool = True


@dataclass(frozen=True, slots=True)
class AnswerMedia:
    """Our answer to one m-line: nothing (`codec` is None), what we take, or what we send (`ssrc` is set).

    `alternatives` are what we may send later in its place, without another offer.
    """

    offered: Media
    codec: Codec | None = None
    ssrc: int = 0
    repair_ssrc: int = 0
    cname: str = ""
    stream: str = ""
    track: str = ""
    rejected: bool = False
    alternatives: tuple[Codec, ...] = ()


def parse_offer(text: str) -> Offer:
    """Raises OfferTooLarge past 100 kB, NotBundled when it wants several transports, BadOffer when it is malformed."""
    if len(text) > MAX_SDP_BYTES:
        raise OfferTooLarge
    if not text.startswith("v=0"):
        raise BadOffer
    try:
        description = SessionDescription.parse(text)
        return _read(description, re.split(r"^m=", text, flags=re.MULTILINE)[1:])
    except BadInput:
        raise
    except Exception as error:  # the parser answers rubbish with whatever it stumbled over
        raise BadOffer from error


def _read(description: Any, sections: list[str]) -> Offer:
    both = list(zip(description.media, sections, strict=True))
    bundle: list[str] = next((group.items for group in description.group if group.semantic == "BUNDLE"), [])
    live = [media for media, section in both if _is_live(media, section, bundle)]
    if not live or len(description.media) > MAX_MEDIA:
        raise BadOffer
    apart = [str(media.rtp.muxId) for media in live if media.rtp.muxId not in bundle]
    if apart and len(live) > 1:
        raise NotBundled(mid=apart[0])
    # The transport of the first one in the group is that of all (offerer-tagged, RFC 9143 section 7.1).
    first = min(live, key=lambda media: bundle.index(media.rtp.muxId) if media.rtp.muxId in bundle else 0)
    fingerprints = tuple((f.algorithm.lower(), f.value.upper()) for f in first.dtls.fingerprints)
    ice = first.ice
    if not fingerprints or not ice.usernameFragment or not ice.password:
        raise BadOffer
    media = tuple(_read_media(*each, bundle) for each in both)
    mids = [item.mid for item in media]
    if len(set(mids)) != len(mids) or any(not _is_token(mid) for mid in mids):
        raise BadOffer
    return Offer(ice.usernameFragment, ice.password, fingerprints[:8], media, first.dtls.role == "server")


def video_codecs(offer: Offer) -> frozenset[str]:
    """The codecs in which the peer takes video; empty when it takes none."""
    taken = (media for media in offer.media if media.receives and media.kind == "video")
    return frozenset(name for media in taken for name in media.codec_names)


def _is_live(media: Any, section: str, bundle: list[str]) -> bool:
    """Whether an m-line is offered: with a port of its own, or on that of its bundle (RFC 9143 section 6)."""
    return bool(media.port) or (media.rtp.muxId in bundle and _BUNDLE_ONLY.search(section) is not None)


def _read_media(media: Any, section: str, bundle: list[str]) -> Media:
    direction = (media.direction or "sendrecv") if _is_live(media, section, bundle) else "inactive"
    extensions = {extension.uri: extension.id for extension in media.rtp.headerExtensions}
    return Media(
        mid=str(media.rtp.muxId or ""),
        kind=media.kind,
        protocol=media.profile,
        first_format=str(media.fmt[0]),
        sends=direction in ("sendrecv", "sendonly"),
        receives=direction in ("sendrecv", "recvonly"),
        codecs=_codecs(media),
        extensions={uri: extensions[uri] for uri in _UPWARD if 1 <= extensions.get(uri, 0) <= 255},
        ssrcs=_primary_first(media),
        is_bundled=media.rtp.muxId in bundle,
        rids=_rids(section) if media.kind == "video" else (),
        repairs={group.items[0]: group.items[1] for group in _repair_groups(media)},
    )


def _rids(section: str) -> tuple[str, ...]:
    """The encodings that are sent at once, in the order of the offer; alternatives and paused ones count as well."""
    found = _SIMULCAST.search(section)
    known = set(_RID.findall(section))
    names = [part.split(",")[0].lstrip("~") for part in found[1].split(";")] if found else []
    return tuple(name for name in dict.fromkeys(names) if name in known)[:MAX_RIDS]


def _codecs(media: Any) -> tuple[Codec, ...]:
    found: list[Codec] = []
    repairs, redundancies = _repair_types(media), _redundant_types(media)
    for codec in media.rtp.codecs:
        name = codec.mimeType.split("/")[1].lower()
        if CLOCK_RATES.get(name) != codec.clockRate or (name == "opus") != (media.kind == "audio"):
            continue
        if not _is_dynamic(codec.payloadType):
            continue
        if name == "h264" and str(codec.parameters.get("packetization-mode", "0")) != "1":
            continue
        offered = {f"{f.type} {f.parameter}" if f.parameter else f.type for f in codec.rtcpFeedback}
        feedback = tuple(item for item in _FEEDBACK[media.kind] if item in offered)
        if "transport-cc" in feedback:  # the better of two ways to say the same
            feedback = tuple(item for item in feedback if item != "goog-remb")
        number, parameters = codec.payloadType, _parameters(name, codec.parameters)
        redundant = redundancies.get(number, 0) if name == "opus" else 0
        found.append(
            Codec(
                name=name,
                payload_type=number,
                parameters=parameters,
                feedback=feedback,
                repair_type=repairs.get(number, 0),
                redundant_type=redundant,
            )
        )
    return tuple(sorted(found, key=_rank))


def _is_dynamic(payload_type: int) -> bool:
    return 96 <= payload_type <= 127 or 35 <= payload_type <= 63


def _repair_types(media: Any) -> dict[int, int]:
    """RTX payload types by that of the codec they retransmit (RFC 4588 section 8.1)."""
    repairs = [codec for codec in media.rtp.codecs if codec.mimeType.lower() == "video/rtx"]
    pairs = [(codec.parameters.get("apt"), codec.payloadType) for codec in repairs]
    return {int(primary): repair for primary, repair in pairs if str(primary).isdigit() and _is_dynamic(repair)}


def _redundant_types(media: Any) -> dict[int, int]:
    """RED payload types by that of the audio they carry twice: `a=fmtp:63 111/111`."""
    found: dict[int, int] = {}
    for codec in media.rtp.codecs:
        carried = str(next(iter(codec.parameters), "")).split("/")
        is_sound = codec.mimeType.lower() == "audio/red" and codec.clockRate == CLOCK_RATES["opus"]
        if is_sound and carried[0].isdigit() and len(set(carried)) == 1 and _is_dynamic(codec.payloadType):
            found[int(carried[0])] = codec.payloadType
    return found


def _rank(codec: Codec) -> tuple[int, bool]:
    return _PREFERENCE.index(codec.name), "profile-level-id=42e0" not in codec.parameters


def _parameters(name: str, offered: dict[str, Any]) -> str:
    if name == "opus":
        sides = (str(offered.get(name, "0")) for name in ("stereo", "sprop-stereo"))  # RFC 7587 section 6.1
        return ("stereo=1;" if "1" in sides else "") + "minptime=10;useinbandfec=1"
    if name == "vp8":
        return ""
    profile = str(offered.get("profile-level-id", "42e01f")).lower()
    if len(profile) != 6 or any(c not in "0123456789abcdef" for c in profile):
        raise BadOffer
    return f"level-asymmetry-allowed=1;packetization-mode=1;profile-level-id={profile}"


def _repair_groups(media: Any) -> list[Any]:
    return [group for group in media.ssrc_group if group.semantic == "FID" and len(group.items) > 1]


def _primary_first(media: Any) -> tuple[int, ...]:
    repair = {group.items[1] for group in _repair_groups(media)}
    return tuple(item.ssrc for item in media.ssrc if item.ssrc not in repair)[:8]


def _is_token(mid: str) -> bool:
    return 0 < len(mid) <= 16 and mid.isascii() and mid.replace("-", "").replace("_", "").isalnum()


def write_answer(transport: Transport, media: list[AnswerMedia], version: int) -> str:
    """The answer: ICE-lite, DTLS passive, every m-line of the offer in its order."""
    bundled = [item.offered.mid for item in media if item.offered.is_bundled and not item.rejected]
    lines = ["v=0", f"o=- {secrets.randbits(62)} {version} IN IP4 127.0.0.1", "s=-", "t=0 0"]
    if bundled:
        lines.append(f"a=group:BUNDLE {' '.join(bundled)}")
    lines += ["a=ice-lite", "a=msid-semantic: WMS *"]
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
    codecs = (codec, *item.alternatives)
    # The first is what is sent: audio with redundancy where both can.
    formats = [number for each in codecs for number in _payload_types(each)]
    return [
        f"m={offered.kind} 9 {offered.protocol} {' '.join(map(str, formats))}",
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
        f"a=mid:{offered.mid}",
        f"a={direction}",
        "a=rtcp-mux",
        "a=rtcp-mux-only",
        "a=rtcp-rsize",
        *_transport_lines(transport),
        *(line for each in codecs for line in _codec_lines(each)),
        *(f"a=extmap:{number} {uri}" for uri, number in _extensions(item).items()),
        *(_source_lines(item) if item.ssrc else _simulcast_lines(item)),
    ]


def _payload_types(codec: Codec) -> list[int]:
    return [number for number in (codec.redundant_type, codec.payload_type, codec.repair_type) if number]


def _extensions(item: AnswerMedia) -> Mapping[str, int]:
    """Of what is offered: upward all, downward only the number by which subscribers tell what arrived."""
    offered = item.offered.extensions
    return offered if not item.ssrc else {uri: number for uri, number in offered.items() if uri == TRANSPORT_URI}


def _simulcast_lines(item: AnswerMedia) -> list[str]:
    rids = item.offered.rids
    if item.codec is None or not rids:
        return []
    return [*(f"a=rid:{rid} recv" for rid in rids), f"a=simulcast:recv {';'.join(rids)}"]


def _transport_lines(transport: Transport) -> list[str]:
    lines = [f"a=ice-ufrag:{transport.ufrag}", f"a=ice-pwd:{transport.password}"]
    setup = "passive" if transport.is_dtls_server else "active"
    lines += [f"a=fingerprint:sha-256 {transport.fingerprint}", f"a=setup:{setup}"]
    lines += [f"a=candidate:{candidate}" for candidate in transport.candidates]
    return [*lines, "a=end-of-candidates"]


def _codec_lines(codec: Codec) -> list[str]:
    clock = {"h264": "H264/90000", "vp8": "VP8/90000", "opus": "opus/48000/2"}[codec.name]
    lines = [f"a=rtpmap:{codec.payload_type} {clock}"]
    if codec.parameters:
        lines.append(f"a=fmtp:{codec.payload_type} {codec.parameters}")
    lines += [f"a=rtcp-fb:{codec.payload_type} {item}" for item in codec.feedback]
    if codec.redundant_type:
        carried = f"{codec.payload_type}/{codec.payload_type}"
        lines += [f"a=rtpmap:{codec.redundant_type} red/48000/2", f"a=fmtp:{codec.redundant_type} {carried}"]
    if codec.repair_type:
        lines += [f"a=rtpmap:{codec.repair_type} rtx/90000", f"a=fmtp:{codec.repair_type} apt={codec.payload_type}"]
    return lines


def _source_lines(item: AnswerMedia) -> list[str]:
    if not item.ssrc or item.codec is None:
        return []
    names = [f"cname:{item.cname}", f"msid:{item.stream} {item.track}"]
    ssrcs = [item.ssrc, item.repair_ssrc] if item.repair_ssrc else [item.ssrc]
    group = [f"a=ssrc-group:FID {item.ssrc} {item.repair_ssrc}"] if item.repair_ssrc else []
    lines = [f"a=ssrc:{ssrc} {name}" for ssrc in ssrcs for name in names]
    return [f"a=msid:{item.stream} {item.track}", *group, *lines]
