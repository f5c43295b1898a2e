"""SDP fragments of trickle ICE and ICE restarts over HTTP (RFC 8840 section 4.4, RFC 9725 section 4.3)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from station.base.errors import StationError

_LINE = re.compile(r"([a-z])=(.{0,4096})")
_UFRAG = re.compile(r"[A-Za-z0-9+/]{4,256}")
_PASSWORD = re.compile(r"[A-Za-z0-9+/]{22,256}")
_MEDIA = re.compile(r"(audio|video|application) \d{1,5} [A-Z/]{3,30}( [\w*-]{1,20}){1,64}")
_MID = re.compile(r"[\w-]{1,16}", re.ASCII)


class BadFragment(StationError):
    code = "bad-fragment"


@dataclass(frozen=True, slots=True)
class Fragment:
    """What counts of a fragment: the peer's credentials, and the m-line that they are told at."""

    ufrag: str
    media: str
    mid: str


def parse_fragment(text: str) -> Fragment:
    """Raises BadFragment when it is none, or has a ufrag or password that cannot be, or one without the other."""
    found: dict[str, str] = {}
    for line in filter(None, (line.rstrip("\r") for line in text.split("\n"))):
        match = _LINE.fullmatch(line)
        if match is None:
            raise BadFragment
        name, colon, value = match[2].partition(":")
        key = "m" if match[1] == "m" else name if match[1] == "a" else ""
        found.setdefault(key, match[2] if key == "m" or not colon else value)
    ufrag, password = found.get("ice-ufrag", ""), found.get("ice-pwd", "")
    if not _UFRAG.fullmatch(ufrag) or not _PASSWORD.fullmatch(password):
        raise BadFragment
    media, mid = found.get("m", ""), found.get("mid", "")
    is_known = _MEDIA.fullmatch(media) is not None and _MID.fullmatch(mid) is not None
    return Fragment(ufrag, media if is_known else "", mid if is_known else "")


def write_fragment(asked: Fragment, ufrag: str, password: str, candidates: Sequence[str]) -> str:
    """Our side of an ICE restart, at the m-line that the peer named."""
    lines = ["a=ice-lite"]
    if asked.media:
        lines += [f"a=group:BUNDLE {asked.mid}", f"m={asked.media}", f"a=mid:{asked.mid}"]
    lines += [f"a=ice-ufrag:{ufrag}", f"a=ice-pwd:{password}"]
    lines += [f"a=candidate:{candidate}" for candidate in candidates]
    return "\r\n".join([*lines, "a=end-of-candidates"]) + "\r\n"
