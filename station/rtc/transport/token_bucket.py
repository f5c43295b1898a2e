"""What somebody may cost us: so much a second, and so much at once."""

from __future__ import annotations


class TokenBucket:
    """A token bucket. `earn()` is called now and then, so that taking costs one subtraction."""

    __slots__ = ("_earned_s", "_most", "_per_s", "left")

    def __init__(self, per_s: float, most: float, now_s: float) -> None:
        self.left = most
        self._per_s = per_s
        self._most = most
        self._earned_s = now_s

    def earn(self, now_s: float) -> None:
        """Adds what has been earned since the last time."""
        self.left = min(self._most, self.left + (now_s - self._earned_s) * self._per_s)
        self._earned_s = now_s

    def take(self, cost: float = 1.0) -> bool:
        """Whether it may be; what may not be costs nothing more."""
        if self.left < cost:
            return False
        self.left -= cost
        return True
