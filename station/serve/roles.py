"""The four roles, the processes that play them, and how one becomes a process: each is imported only there."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any

from station.base.logging import set_up_logging
from station.base.settings import Settings
from station.serve.fork_server import PR_SET_NAME, PR_SET_PDEATHSIG, find_prctl
from station.serve.ports import CannotStart
from station.serve.pulse import beat

SUPERVISOR_VARIABLE = "STATION_SUPERVISOR_PID"

Entry = Callable[[Settings], Coroutine[Any, Any, None]]


class RoleName(StrEnum):
    """Processes of the station, in the order in which they are started."""

    MEDIA = "media"
    LIVE = "live"
    WEB = "web"
    WORK = "work"


@dataclass(frozen=True, slots=True)
class Part:
    """One process of the station: a role, and which of several when the role has more than one process."""

    role: RoleName
    number: int = 0

    @property
    def name(self) -> str:
        """`web`; `media-0`."""
        return f"{self.role}-{self.number}" if self.role is RoleName.MEDIA else str(self.role)


def parts_of(settings: Settings) -> list[Part]:
    """All processes of one machine, in the order in which they are started."""
    count = {RoleName.MEDIA: settings.media_processes}
    return [Part(role, number) for role in RoleName for number in range(count.get(role, 1))]


def run_part(part: Part, settings: Settings) -> None:
    """Be this process until SIGTERM or SIGINT; both end it by cancelling its coroutine, so that it cleans up."""
    set_up_logging(settings, part.name)
    die_with_supervisor(part.name)
    _check_keys(part, settings)
    entry = _entry(part)
    # What was imported stays for good. Looking through it takes 15 to 20 ms, in which no packet would be forwarded.
    # (A forked process has got most of it frozen already.)
    gc.collect()
    gc.freeze()
    run_until_told(entry(settings))


def run_until_told(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run it to its end, or until SIGTERM or SIGINT cancel it."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        try:
            runner.run(_until_told(coroutine))
        except asyncio.CancelledError:
            return


def _check_keys(part: Part, settings: Settings) -> None:
    """Media and live only verify grants; the key for it is made where web runs. Raises CannotStart."""
    public = settings.keys / "grant.pub"
    if part.role not in (RoleName.MEDIA, RoleName.LIVE) or os.access(public, os.R_OK):
        return
    why = "may not be read by this user" if public.exists() else "is not there"
    raise CannotStart(
        f"{public} {why}: start `station serve` or its web role on this data folder first, or share STATION_DATA/keys "
        f"with the machine that web runs on"
    )


async def _until_told(coroutine: Coroutine[Any, Any, None]) -> None:
    task = asyncio.create_task(coroutine)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    beating = asyncio.create_task(beat())
    try:
        await task
    finally:
        beating.cancel()


def _entry(part: Part) -> Entry:
    # Imported here: a role must not pay for, or break with, what only another role needs.
    match part.role:
        case RoleName.WEB:
            from station.app import run_web  # noqa: PLC0415

            return run_web
        case RoleName.MEDIA:
            from station.rtc.http.main import run_media  # noqa: PLC0415

            return partial(run_media, number=part.number)
        case RoleName.LIVE:
            from station.live.origin.main import run_live  # noqa: PLC0415

            return run_live
        case RoleName.WORK:
            from station.work import run_work  # noqa: PLC0415

            return run_work


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415
    except ImportError:  # it does not exist for every platform; the standard loop does the same work
        return None
    return uvloop.new_event_loop


def die_with_supervisor(name: str, by: int = signal.SIGTERM) -> None:
    """Ask the kernel for a signal when the supervisor is gone, however it went (Linux), and show the name to `ps`."""
    supervisor = os.environ.get(SUPERVISOR_VARIABLE)
    if supervisor is None:
        return
    prctl = find_prctl()
    if prctl is not None:
        prctl(PR_SET_PDEATHSIG, by)
        prctl(PR_SET_NAME, f"station-{name}".encode())
    if os.getppid() != int(supervisor):  # it died before we asked
        raise SystemExit(0)
