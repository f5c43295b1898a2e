"""A loop whose clock jumps to its next timer when nothing else is to do: waiting takes no time on any machine.

Only for tests in which nothing outside of the loop (a thread, a process) is waited for.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest


class _SkippingSelector:
    """Asks for what is ready now; where nothing is, the time to the next timer counts as gone by."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.skipped_s = 0.0

    def select(self, timeout: float | None = None) -> Any:
        """Ready descriptors, without waiting unless no timer is set."""
        if timeout is None:
            return self._real.select(None)
        ready = self._real.select(0)
        if not ready and timeout > 0:
            self.skipped_s += timeout
        return ready

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def skip_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the running loop does not wait for its timers, but goes by them in their order."""
    loop: Any = asyncio.get_running_loop()
    selector, real_time = _SkippingSelector(loop._selector), loop.time
    monkeypatch.setattr(loop, "_selector", selector)
    monkeypatch.setattr(loop, "time", lambda: real_time() + selector.skipped_s)
