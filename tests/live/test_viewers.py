from __future__ import annotations

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
