from __future__ import annotations

import pytest

from station.live.viewing.requests import GZIP, takes_gzip
from station.live.viewing.viewers import RECENT_S, ViewerCount


def test_viewers_are_counted_once_and_forgotten_when_they_leave() -> None:
    """Two agents behind one address are two; who asks no more is gone after a while; no address is kept."""
    now = [0.0]
    viewers = ViewerCount(lambda: now[0])
    for _ in range(5):
        viewers.saw("203.0.113.7", "phone")
    viewers.saw("203.0.113.7", "desktop")
    assert viewers.now() == 2
    now[0] = RECENT_S - 1
    viewers.saw("203.0.113.7", "desktop")
    now[0] = RECENT_S + 1
    assert viewers.now() == 1
    assert viewers.peak == 2
    assert "203.0.113.7" not in repr(vars(viewers))


def test_edges_that_were_started_anew_leave_room() -> None:
    """However often an edge is started, with a new name each time, the one that runs is heard."""
    now = [0.0]
    viewers = ViewerCount(lambda: now[0])
    for number in range(200):
        viewers.heard_of(b"%016x" % number, 7)
        assert viewers.now() == 7
        now[0] += RECENT_S + 1


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("gzip, deflate, br", True),
        ("br;q=1.0, GZIP;q=0.8", True),
        ("deflate, gzip; q=0.001", True),
        ("gzip;q=0", False),
        ("br, gzip ; Q=0.000, *;q=0", False),
        ("identity", False),
        ("", False),
    ],
)
def test_gzip_is_sent_to_who_takes_it(header: str, expected: bool) -> None:
    """Both ways read the header alike; a weight of 0 refuses (RFC 9110 section 12.4.2)."""
    head = b"GET /live/b1/main.m3u8 HTTP/1.1\r\nHost: a\r\nAccept-Encoding: " + header.encode() + b"\r\n\r\n"
    assert takes_gzip(header) == expected == (GZIP.search(head) is not None)
