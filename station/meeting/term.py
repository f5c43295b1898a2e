"""What time alone brings: a meeting that nobody ended is ended, and at the end of its term all of it is deleted."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from station.base.clock import day_span, local_date
from station.base.database import Transaction
from station.base.principal import SYSTEM
from station.base.station import Station
from station.meeting import term_store as store
from station.meeting.model import Meeting
from station.meeting.service import close_for_all
from station.nodes import media_client
from station.nodes.journal import roll_call

log = structlog.get_logger()
SURELY_GONE = timedelta(minutes=10)  # a media process that begins anew has nobody for some seconds
LEFT_FOR = timedelta(hours=2)  # past its planned end, for those that end about midnight


async def end_forgotten(station: Station) -> int:
    """End meetings whose day is over and in whose room nobody is; returns how many.

    All went home and nobody pressed the button: no video would be composed, nothing sealed, and nothing ever deleted.
    """
    now = station.clock.now()
    before = min(day_span(local_date(now))[0], now - LEFT_FOR)
    async with station.database.read() as connection:
        found = await store.left_open(connection, before)
    ended = 0
    for meeting in found:
        try:
            if (await media_client.get_room(station, meeting.id)).members:
                continue
            last = await _last_left(station, meeting)
            if last > now - SURELY_GONE:
                continue
            await close_for_all(station, SYSTEM, meeting, at=last)
        except Exception as error:  # media or live may be away: at its next turn
            log.warning("meeting_not_ended", meeting=meeting.id, error=f"{type(error).__name__}: {error}"[:200])
        else:
            log.warning("forgotten_meeting_ended", meeting=meeting.id)
            ended += 1
    return ended


async def _last_left(station: Station, meeting: Meeting) -> datetime:
    """When the last one went, as far as that is known; else when it was to be over."""
    left = [stay.left_at for stay in await roll_call(station, meeting.id) if stay.left_at is not None]
    return max(left, default=meeting.ends_at)


async def meetings_to_expire(station: Station, before: datetime) -> list[str]:
    """The ids of meetings over before a moment, of which something is still kept."""
    async with station.database.read() as connection:
        return await store.held_before(connection, before)


async def is_expired(station: Station, meeting_id: str) -> bool:
    """Whether recording, chat and names of a meeting were deleted because their term is over."""
    async with station.database.read() as connection:
        return await store.is_expired(connection, meeting_id)


async def delete_expired_chat(station: Station, work: Transaction, meeting_id: str) -> int:
    """Part of expiring a meeting: what was written goes, and it is marked as expired; returns how many lines."""
    await store.set_expired(work, meeting_id, station.clock.now())
    return await store.delete_chat(work, meeting_id)
