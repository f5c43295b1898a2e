"""One process of the station: started, watched, brought back when it dies or hangs, ended when told."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from station.serve.processes import Process, Processes
from station.serve.pulse import Pulse, open_pulse, release_given
from station.serve.roles import Part

log = structlog.get_logger()

LONGEST_WAIT_S = 15.0
CALM_AFTER_S = 30.0  # a process that lived this long did not die of how it was started
GRACE_S = 10.0


@dataclass(slots=True)
class Backoff:
    """How long to wait before the next start: not at all the first time, then longer each time, up to 15 s."""

    deaths: int = 0

    def after_death(self, lived_s: float) -> float:
        """Seconds to wait, given how long the process lived."""
        self.deaths = 1 if lived_s >= CALM_AFTER_S else self.deaths + 1
        return 0.0 if self.deaths == 1 else min(LONGEST_WAIT_S, 0.5 * 2.0 ** (self.deaths - 2))


@dataclass(slots=True)
class Child:
    """A process kept alive. `run()` until cancelled; `states` gets a file `{name}.pid` that is there while it lives."""

    part: Part
    states: Path
    processes: Processes
    backoff: Backoff = field(default_factory=Backoff)

    async def run(self) -> None:
        """Start the process, and again whenever it ends. Cancelling ends it cleanly, by force after 10 s."""
        while True:
            started = asyncio.get_running_loop().time()
            try:
                ended = _describe(await self._live_once())
            except OSError as error:  # no memory or process left for it: that passes, and it is tried again
                ended = f"not started: {error}"
            lived_s = asyncio.get_running_loop().time() - started
            wait_s = self.backoff.after_death(lived_s)
            log.warning("role_died", died=self.part.name, exit=ended, lived_s=round(lived_s, 1), again_in_s=wait_s)
            await asyncio.sleep(wait_s)

    async def _live_once(self) -> int:
        with open_pulse() as pulse:
            process = self.processes.start(self.part.name, pulse.given)
            release_given(pulse)
            return await self._watch(process, pulse)

    async def _watch(self, process: Process, pulse: Pulse) -> int:
        log.info("role_started", started=self.part.name, pid=process.pid)
        watching = asyncio.create_task(_kill_if_hung(process, pulse, self.part.name))
        try:
            self._note(process)
            return await process.wait()
        except asyncio.CancelledError:
            await _end(process)
            raise
        finally:
            watching.cancel()
            with suppress(OSError):
                self._pid_file.unlink(missing_ok=True)

    @property
    def _pid_file(self) -> Path:
        return self.states / f"{self.part.name}.pid"

    def _note(self, process: Process) -> None:
        try:
            self._pid_file.write_text(f"{process.pid}\n", encoding="ascii")
        except OSError as error:  # on a full disk the role is watched all the same
            log.warning("pid_file_not_written", started=self.part.name, error=str(error))


async def _kill_if_hung(process: Process, pulse: Pulse, name: str) -> None:
    if await pulse.stops():
        log.error("role_hung", hung=name, pid=process.pid)
        process.send_signal(signal.SIGKILL)


async def _end(process: Process) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(GRACE_S):
            await process.wait()
    except TimeoutError:
        log.warning("role_killed", pid=process.pid, after_s=GRACE_S)
        process.send_signal(signal.SIGKILL)
        await process.wait()


def _describe(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else str(code)
