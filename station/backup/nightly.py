"""The nightly backup, in a process of its own at low priority: encrypting holds the interpreter's lock."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from datetime import time

import structlog

from station.backup.model import BackupState, is_due
from station.backup.service import fail_backup, last_backups
from station.base.station import Station

log = structlog.get_logger()
NICENESS = 10


async def back_up_nightly(station: Station) -> None:
    """Begin it if it is due, and return at its end. What it failed of it notes itself; one that was killed cannot."""
    settings, now = station.settings, station.clock.now()
    if not settings.backup_target:
        return
    begun, _ = await last_backups(station.database)
    if not is_due(now, time.fromisoformat(settings.backup_at), begun.started_at if begun else None):
        return
    environment = {**os.environ, "STATION_DATA": str(settings.data.resolve())}
    command = [sys.executable, "-m", "station", "backup", settings.backup_target]
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=quiet, stderr=quiet)
    with suppress(ProcessLookupError):
        os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
    try:
        status = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    newest, _ = await last_backups(station.database)
    is_new = newest is not None and (begun is None or newest.id != begun.id)
    if newest is not None and is_new and newest.state is BackupState.RUNNING:
        await fail_backup(station, newest, f"it was ended from outside (exit status {status})")
    log.info("nightly_backup_ended", status=status)
