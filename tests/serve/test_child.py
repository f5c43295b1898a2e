"""How soon a dead role comes back, and what must not keep it from coming back."""

from __future__ import annotations

import asyncio
import errno
import signal
from collections.abc import Mapping
from pathlib import Path

from station.base.settings import Settings
from station.serve.child import CALM_AFTER_S, LONGEST_WAIT_S, Backoff, Child
from station.serve.processes import Process, Processes
from station.serve.roles import Part, RoleName


class _Ending(Process):
    """A process that nobody has to end: it ends when it is told."""

    def send_signal(self, number: int) -> None:
        if not self._ended.done():
            self._ended.set_result(-number)


class _Starts(Processes):
    """Starts what the machine lets it: an error in place of a process where there is one."""

    def __init__(self, *errors: OSError) -> None:
        super().__init__(Settings(_env_file=None), None)
        self._errors = list(errors)
        self.started = list[_Ending]()

    def start(self, task: str, pulse: int, words: Mapping[str, str] | None = None) -> Process:
        if self._errors:
            raise self._errors.pop()
        process = _Ending(len(self.started) + 1, asyncio.get_running_loop().create_future())
        self.started.append(process)
        return process

    async def wait_for(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.started) < count:
                await asyncio.sleep(0)


async def _stopped(running: asyncio.Task[None]) -> None:
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()


async def test_a_machine_that_has_no_process_left_is_asked_again(tmp_path: Path) -> None:
    """A start that fails, for a moment without memory or files, is tried again like a death."""
    processes = _Starts(OSError(errno.EAGAIN, "no process left"))
    running = asyncio.create_task(Child(Part(RoleName.WEB), tmp_path, processes).run())
    await processes.wait_for(1)
    assert (tmp_path / "web.pid").exists()
    await _stopped(running)
    assert not (tmp_path / "web.pid").exists()


async def test_a_full_disk_leaves_no_role_unwatched(tmp_path: Path) -> None:
    """A role whose number cannot be written down is brought back when it dies, and ended at the end."""
    processes = _Starts()
    running = asyncio.create_task(Child(Part(RoleName.WEB), tmp_path / "none", processes).run())
    await processes.wait_for(1)
    processes.started[0].send_signal(signal.SIGKILL)
    await processes.wait_for(2)
    await _stopped(running)
    assert await processes.started[1].wait() == -signal.SIGTERM


def test_the_first_death_costs_no_time() -> None:
    """A role that dies once is started again at once."""
    assert Backoff().after_death(0.1) == 0


def test_repeated_deaths_wait_longer_up_to_a_limit() -> None:
    """A role that cannot live does not keep the machine busy, and is still tried every 15 s."""
    backoff = Backoff()
    waits = [backoff.after_death(0.1) for _ in range(9)]
    assert waits == sorted(waits)
    assert waits[:4] == [0, 0.5, 1, 2]
    assert waits[-1] == LONGEST_WAIT_S


def test_a_long_life_is_forgiven() -> None:
    """After half a minute of life the next death counts as the first."""
    backoff = Backoff()
    for _ in range(5):
        backoff.after_death(0.1)
    assert backoff.after_death(CALM_AFTER_S) == 0
