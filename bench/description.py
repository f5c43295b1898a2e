"""Session descriptions of the benchmark's peers: an offer with all that Chromium offers for one layer, and answers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
OFFERED = {
    "video": {SEND_TIME: 2, TRANSPORT_CC: 3, MID: 4},
    "audio": {AUDIO_LEVEL: 1, SEND_TIME: 2, TRANSPORT_CC: 3, MID: 4},
}
VIDEO_TYPE, REPAIR_TYPE, AUDIO_TYPE = 102, 103, 111
_VIDEO = (
    "a=rtpmap:102 H264/90000",
    "a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
    "a=rtcp-fb:102 goog-remb",
    "a=rtcp-fb:102 transport-cc",
    "a=rtcp-fb:102 ccm fir",
    "a=rtcp-fb:102 nack",
    "a=rtcp-fb:102 nack pli",
    "a=rtpmap:103 rtx/90000",
    "a=fmtp:103 apt=102",
)
_AUDIO = (
    "a=rtpmap:111 opus/48000/2",
    "a=rtcp-fb:111 transport-cc",
    "a=fmtp:111 minptime=10;useinbandfec=1",
)
_KEPT = ("a=mid:", "a=rtpmap:", "a=fmtp:", "a=rtcp-fb:", "a=rtcp-mux", "a=rtcp-rsize")


@dataclass(frozen=True, slots=True)
class Local:
    """Our end of the transport."""

    ufrag: str
    password: str
    fingerprint: str
    address: tuple[str, int]


@dataclass(frozen=True, slots=True)
class Line:
    """One m-line that we offer. Sources are empty when we only watch; the second is the repair stream's."""

    kind: str
    mid: str
    ssrcs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """One m-line as the other end described it."""

    kind: str
    mid: str
    types: tuple[int, ...]
    extensions: dict[str, int]
    feedback: frozenset[str]


@dataclass(frozen=True, slots=True)
class Remote:
    """The other end."""

    ufrag: str
    password: str
    fingerprint: tuple[str, str]
    setup: str
    is_lite: bool
    address: tuple[str, int]
    sections: tuple[Section, ...] = field(default=())


def write_offer(local: Local, lines: list[Line]) -> str:
    """An offer to send what has sources and to receive the rest."""
    text = _head([line.mid for line in lines])
    for line in lines:
        types = f"{VIDEO_TYPE} {REPAIR_TYPE}" if line.kind == "video" else f"{AUDIO_TYPE}"
        text += [f"m={line.kind} 9 UDP/TLS/RTP/SAVPF {types}", "c=IN IP4 0.0.0.0", f"a=mid:{line.mid}"]
        text += ["a=sendonly" if line.ssrcs else "a=recvonly", "a=rtcp-mux", "a=rtcp-rsize"]
        text += _transport(local, "actpass")
        text += [f"a=extmap:{number} {uri}" for uri, number in OFFERED[line.kind].items()]
        text += _VIDEO if line.kind == "video" else _AUDIO
        text += _sources(line.ssrcs)
    return "\r\n".join(text) + "\r\n"


def write_answer(local: Local, offer: str) -> str:
    """Takes everything that the offer sends, with those header extensions that Chromium knows too.

    The other end begins DTLS when its ICE is done: ours would come too early for it, and once more a second later.
    """
    sections = _split(offer)
    text = _head([mid for section in sections if (mid := _find(section, r"a=mid:(\S+)"))])
    for section in sections:
        kind = section.split(" ", 1)[0][2:]
        lines = section.splitlines()
        text += [lines[0], "c=IN IP4 0.0.0.0", "a=recvonly", *_transport(local, "passive")]
        text += [line for line in lines if line.startswith(_KEPT)]
        found = re.findall(r"^a=extmap:(\d+)(?:/\w+)? (\S+)", section, re.MULTILINE)
        text += [f"a=extmap:{number} {uri}" for number, uri in found if uri in OFFERED.get(kind, {})]
    return "\r\n".join(text) + "\r\n"


def read(text: str) -> Remote:
    """What we need of an offer or answer. Raises ValueError when it lacks something."""
    fingerprint = _find(text, r"a=fingerprint:(\S+ \S+)").split()
    candidate = re.search(r"^a=candidate:\S+ 1 udp \d+ (\d+\.\d+\.\d+\.\d+) (\d+) typ host", text, re.M | re.I)
    if candidate is None or len(fingerprint) != 2:
        raise ValueError("a description without an IPv4 candidate or without a fingerprint")
    return Remote(
        ufrag=_find(text, r"a=ice-ufrag:(\S+)"),
        password=_find(text, r"a=ice-pwd:(\S+)"),
        fingerprint=(fingerprint[0].lower(), fingerprint[1]),
        setup=_find(text, r"a=setup:(\S+)"),
        is_lite="\na=ice-lite" in text,
        address=(candidate[1], int(candidate[2])),
        sections=tuple(_read_section(section) for section in _split(text)),
    )


def _read_section(section: str) -> Section:
    head = section.splitlines()[0].split()
    extensions = re.findall(r"^a=extmap:(\d+)(?:/\w+)? (\S+)", section, re.MULTILINE)
    return Section(
        kind=head[0][2:],
        mid=_find(section, r"a=mid:(\S+)"),
        types=tuple(int(number) for number in head[3:] if number.isdigit()),
        extensions={uri: int(number) for number, uri in extensions},
        feedback=frozenset(re.findall(r"^a=rtcp-fb:\S+ (.+?)\s*$", section, re.MULTILINE)),
    )


def _head(mids: list[str]) -> list[str]:
    return ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", f"a=group:BUNDLE {' '.join(mids)}"]


def _transport(local: Local, setup: str) -> list[str]:
    host, port = local.address
    return [
        f"a=ice-ufrag:{local.ufrag}",
        f"a=ice-pwd:{local.password}",
        f"a=fingerprint:sha-256 {local.fingerprint}",
        f"a=setup:{setup}",
        f"a=candidate:1 1 udp 2130706431 {host} {port} typ host",
        "a=end-of-candidates",
    ]


def _sources(ssrcs: tuple[int, ...]) -> list[str]:
    group = [f"a=ssrc-group:FID {ssrcs[0]} {ssrcs[1]}"] if len(ssrcs) == 2 else []
    return group + [f"a=ssrc:{ssrc} cname:bench" for ssrc in ssrcs]


def _split(text: str) -> list[str]:
    return re.split(r"^(?=m=)", text.replace("\r\n", "\n"), flags=re.MULTILINE)[1:]


def _find(text: str, pattern: str) -> str:
    found = re.search(f"^{pattern}", text, re.MULTILINE)
    return found[1] if found else ""
