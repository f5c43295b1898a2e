"""Counting uses against a limit inside one process: a sliding window a key, with bounded memory."""

from __future__ import annotations

from collections import OrderedDict, deque

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
