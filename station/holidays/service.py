"""Putting in the notice of a year, and counting by it in every process."""

from __future__ import annotations

from functools import partial

import structlog

from station.base import jobs
from station.base.calendar import YearNotice, packaged_until, put_in_force
from station.base.database import Transaction
from station.base.errors import N_, BadInput, Conflict, NotFound
from station.base.idempotency import claim_key
from station.base.principal import Principal
from station.base.station import Station
from station.holidays import store
from station.holidays.notice import MAX_NOTICE, Reading, as_calendar, first_change, read_notice
from station.holidays.store import KeptNotice
from station.ledger.service import append, hold_head

log = structlog.get_logger()
TOPIC = "holidays"
LOOK_EVERY_S = 30.0  # another process may have told the bus while this one could not hear it
YEARS_AHEAD = 2
RECOUNT = "recount"


class NoticeChanged(Conflict):
    """Somebody else has put in a notice for the year since the page was made."""

    code = "notice-changed"
    message = N_("别人刚刚改过这一年的放假安排，请看一下现在的，再决定要不要换")


def years_open() -> range:
    """The years for which a notice may be put in: those that the packages do not know yet."""
    return range(packaged_until() + 1, packaged_until() + 1 + YEARS_AHEAD)


def check_text(text: str, year: int) -> Reading:
    """What is understood of a pasted notice. Raises BadInput where there is nothing to read."""
    if year not in years_open():
        raise BadInput(fields={"year": N_("请选一个还没有安排的年份")})
    if not text:
        raise BadInput(fields={"text": N_("请把放假安排通知的文字贴在这里")})
    if len(text) > MAX_NOTICE:
        raise BadInput(fields={"text": N_("文字太长了，只贴七个节日的安排就行")})
    return read_notice(text, year)


async def list_notices(station: Station) -> list[KeptNotice]:
    """What was put in, the latest year first."""
    async with station.database.read() as connection:
        return await store.all_notices(connection)


async def put_in(station: Station, who: Principal, year: int, text: str, seen_version: int) -> KeptNotice:
    """Count by this notice from now on; open deadlines and laid-out slots are counted again by a job.

    `seen_version` is that of the notice which the page showed, 0 for none. Raises BadInput, NoticeChanged.
    """
    reading = check_text(text, year)
    if reading.faults:
        raise BadInput(fields={"text": reading.faults[0]})
    async with station.database.transaction() as work:
        await claim_key(work, station.clock.now())
        await hold_head(work)  # before the notice's row, like every edit that others may begin elsewhere
        before = await store.lock_notice(work, year)
        if (before.version if before else 0) != seen_version:
            raise NoticeChanged
        now = station.clock.now()
        notice = KeptNotice(year, reading.breaks, seen_version + 1, now, who.name)
        await store.put_notice(work, notice)
        counted = as_calendar(notice.breaks)
        facts = {"days_off": len(counted.off), "worked": len(counted.worked), "version": notice.version}
        await append(station, work, who, "holidays.put-in", f"holidays:{year}", facts)
        await _ask_recount(station, work, year, as_calendar(before.breaks) if before else None, counted, notice.version)
        work.after_commit.append(partial(_tell, station))
    return notice


async def withdraw(station: Station, who: Principal, year: int, seen_version: int) -> None:
    """Take a notice back: the year's days are supposed again until there is one. Raises NotFound, NoticeChanged."""
    async with station.database.transaction() as work:
        await claim_key(work, station.clock.now())
        await hold_head(work)
        before = await store.lock_notice(work, year)
        if before is None:
            raise NotFound
        if before.version != seen_version:
            raise NoticeChanged
        await store.delete_notice(work, year)
        await append(station, work, who, "holidays.withdrawn", f"holidays:{year}", {"version": seen_version})
        await _ask_recount(station, work, year, as_calendar(before.breaks), None, -seen_version)
        work.after_commit.append(partial(_tell, station))


async def _ask_recount(
    station: Station, work: Transaction, year: int, before: YearNotice | None, after: YearNotice | None, version: int
) -> None:
    since = first_change(before, after, year)
    # The moment is part of the key: after a withdrawal versions begin anew.
    key = f"{RECOUNT}:{year}:{version}:{int(station.clock.now().timestamp())}"
    await jobs.enqueue(work, RECOUNT, key, {"since": since.isoformat()}, station.clock.now())


async def _tell(station: Station) -> None:
    await refresh(station)
    await station.bus.publish(TOPIC, {})


async def refresh(station: Station) -> bool:
    """Count by the notices that the database holds; whether anything changed in this process."""
    notices = await list_notices(station)
    return put_in_force({notice.year: as_calendar(notice.breaks) for notice in notices})


async def follow_notices(station: Station) -> None:
    """Keep this process's calendar at what was put in, wherever that was done, until cancelled."""
    async with station.bus.subscribe(TOPIC) as changes:
        while True:
            try:
                await refresh(station)
            except Exception:
                log.exception("calendar_not_read")
            await changes.get(LOOK_EVERY_S)
