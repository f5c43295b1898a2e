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
GZIP = re.compile(rb"\naccept-encoding:[^\r\n]*gzip", re.IGNORECASE)
_AGENT = re.compile(rb"\nuser-agent:[ \t]*([^\r\n]*)", re.IGNORECASE)
_EDGE = re.compile(rb"\nstation-edge:[ \t]*([0-9a-f]{16})[ \t]+([0-9]{1,6})[ \t]*\r", re.IGNORECASE)
_FORWARDED = re.compile(rb"\nx-forwarded-for:[^\r\n]*?([^\r\n, \t]*)[ \t]*\r", re.IGNORECASE)


def count_viewers(viewers: ViewerCount, connection: FastPathConnection, head: bytes) -> None:
    """One more request for a playlist: a viewer's own, or one that an edge sends for many."""
    if (edge := _EDGE.search(head)) is not None:
        viewers.heard_of(edge[1], int(edge[2]))
        return
    agent, forwarded = _AGENT.search(head), _FORWARDED.search(head)
    address = forwarded[1].decode("latin-1") if forwarded else (connection.peername or ("",))[0]
    viewers.saw(address, agent[1].decode("latin-1") if agent else "")
