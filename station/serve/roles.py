"""The four roles and how a process becomes one of them. Each is imported only in its own process."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
from collections.abc import Callable, Coroutine
from enum import StrEnum
from typing import Any

from station.base.logging import set_up_logging
from station.base.settings import Settings

SUPERVISOR_VARIABLE = "STATION_SUPERVISOR_PID"
_PR_SET_PDEATHSIG = 1  # prctl(2)

Entry = Callable[[Settings], Coroutine[Any, Any, None]]


class RoleName(StrEnum):
    """Processes of the station, in the order in which they are started."""

    MEDIA = "media"
    LIVE = "live"
    WEB = "web"
    WORK = "work"


def run_role(role: RoleName, settings: Settings) -> None:
    """Be this role until SIGTERM or SIGINT; both end it by cancelling its coroutine, so that it cleans up."""
    set_up_logging(settings, role)
    _die_with_supervisor()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        try:
            runner.run(_until_told(_entry(role)(settings)))
        except asyncio.CancelledError:
            return


async def _until_told(coroutine: Coroutine[Any, Any, None]) -> None:
    task = asyncio.create_task(coroutine)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    await task


def _entry(role: RoleName) -> Entry:
    # Imported here: a role must not pay for, or break with, what only another role needs.
    match role:
        case RoleName.WEB:
            from station.app import run_web  # noqa: PLC0415

            return run_web
        case RoleName.MEDIA:
            from station.rtc.main import run_media  # noqa: PLC0415

            return run_media
        case RoleName.LIVE:
            from station.live.main import run_live  # noqa: PLC0415

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


def _die_with_supervisor() -> None:
    """Ask the kernel for SIGTERM when the supervisor is gone, however it went (Linux)."""
    supervisor = os.environ.get(SUPERVISOR_VARIABLE)
    if supervisor is None:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if hasattr(libc, "prctl"):
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(supervisor):  # it died before we asked
        raise SystemExit(0)
