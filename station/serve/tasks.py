"""What the supervisor has its processes do: be a part of the station, or prepare its data first.

A forked process has the supervisor's settings already, and is told what was decided after they were read. One that is
started by `exec` reads them itself, from an environment in which all of that is written.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from pathlib import Path

from station.base.logging import set_up_logging
from station.base.settings import Settings
from station.serve.roles import SUPERVISOR_VARIABLE, die_with_supervisor, parts_of, run_part, run_until_told

PREPARE = "prepare"
LINK_HASH = "link_hash"  # a word of PREPARE: only the supervisor's terminal has the link itself
_DECIDED = ("tls_cert", "tls_key")  # by the supervisor, where HTTPS needs a certificate and none is named


def run_task(settings: Settings, task: str, words: Mapping[str, str]) -> None:
    """Do it in this process, which was forked for it. Raises CannotStart."""
    settings = settings.model_copy(update={name: Path(value) for name, value in words.items() if name in _DECIDED})
    os.environ[SUPERVISOR_VARIABLE] = str(os.getppid())
    if task == PREPARE:
        run_prepare(settings, words.get(LINK_HASH, ""))
        return
    run_part(next(part for part in parts_of(settings) if part.name == task), settings)


def run_prepare(settings: Settings, link_hash: str = "") -> None:
    """Prepare the data; `link_hash` is of the link that opens set-up from now on. Raises CannotStart."""
    from station.serve.prepare import prepare  # noqa: PLC0415  the roles need none of it

    set_up_logging(settings, PREPARE)
    die_with_supervisor(PREPARE, signal.SIGKILL)  # SIGTERM would let it finish what it is at, beside the next start
    run_until_told(prepare(settings, link_hash))


def decided(settings: Settings) -> dict[str, str]:
    """The words of a fork."""
    return {name: str(path.resolve()) for name in _DECIDED if (path := getattr(settings, name)) is not None}


def word_variable(name: str) -> str:
    """Where a process that is started by `exec` finds a word of its task."""
    return f"STATION_WORD_{name.upper()}"


def command_line(task: str) -> list[str]:
    """The same as arguments of `station`."""
    if task == PREPARE:
        return [PREPARE]
    role, _, number = task.partition("-")
    return ["serve", "--role", role, "--number", number or "0"]


def environment_for(settings: Settings) -> dict[str, str]:
    """This process's environment, with what was decided here put where the roles read it."""
    changed = {
        SUPERVISOR_VARIABLE: str(os.getpid()),
        "STATION_HOST": settings.host,
        "STATION_HTTP_PORT": str(settings.http_port),
        "STATION_MEDIA_PORT": str(settings.media_port),
        "STATION_MEDIA_PROCESSES": str(settings.media_processes),
        "STATION_DATA": str(settings.data.resolve()),
        "STATION_DEMO": "true" if settings.demo else "false",
    }
    tls = {f"STATION_{name.upper()}": path for name, path in decided(settings).items()}
    return {**os.environ, **changed, **tls}
