"""Tables and queries of the first start: who may set up, what was typed so far, whether it is over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, String, Table, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from station.base.database import Transaction, UtcDateTime, metadata
from station.base.inserts import insert_unless_there

ONE = "setup"
LINK, BROWSER = "link", "browser"

# Hashes only: the link that the terminal shows, and the secrets of browsers that were opened by one.
setup_keys = Table(
    "setup_keys",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("kind", String(8), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
)

setup_state = Table(
    "setup_state",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("steps", String(60), nullable=False, default=""),
    Column("admin_name", String(80), nullable=False, default=""),
    Column("admin_login", String(40), nullable=False, default=""),
    Column("password_hash", String(200), nullable=False, default=""),
    Column("totp_secret", String(64), nullable=False, default=""),
    Column("closed_at", UtcDateTime),
)


@dataclass(frozen=True, slots=True)
class SetUp:
    """How far set-up has come. What is secret in it is deleted when it closes."""

    steps: frozenset[str] = frozenset()
    admin_name: str = ""
    admin_login: str = ""
    password_hash: str = ""
    totp_secret: str = ""
    closed: bool = False


async def read_state(connection: AsyncConnection) -> SetUp:
    """How far it has come."""
    row = (await connection.execute(select(setup_state).where(setup_state.c.id == ONE))).first()
    if row is None:
        return SetUp()
    return SetUp(
        steps=frozenset(row.steps.split()),
        admin_name=row.admin_name,
        admin_login=row.admin_login,
        password_hash=row.password_hash,
        totp_secret=row.totp_secret,
        closed=row.closed_at is not None,
    )


async def lock_state(work: Transaction) -> SetUp:
    """The same, held until the end of the transaction: of two who finish at once the second finds it closed."""
    empty = {"steps": "", "admin_name": "", "admin_login": "", "password_hash": "", "totp_secret": ""}
    await insert_unless_there(work, setup_state, id=ONE, **empty)
    await work.execute(select(setup_state.c.id).where(setup_state.c.id == ONE).with_for_update())
    return await read_state(work.connection)


async def change_state(work: Transaction, **values: str | datetime) -> None:
    """Note what was typed, or that it is over."""
    await work.execute(update(setup_state).where(setup_state.c.id == ONE).values(**values))


async def has_key(connection: AsyncConnection, key_hash: str, kind: str) -> bool:
    """Whether a key of that kind is good."""
    query = select(setup_keys.c.hash).where(setup_keys.c.hash == key_hash, setup_keys.c.kind == kind)
    return (await connection.execute(query)).first() is not None


async def add_key(work: Transaction, key_hash: str, kind: str, now: datetime) -> None:
    """One key more."""
    await work.execute(insert(setup_keys).values(hash=key_hash, kind=kind, made_at=now))


async def delete_keys(work: Transaction, kind: str | None = None) -> None:
    """Links go when there is a newer one; all keys go when set-up is over."""
    statement = delete(setup_keys)
    await work.execute(statement if kind is None else statement.where(setup_keys.c.kind == kind))
