"""The end of a meeting's term: what of it is deleted, and that it has been."""

from __future__ import annotations

from datetime import datetime

from station.base.database import Transaction
from station.base.station import Station
from station.meeting import store


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
