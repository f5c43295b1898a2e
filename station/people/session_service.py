"""Sessions as their owner and an administrator see them: where somebody is signed in, and ending that at once."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from station.base.database import Transaction
from station.base.errors import NotFound
from station.base.events import SIGNED_OUT, session_topic
from station.base.idempotency import claim_key
from station.base.principal import Principal, Role
from station.base.station import Station
from station.ledger.service import append
from station.people import account_store, store
from station.people.model import SESSIONS_TOPIC, STAFF_IDLE

ID_DIGITS = 16  # of a session's hash: enough to name one of an account's, and no use for anything else


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One browser in which an account is signed in. `id` names it among those of its account."""

    id: str
    browser: str
    since: datetime
    seen_at: datetime
    is_this: bool


def hash_token(secret: str) -> str:
    """What is stored of a secret that only its holder knows."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


async def open_sessions(station: Station, account_id: str, role: Role, this: str = "") -> list[OpenSession]:
    """Where an account is signed in, the browser used last first. `this` is the session that asks."""
    async with station.database.read() as connection:
        rows = await account_store.sessions_of(connection, account_id)
    now = station.clock.now()
    return [
        OpenSession(row.token_hash[:ID_DIGITS], row.browser, row.created_at, row.seen_at, row.token_hash == this)
        for row in rows
        if row.expires_at > now
        and (role is Role.CITIZEN or now - row.seen_at <= STAFF_IDLE or row.token_hash in station.presence)
    ]


async def end_own_session(station: Station, who: Principal, session_id: str) -> None:
    """Sign the caller out in one browser. Raises NotFound for a session of anybody else, or one that has ended."""
    async with station.database.transaction() as work:
        await claim_key(work, station.clock.now())
        rows = await account_store.sessions_of(work.connection, who.account)
        found = [row.token_hash for row in rows if row.token_hash.startswith(session_id) and session_id]
        if len(found) != 1:
            raise NotFound
        await end_sessions(station, work, found)
        await append(station, work, who, "account.session-ended", f"account:{who.account}", {"sessions": 1})


async def end_other_sessions(station: Station, who: Principal) -> None:
    """Sign the caller out everywhere but here."""
    async with station.database.transaction() as work:
        await claim_key(work, station.clock.now())
        ended = await end_sessions_of(station, work, who.account, keep=who.session)
        await append(station, work, who, "account.session-ended", f"account:{who.account}", {"sessions": ended})


async def end_sessions_of(station: Station, work: Transaction, account_id: str, keep: str = "") -> int:
    """Sign an account out everywhere, but for the session `keep`; how many sessions ended."""
    rows = await account_store.sessions_of(work.connection, account_id)
    return await end_sessions(station, work, [row.token_hash for row in rows if row.token_hash != keep])


async def end_sessions(station: Station, work: Transaction, sessions: Collection[str]) -> int:
    """End sessions as part of a change; after the commit their event streams and stays in rooms end. How many there
    were.
    """
    ended = 0
    for session in sessions:
        if await store.delete_session(work, session):
            ended += 1
            work.after_commit.append(partial(_tell_ended, station, session))
    return ended


async def _tell_ended(station: Station, session: str) -> None:
    station.presence.forget(session)
    await station.bus.publish(session_topic(session), SIGNED_OUT)
    await station.bus.publish(SESSIONS_TOPIC, {"action": "ended", "session": session})
