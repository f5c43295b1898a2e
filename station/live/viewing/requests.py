"""The two requests that each viewer sends three times a second, as they look on the wire; aiohttp reads all others."""

from __future__ import annotations

import re

from station.base.fast_path import FastPathConnection
from station.live.viewing.viewers import ViewerCount

NUMBER = rb"(0|[1-9][0-9]{0,7})"
REQUEST = re.compile(
    rb"GET /live/([A-Za-z0-9_-]{1,64})/(?:"
    rb"main\.m3u8\?_HLS_msn=" + NUMBER + rb"(?:&_HLS_part=" + NUMBER + rb")?(&_HLS_skip=(?:YES|v2))?"
    rb"|s" + NUMBER + rb"\.p" + NUMBER + rb"\.mp4"
    rb") HTTP/1\.1\r\n"
)
# Not with a weight of 0, which refuses it (RFC 9110 section 12.4.2).
_TAKES_GZIP = rb"gzip(?![ \t]*;[ \t]*q=0(?:\.0{0,3})?[ \t]*(?:[,\r\n]|$))"
GZIP = re.compile(rb"\naccept-encoding:[^\r\n]*" + _TAKES_GZIP, re.IGNORECASE)
_AGENT = re.compile(rb"\nuser-agent:[ \t]*([^\r\n]*)", re.IGNORECASE)
_EDGE = re.compile(rb"\nstation-edge:[ \t]*([0-9a-f]{16})[ \t]+([0-9]{1,6})[ \t]*\r", re.IGNORECASE)
# A stranger writes these lines: each expression reads one once, whatever stands in it.
_FORWARDED = re.compile(rb"\nx-forwarded-for:([^\r\n]*)", re.IGNORECASE)


def takes_gzip(accept_encoding: str) -> bool:
    """Whether who sent this header, or none (an empty text), wants to be answered in gzip."""
    return re.search(_TAKES_GZIP, accept_encoding.encode("latin-1", "replace"), re.IGNORECASE) is not None


def count_viewers(viewers: ViewerCount, connection: FastPathConnection, head: bytes) -> None:
    """One more request for a playlist that comes from this machine: a viewer's, or one that an edge sends for many."""
    if (edge := _EDGE.search(head)) is not None:
        viewers.heard_of(edge[1], int(edge[2]))
    else:
        count_viewer(viewers, connection, head, behind_proxy=True)


def count_viewer(viewers: ViewerCount, connection: FastPathConnection, head: bytes, *, behind_proxy: bool) -> None:
    """One more request of a viewer's own, whatever else it says; a proxy of ours tells whose."""
    agent, forwarded = _AGENT.search(head), _FORWARDED.search(head) if behind_proxy else None
    # The nearest proxy adds the client's address last.
    address = forwarded[1].rpartition(b",")[2].strip().decode("latin-1") if forwarded else ""
    viewers.saw(address or (connection.peername or ("",))[0], agent[1].decode("latin-1") if agent else "")
