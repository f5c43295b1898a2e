"""Counting uses against a limit inside one process: in a sliding window, with bounded memory, or at once."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager

from station.base.errors import TooManyRequests

MAX_KEYS = 50_000


class LocalLimits:
    """Uses of each key, newest last. Past `max_keys` the key that was used longest ago is forgotten, never all."""

    def __init__(self, max_keys: int = MAX_KEYS) -> None:
        self._max_keys = max_keys
        self._uses: OrderedDict[str, deque[float]] = OrderedDict()

    def count(self, key: str, times: int, per_s: int, now_s: float) -> None:
        """Count one use of `key` at `now_s`. Raises TooManyRequests past `times` in `per_s` seconds."""
        uses = self._uses.setdefault(key, deque())
        self._uses.move_to_end(key)  # refused uses too: who keeps trying is not forgotten for it
        while len(self._uses) > self._max_keys:
            self._uses.popitem(last=False)
        while uses and uses[0] <= now_s - per_s:
            uses.popleft()
        if len(uses) >= times:
            raise TooManyRequests(max(1, int(uses[0] + per_s - now_s) + 1))
        uses.append(now_s)

    def __len__(self) -> int:
        return len(self._uses)


class ConcurrencyLimit:
    """How much of something each owner (an address, a session) has under way at once, in this process."""

    def __init__(self, most: int, retry_after_s: int) -> None:
        self._most, self._retry_after_s = most, retry_after_s
        self._held: Counter[str] = Counter()

    @contextmanager
    def count(self, owner: str) -> Iterator[None]:
        """Counts one for as long as it lasts. Raises TooManyRequests."""
        if self._held[owner] >= self._most:
            raise TooManyRequests(self._retry_after_s)
        self._held[owner] += 1
        try:
            yield
        finally:
            self._held[owner] -= 1
            if not self._held[owner]:
                del self._held[owner]
