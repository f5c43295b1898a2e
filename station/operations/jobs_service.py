"""Long jobs for who looks after the station: what is not done yet, and beginning a failed one anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from station.base import jobs
from station.base.errors import NotFound
from station.base.idempotency import claim_key
from station.base.principal import SYSTEM, Principal, Role
from station.base.station import Station
from station.directory.service import deputies_under
from station.ledger.service import append, hold_head
from station.meeting.model import Meeting
from station.meeting.service import meetings_by_id, meetings_of_bookings

MOST_READ, MOST_SHOWN = 2000, 200


class NoFailedJob(NotFound):
    """There is no job with that key, or it has not failed."""

    code = "no-failed-job"
    message = "没有这件没做成的活，可能已经在重做了。请刷新看最新的"


@dataclass(frozen=True, slots=True)
class ListedJob:
    """A job that is not done, and the meeting that it is for, where there is one."""

    state: jobs.JobState
    meeting: Meeting | None


async def list_jobs(station: Station, who: Principal = SYSTEM) -> list[ListedJob]:
    """What is not done, failed ones first, then the newest; to a clerk those for meetings of the own station."""
    found = await jobs.list_unfinished(station.database, MOST_READ)
    meetings = await _meetings_of(station, [line.job for line in found])
    lines = [ListedJob(line, meetings.get(line.job.key)) for line in found]
    deputies = await _deputies_of(station, who)
    return [line for line in lines if _is_served(line.meeting, deputies)][:MOST_SHOWN]


async def _deputies_of(station: Station, who: Principal) -> frozenset[str] | None:
    return await deputies_under(station, who.scope) if who.role is Role.CLERK else None


def _is_served(meeting: Meeting | None, deputies: frozenset[str] | None) -> bool:
    return deputies is None or (meeting is not None and meeting.deputy_id in deputies)


async def _meetings_of(station: Station, found: Sequence[jobs.Job]) -> dict[str, Meeting]:
    """The meeting of each job by the job's key: named in its arguments, or made for the booking named there."""
    named = {job.key: str(job.arguments.get("meeting", "")) for job in found}
    booked = {job.key: str(job.arguments.get("booking", "")) for job in found}
    by_id = await meetings_by_id(station, sorted(set(filter(None, named.values()))))
    by_booking = await meetings_of_bookings(station, sorted(set(filter(None, booked.values()))))
    every = {key: by_id.get(named[key]) or by_booking.get(booked[key]) for key in named}
    return {key: meeting for key, meeting in every.items() if meeting is not None}


async def retry_job(station: Station, who: Principal, key: str) -> None:
    """Begin a failed job anew. Raises NoFailedJob, also to a clerk of another station."""
    async with station.database.read() as connection:
        found = await jobs.find_job(connection, key)
    meetings = await _meetings_of(station, [found] if found else [])
    if not _is_served(meetings.get(key), await _deputies_of(station, who)):
        raise NoFailedJob
    async with station.database.transaction() as work:
        await claim_key(work, station.clock.now())
        await hold_head(work)  # before the job's row: so do the journals and seals that enqueue one
        if not await jobs.retry(work, key, station.clock.now()):
            raise NoFailedJob
        await append(station, work, who, "job.retried", f"job:{key}")
