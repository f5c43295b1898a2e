"""A profiler by samples of CPU time: which lines a process was at, counted by the kernel's own ticks of its work.

Measuring each call, as cProfile does, makes small functions dear and takes waiting for a core as work; this does
neither. A call into C counts for the line that made it, waking up for the first line after it.
"""

from __future__ import annotations

import json
import signal
from collections import Counter
from pathlib import Path
from types import FrameType

EVERY_S = 0.001  # of CPU time; the kernel rounds it up to its tick
START, STOP = signal.SIGUSR1, signal.SIGUSR2


class Sampler:
    """Begins at SIGUSR1; at SIGUSR2 it stops and writes its counts to a file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lines: Counter[str] = Counter()
        self._functions: Counter[str] = Counter()
        signal.signal(START, self._start)
        signal.signal(STOP, self._stop)
        signal.signal(signal.SIGPROF, self._note)

    def _start(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, EVERY_S, EVERY_S)

    def _stop(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        self._file.write_text(json.dumps({"lines": self._lines, "functions": self._functions}))

    def _note(self, _number: int, frame: FrameType | None) -> None:
        if frame is not None:
            self._lines[f"{_where(frame)}:{frame.f_lineno}"] += 1
        seen = set()
        while frame is not None:
            seen.add(_where(frame))
            frame = frame.f_back
        self._functions.update(seen)


def _where(frame: FrameType) -> str:
    code = frame.f_code
    return f"{'/'.join(Path(code.co_filename).parts[-2:])} {code.co_qualname}"
