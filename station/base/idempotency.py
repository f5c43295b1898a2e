"""What is sent twice is done once: idempotency keys (draft-ietf-httpapi-idempotency-key-header), kept with the act.

Firefox sends a POST again by itself when its connection breaks, and people press twice. Each acting form carries a key
made for its page, and scripts send `Idempotency-Key`. The key is stored in the transaction of the act, so that both
stand or fall together; who comes second, at the same moment or a day later, is answered as the first was.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Column, Index, String, Table, Text, bindparam, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from station.base.database import Database, Transaction, UtcDateTime, metadata
from station.base.errors import N_, Conflict
from station.base.inserts import insert_unless_there

KEEP_FOR = timedelta(days=1)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("key_hash", String(64), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("location", Text, nullable=False),
    Column("made", String(24), nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Index("ix_idempotency_keys_expires_at", "expires_at"),
)
_OF_KEY = select(idempotency_keys).where(idempotency_keys.c.key_hash == bindparam("key"))


class KeyReused(Conflict):
    """The same key came with other content (§2.7 of the draft)."""

    status = 422
    code = "idempotency-key-reused"
    message = N_("这个 Idempotency-Key 已经用过，内容却不一样。请换一个新的")


class AlreadyDone(Conflict):
    """The request was sent before, and done. `made` is the id of what came of it, `location` where it was answered."""

    code = "already-done"

    def __init__(self, location: str, made: str) -> None:
        super().__init__()
        self.location, self.made = location, made


@dataclass(slots=True)
class Attempt:
    """A keyed request on its way.

    `key_hash` stands for caller, address and key (and a form's content: another one is another form); `fingerprint`
    for the content where a key may not come with another one. `location` is where the act is answered; {made} in it
    stands for the id of what the act makes.
    """

    key_hash: str
    fingerprint: str = ""
    location: str = ""
    is_claimed: bool = False


# Not an argument of every service: it would go through some forty signatures to be used in one line of each.
CURRENT: ContextVar[Attempt | None] = ContextVar("attempt", default=None)


def answer_at(location: str) -> None:
    """Where the act of this request is answered, if that is not the page on which its form stands."""
    attempt = CURRENT.get()
    if attempt is not None:
        attempt.location = location


async def claim_key(work: Transaction, now: datetime) -> None:
    """First of all in the transaction of an act: note the request's key. Raises AlreadyDone, KeyReused.

    Who sends the same at the same moment waits here, in PostgreSQL for the first one's commit, until it is known
    whether that was done. Without a key, as in chores, there is nothing to note.
    """
    attempt = CURRENT.get()
    if attempt is None or attempt.is_claimed:
        return
    if not await insert_unless_there(
        work,
        idempotency_keys,
        key_hash=attempt.key_hash,
        fingerprint=attempt.fingerprint,
        location=attempt.location,
        made="",
        expires_at=now + KEEP_FOR,
    ):
        await _raise_if_done(work.connection, attempt)
    attempt.is_claimed = True


async def keep_made(work: Transaction, identity: str) -> None:
    """Note the id of what the act has made: whoever sends it again is led there."""
    attempt = CURRENT.get()
    if attempt is not None:
        of_key = idempotency_keys.c.key_hash == attempt.key_hash
        await work.execute(update(idempotency_keys).where(of_key).values(made=identity))


async def check_not_done(database: Database, attempt: Attempt) -> None:
    """Before anything else is asked: what was done once may no longer be possible. Raises AlreadyDone, KeyReused."""
    async with database.read(brief=True) as connection:
        await _raise_if_done(connection, attempt)


async def _raise_if_done(connection: AsyncConnection, attempt: Attempt) -> None:
    row = (await connection.execute(_OF_KEY, {"key": attempt.key_hash})).first()
    if row is None:
        return
    if row.fingerprint != attempt.fingerprint:
        raise KeyReused
    raise AlreadyDone(row.location.replace("{made}", row.made), row.made)


async def delete_expired_keys(database: Database, now: datetime) -> None:
    """Delete the keys whose day is over."""
    async with database.transaction() as work:
        await work.execute(delete(idempotency_keys).where(idempotency_keys.c.expires_at <= now))
