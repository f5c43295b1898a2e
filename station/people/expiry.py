"""Deletes personal data whose term is over: sessions and one-time codes that nobody can use any longer.

What else has a term is deleted by the other `expire_…` chores of `station/work.py`.
"""

from __future__ import annotations

from station.base.station import Station
from station.people import store
from station.people.invite_service import delete_old_invites
from station.people.model import STAFF_IDLE


async def delete_expired_sessions(station: Station) -> int:
    """Delete sessions and codes that ran out, and sessions of staff who were away too long; returns how many."""
    now = station.clock.now()
    await delete_old_invites(station)
    async with station.database.transaction() as work:
        gone = await store.delete_sessions(work, now, now - STAFF_IDLE)
        return gone + await store.delete_codes(work, now)
