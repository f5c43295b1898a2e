"""Deletes personal data whose term is over: sessions and one-time codes that nobody can use any longer."""

from __future__ import annotations

from sqlalchemy import delete, exists, or_, select

from station.base.principal import Role
from station.base.station import Station
from station.people import store
from station.people.model import STAFF_IDLE


async def delete_expired_sessions(station: Station) -> int:
    """Delete sessions and codes that ran out, and sessions of staff who were away too long; returns how many."""
    now = station.clock.now()
    sessions, codes, accounts = store.sessions, store.sign_in_codes, store.accounts
    citizen = exists(select(accounts.c.id).where(accounts.c.id == sessions.c.account, accounts.c.role == Role.CITIZEN))
    idle = (sessions.c.seen_at < now - STAFF_IDLE) & ~citizen
    async with station.database.transaction() as work:
        gone = (await work.execute(delete(sessions).where(or_(sessions.c.expires_at <= now, idle)))).rowcount
        return gone + (await work.execute(delete(codes).where(codes.c.expires_at <= now))).rowcount
