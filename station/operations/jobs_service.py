"""Long jobs for who looks after the station: what is not done yet, and beginning a failed one anew."""

from __future__ import annotations

from station.base import jobs
from station.base.errors import NotFound
from station.base.principal import Principal
from station.base.station import Station
from station.ledger.service import append


class NoFailedJob(NotFound):
    """There is no job with that key, or it has not failed."""

    code = "no-failed-job"
    message = "没有这件没做成的活，可能已经在重做了。请刷新看最新的"


async def list_jobs(station: Station) -> list[jobs.JobState]:
    """All that is not done: what failed first, then the newest."""
    return await jobs.list_unfinished(station.database)


async def retry_job(station: Station, who: Principal, key: str) -> None:
    """Begin a failed job anew. Raises NoFailedJob."""
    async with station.database.transaction() as work:
        if not await jobs.retry(work, key, station.clock.now()):
            raise NoFailedJob
        await append(station, work, who, "job.retried", f"job:{key}")
