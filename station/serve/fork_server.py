"""A fork server: a process that imports once what the station's processes share, and forks each of them from itself.

They hold those pages together then, and one that dies is back in a moment. Nothing is open in it besides its socket:
no loop, thread, file, connection or key. What it forks is the supervisor's own child (PR_SET_CHILD_SUBREAPER), so that
it ends with the supervisor and not with this process.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import importlib
import json
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TypedDict

from station.serve.ports import CannotStart
from station.serve.pulse import PULSE_VARIABLE

PR_SET_PDEATHSIG, PR_SET_NAME, PR_SET_CHILD_SUBREAPER = 1, 15, 36  # prctl(2)
ANSWER_S = 5.0  # a fork takes milliseconds
MAX_REQUEST = 2**16
READY = b"ready"

# What the roles are made of. Packages that only a rare command needs (alembic, the demo) stay out.
MODULES = ("station.app", "station.work", "station.rtc.http.main", "station.live.origin.main", "uvloop")

Run = Callable[[str, Mapping[str, str]], None]


class Request(TypedDict):
    """What the supervisor asks for: a task by its name, with words that its `Run` understands."""

    task: str
    words: dict[str, str]


class ForkServerAway(Exception):
    """It has ended, or does not answer."""


class ForkServer:
    """The supervisor's side. Made by `start_fork_server`."""

    def __init__(self, pid: int, connection: socket.socket) -> None:
        self.pid = pid
        self._connection = connection

    async def wait_until_ready(self) -> None:
        """Return once it has imported all. Raises ForkServerAway."""
        self._connection.setblocking(False)
        try:
            said = await asyncio.get_running_loop().sock_recv(self._connection, MAX_REQUEST)
        except OSError as error:
            raise ForkServerAway(str(error)) from error
        if said != READY:
            raise ForkServerAway("it has ended")

    def fork(self, task: str, words: Mapping[str, str], pulse: int) -> int:
        """Fork a process that runs the task, with the writing end of its pulse; returns its pid.

        Waits some milliseconds for it. Raises ForkServerAway. `wait_until_ready` comes first.
        """
        request = Request(task=task, words=dict(words))
        try:
            self._connection.settimeout(ANSWER_S)
            socket.send_fds(self._connection, [json.dumps(request).encode()], [pulse])
            answer = self._connection.recv(MAX_REQUEST)
        except OSError as error:
            raise ForkServerAway(str(error)) from error
        if not answer:
            raise ForkServerAway("it has ended")
        return int(answer)

    def close(self) -> None:
        """Let it end, now or as soon as it looks; what it has forked goes on."""
        self._connection.close()


def start_fork_server(run: Run) -> ForkServer | None:
    """Begin one, before this process opens anything; `run` is what a forked process does with a task.

    None where the system cannot hand a grandchild to its grandparent (all but Linux).
    """
    prctl = find_prctl()
    if prctl is None or prctl(PR_SET_CHILD_SUBREAPER, 1) != 0:
        return None
    sys.stdout.flush()
    gc.freeze()  # see _import_all: these pages are shared too
    supervisor = os.getpid()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if pid == 0:
        ours.close()
        _end_with(supervisor, prctl)
        _be_fork_server(theirs, supervisor, run)
    theirs.close()
    return ForkServer(pid, ours)


def find_prctl() -> Callable[..., int] | None:
    """The C library's prctl(2); None where there is none."""
    return getattr(ctypes.CDLL(None, use_errno=True), "prctl", None)


def _end_with(supervisor: int, prctl: Callable[..., int]) -> None:
    os.setsid()  # a terminal's Ctrl-C reaches the supervisor only
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    prctl(PR_SET_NAME, b"station-fork")
    if os.getppid() != supervisor:  # it died before we asked
        os._exit(0)


def _be_fork_server(connection: socket.socket, supervisor: int, run: Run) -> None:
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123  a number is wanted
        os.dup2(nothing.fileno(), 0)
    _import_all()
    with suppress(OSError):  # the supervisor has gone
        connection.send(READY)
        while True:
            request, passed, _flags, _from = socket.recv_fds(connection, MAX_REQUEST, 1)
            if not request:
                break
            pid = _fork_for(supervisor, connection, json.loads(request), passed[0], run)
            os.close(passed[0])
            connection.send(str(pid).encode())
    os._exit(0)


def _import_all() -> None:
    # The collector writes to each object that it looks at, and a page written to is shared no more. So it never runs
    # here, and what is here it never looks at in a forked process.
    gc.disable()
    for name in MODULES:
        # What cannot be imported, its own role will tell; the others go on.
        with suppress(Exception):
            importlib.import_module(name)
    gc.freeze()


def _fork_for(supervisor: int, connection: socket.socket, request: Request, pulse: int, run: Run) -> int:
    """Fork twice: whoever's parent ends goes to the nearest subreaper, our parent; returns the grandchild's pid."""
    told, tell = os.pipe()
    between = os.fork()
    if between == 0:
        between = os.getpid()
        pid = os.fork()
        if pid:
            os.write(tell, str(pid).encode())
            os._exit(0)
        for number in (told, tell, connection.detach()):
            os.close(number)
        while os.getppid() == between:
            time.sleep(0.0005)
        _be_forked(supervisor, request, pulse, run)
    os.close(tell)
    os.waitpid(between, 0)
    with os.fdopen(told, "rb") as answer:
        return int(answer.read())


def _be_forked(supervisor: int, request: Request, pulse: int, run: Run) -> None:
    if os.getppid() != supervisor:  # it has gone meanwhile
        os._exit(0)
    os.setsid()
    os.environ[PULSE_VARIABLE] = str(pulse)
    gc.enable()
    os._exit(_run(run, request))


def _run(run: Run, request: Request) -> int:
    """As the interpreter would: its exit code, or 1 after a traceback. Nothing is torn down, which would copy pages."""
    try:
        run(request["task"], request["words"])
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except CannotStart as fault:
        print(fault, file=sys.stderr)
        code = 1
    except BaseException:
        traceback.print_exc()
        code = 1
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    return code
