"""How many people watch: counted from playlist requests, without keeping who they are."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable

RECENT_S = 15.0
_MAX_REMEMBERED = 100_000
_MAX_EDGES = 64


class ViewerCount:
    """Distinct recent clients by a hash of address and user agent, salted anew at each start, in memory only."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._salt = secrets.token_bytes(16)
        self._seen: dict[bytes, float] = {}
        self._edges: dict[bytes, tuple[int, float]] = {}
        self.peak = 0

    def saw(self, address: str, agent: str) -> None:
        """Note one request for the media playlist."""
        if len(self._seen) < _MAX_REMEMBERED:
            text = f"{address}\n{agent}".encode(errors="replace")
            key = hashlib.blake2b(text, key=self._salt, digest_size=8).digest()
            # Newest last: dicts keep insertion order, so forgetting looks at the oldest only.
            self._seen.pop(key, None)
            self._seen[key] = self._monotonic()
        self.peak = max(self.peak, self.now())

    def heard_of(self, edge: bytes, count: int) -> None:
        """An edge, which asks once for many, says how many watch behind it."""
        if edge not in self._edges and len(self._edges) >= _MAX_EDGES:  # those that were started anew have other names
            oldest = self._monotonic() - RECENT_S
            self._edges = {one: found for one, found in self._edges.items() if found[1] >= oldest}
        if edge in self._edges or len(self._edges) < _MAX_EDGES:
            self._edges[edge] = count, self._monotonic()
        self.peak = max(self.peak, self.now())

    def now(self) -> int:
        """Viewers of the last seconds."""
        return self._own() + sum(count for count, at_s in self._edges.values() if at_s >= self._monotonic() - RECENT_S)

    def _own(self) -> int:
        oldest = self._monotonic() - RECENT_S
        while self._seen:
            key = next(iter(self._seen))
            if self._seen[key] >= oldest:
                break
            del self._seen[key]
        return len(self._seen)
