"""Starts processes of the station and waits for them: forked by the fork server, or by `exec` where there is none."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

import structlog

from station.base.settings import Settings
from station.serve.fork_server import ForkServer, ForkServerAway
from station.serve.pulse import PULSE_VARIABLE
from station.serve.tasks import command_line, decided, environment_for, word_variable

log = structlog.get_logger()


class Process:
    """A child of this process."""

    def __init__(self, pid: int, ended: asyncio.Future[int]) -> None:
        self.pid = pid
        self._ended = ended

    async def wait(self) -> int:
        """Its exit code, negative for the signal that ended it; once it has ended."""
        return await asyncio.shield(self._ended)

    def send_signal(self, number: int) -> None:
        """Harmless when it has ended: its number is another's only after it was waited for, which is noted at once."""
        if not self._ended.done():
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill_now(self) -> None:
        """End it and wait for it, where nobody else does any more."""
        if not self._ended.done():
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)


class Processes:
    """Starts children, and waits for all of this process: also for those that come to it when their parent dies."""

    def __init__(self, settings: Settings, fork_server: ForkServer | None) -> None:
        self._settings = settings
        self._fork_server = fork_server
        self._server: Process | None = None
        self._ends: dict[int, asyncio.Future[int]] = {}

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Around all use: meanwhile this process hears of the ends of children. Needs a running loop."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGCHLD, self._reap)
        if self._fork_server is not None:
            self._server = self._child(self._fork_server.pid)
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGCHLD)
            if self._server is not None:
                self._server.kill_now()

    async def wait_until_ready(self) -> None:
        """Return once a start takes no longer than it must."""
        if self._fork_server is None:
            return
        try:
            await self._fork_server.wait_until_ready()
        except ForkServerAway as error:
            self._do_without(error)

    def start(self, task: str, pulse: int, words: Mapping[str, str] | None = None) -> Process:
        """A process that does a task, in a session of its own, with the writing end of its pulse.

        `words` go with it, besides what was decided for all.
        """
        return self._child(self._start(task, pulse, words or {}))

    def _child(self, pid: int) -> Process:
        # Called before the loop turns again, so that its end cannot have been seen yet.
        self._ends[pid] = asyncio.get_running_loop().create_future()
        return Process(pid, self._ends[pid])

    def _start(self, task: str, pulse: int, words: Mapping[str, str]) -> int:
        if self._fork_server is not None:
            try:
                return self._fork_server.fork(task, {**decided(self._settings), **words}, pulse)
            except ForkServerAway as error:
                self._do_without(error)
        environment = environment_for(self._settings) | {word_variable(name): text for name, text in words.items()}
        return _execute(command_line(task), environment, pulse)

    def _do_without(self, error: ForkServerAway) -> None:
        """From now on each process imports all by itself: slower, and dearer in memory, but as good."""
        assert self._fork_server is not None
        log.warning("fork_server_away", pid=self._fork_server.pid, error=str(error))
        if self._server is not None:  # one that was stopped would do later what it was asked for
            self._server.send_signal(signal.SIGKILL)
        self._fork_server.close()
        self._fork_server = None

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            ended = self._ends.pop(pid, None)
            if ended is not None:
                ended.set_result(os.waitstatus_to_exitcode(status))


def _execute(arguments: Sequence[str], environment: Mapping[str, str], pulse: int) -> int:
    process = subprocess.Popen(  # noqa: S603  our own program
        [sys.executable, "-m", "station", *arguments],
        env={**environment, PULSE_VARIABLE: str(pulse)},
        stdin=subprocess.DEVNULL,
        pass_fds=(pulse,),
        start_new_session=True,  # a terminal's Ctrl-C reaches the supervisor only, which ends all in order
    )
    process.returncode = 0  # it is waited for by its number, as all others are
    return process.pid
