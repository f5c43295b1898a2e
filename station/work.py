"""The work role: takes long jobs from the database, delivers notices, issues cards when a clock runs out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import structlog

from station.app import close_station, open_station
from station.base import jobs
from station.base.settings import Settings
from station.base.station import Station
from station.cases.service import issue_due_cards
from station.meeting.archive import compose, seal_bag
from station.notices.channels import channels_for
from station.notices.service import deliver_due

log = structlog.get_logger()
IDLE_S = 0.5
HEARTBEAT_S = 10
CARDS_EVERY_S = 60

Progress = Callable[[float], Awaitable[None]]
JobHandler = Callable[[Station, dict[str, Any], Progress], Awaitable[None]]
HANDLERS: dict[str, JobHandler] = {"compose": compose, "seal": seal_bag}


async def run_work(settings: Settings) -> None:
    """Work until cancelled."""
    station = open_station(settings)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_work_jobs(station))
            group.create_task(_deliver_notices(station))
            group.create_task(_issue_cards(station))
    finally:
        await close_station(station)


async def work_once(station: Station) -> bool:
    """Take one job, if there is one, and do it; returns whether there was one."""
    job = await jobs.claim(station.database, list(HANDLERS), station.clock.now())
    if job is None:
        return False
    shown = job.progress

    async def progress(value: float) -> None:
        nonlocal shown
        if value - shown >= 0.01 or value >= 1.0:
            shown = value
            await jobs.report_progress(station.database, job, value, station.clock.now())

    async def keep_lease() -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            await jobs.report_progress(station.database, job, shown, station.clock.now())

    heartbeat = asyncio.create_task(keep_lease())
    try:
        await HANDLERS[job.kind](station, job.arguments, progress)
        await jobs.finish(station.database, job, station.clock.now())
        log.info("job_done", kind=job.kind, key=job.key)
    except Exception as error:
        log.exception("job_failed", kind=job.kind, key=job.key)
        await jobs.fail(station.database, job, f"{type(error).__name__}: {error}", station.clock.now())
    finally:
        heartbeat.cancel()
        with suppress(asyncio.CancelledError):
            await heartbeat
    return True


async def _work_jobs(station: Station) -> None:
    while True:
        if not await work_once(station):
            await asyncio.sleep(IDLE_S)


async def _deliver_notices(station: Station) -> None:
    channels = channels_for(station.settings)
    while True:
        try:
            await deliver_due(station, channels)
        except Exception:
            log.exception("notices_failed")
        await asyncio.sleep(1)


async def _issue_cards(station: Station) -> None:
    while True:
        try:
            await issue_due_cards(station)
        except Exception:
            log.exception("cards_failed")
        await asyncio.sleep(CARDS_EVERY_S)
