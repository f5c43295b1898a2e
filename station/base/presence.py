"""Which sessions sit in a room now: whoever listens there is not idle, though no page of theirs asks for anything.

Each web process has its own, renewed by whoever asks media who is inside; nothing durable stands here.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

PRESENT_S = 30.0  # longer than media may be away while it restarts, far shorter than any session


class Presence:
    """Sessions seen in rooms, each with when that was (monotonic seconds)."""

    def __init__(self) -> None:
        self._seen_s: dict[str, float] = {}

    def renew(self, sessions: Iterable[str]) -> None:
        """These are inside now."""
        now_s = time.monotonic()
        self._seen_s = {name: at_s for name, at_s in self._seen_s.items() if now_s - at_s < PRESENT_S}
        self._seen_s.update(dict.fromkeys(sessions, now_s))

    def forget(self, session: str) -> None:
        """The session has ended."""
        self._seen_s.pop(session, None)

    def __contains__(self, session: str) -> bool:
        at_s = self._seen_s.get(session)
        return at_s is not None and time.monotonic() - at_s < PRESENT_S
