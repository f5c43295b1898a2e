"""How long the event loop is kept from everybody else: the CPU time of its longest turn."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from typing import Any

LONGEST_TURN_S = 0.05  # what a page or a chore may take of the loop before others have a turn


class LoopWatch:
    """Watches every callback of asyncio's loop while it is entered.

    CPU time of the loop's own thread, as a busy machine makes a turn longer by the clock, but not by that.
    """

    def __init__(self) -> None:
        self.longest_s = 0.0
        self.longest = ""

    def __enter__(self) -> LoopWatch:
        self._run = asyncio.Handle._run
        watch = self

        def run(handle: asyncio.Handle) -> None:
            began_s = time.thread_time()
            watch._run(handle)
            took_s = time.thread_time() - began_s
            if took_s > watch.longest_s:
                whose = getattr(handle._callback, "__self__", handle)  # type: ignore[attr-defined]  # of a task: the task
                watch.longest_s, watch.longest = took_s, repr(whose)

        asyncio.Handle._run = run  # type: ignore[method-assign,assignment]
        return self

    def __exit__(self, _kind: type[BaseException] | None, _fault: Any, _trace: TracebackType | None) -> None:
        asyncio.Handle._run = self._run  # type: ignore[method-assign]
