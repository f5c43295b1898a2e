"""The pulse of a role's process: a byte now and then from its event loop, by which one that hangs is known.

The supervisor holds the reading end of a pipe; the process finds the number of the writing end in its environment.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

PULSE_VARIABLE = "STATION_PULSE_FD"
BEAT_EVERY_S = 2.0
SILENT_AFTER_S = 15.0
LAST_CHANCE_S = 5.0  # the whole machine may have been stopped, and all clocks gone on


@dataclass(slots=True)
class Pulse:
    """The supervisor's side. `given` goes to the process, which alone must have it while it lives."""

    given: int
    _read: int

    async def stops(self) -> bool:
        """Waits until the process hangs (True) or ends (False). What it does before its first beat is not watched."""
        heard, loop = asyncio.Event(), asyncio.get_running_loop()
        loop.add_reader(self._read, heard.set)
        patience_s: float | None = None
        try:
            while True:
                try:
                    async with asyncio.timeout(patience_s):
                        await heard.wait()
                except TimeoutError:
                    if patience_s == LAST_CHANCE_S:
                        return True
                    patience_s = LAST_CHANCE_S
                    continue
                heard.clear()
                with suppress(BlockingIOError):  # told twice of the same beat
                    if not os.read(self._read, 64):
                        return False
                    patience_s = SILENT_AFTER_S
        finally:
            loop.remove_reader(self._read)


@contextmanager
def open_pulse() -> Iterator[Pulse]:
    """A pulse for one process; call `release_given` once it has started."""
    read, given = os.pipe()
    os.set_blocking(read, False)
    pulse = Pulse(given, read)
    try:
        yield pulse
    finally:
        os.close(read)
        release_given(pulse)


def release_given(pulse: Pulse) -> None:
    """Closes our copy of the writing end, so that the reading end sees the process end. May be called twice."""
    if pulse.given >= 0:
        os.close(pulse.given)
        pulse.given = -1


async def beat() -> None:
    """The process's side: beats for as long as its loop turns; returns at once where nobody listens."""
    number = os.environ.get(PULSE_VARIABLE)
    if number is None:
        return
    given = int(number)
    os.set_inheritable(given, False)
    os.set_blocking(given, False)
    while True:
        with suppress(OSError):  # a supervisor that hangs, or has gone, must not stop us
            os.write(given, b".")
        await asyncio.sleep(BEAT_EVERY_S)
