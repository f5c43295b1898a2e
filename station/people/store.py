"""Tables and queries of accounts, sessions, one-time codes and consents."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, exists, select
from sqlalchemy.ext.asyncio import AsyncConnection

from station.base.database import UtcDateTime, metadata
from station.people.model import Account, Consent

accounts = Table(
    "accounts",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("role", String(12), nullable=False),
    Column("name", String(80), nullable=False),
    Column("phone", String(20), nullable=False, default=""),
    Column("mail", String(200), nullable=False, default=""),
    Column("scope", String(24), nullable=False, default=""),
    Column("login", String(40), unique=True),
    Column("password_hash", String(200), nullable=False, default=""),
    Column("totp_secret", String(64), nullable=False, default=""),
    Column("totp_used", Integer, nullable=False, default=0),
    Column("failures", Integer, nullable=False, default=0),
    Column("locked_until", UtcDateTime),
    Column("disabled", Boolean, nullable=False, default=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index("ix_accounts_role_phone", "role", "phone"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("account", String(24), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Index("ix_sessions_account", "account"),
)

sign_in_codes = Table(
    "sign_in_codes",
    metadata,
    Column("phone", String(20), primary_key=True),
    Column("code_hash", String(64), nullable=False),
    Column("tries", Integer, nullable=False, default=0),
    Column("expires_at", UtcDateTime, nullable=False),
)

consents = Table(
    "consents",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("account", String(24), nullable=False),
    Column("name", String(80), nullable=False),
    Column("kind", String(12), nullable=False),
    Column("subject", String(60), nullable=False),
    Column("given", Boolean, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_consents_subject", "subject", "at"),
)


async def account_row(connection: AsyncConnection, **where: Any) -> Any:
    """One account's row by equal columns, or None."""
    query = select(accounts)
    for column, value in where.items():
        query = query.where(accounts.c[column] == value)
    return (await connection.execute(query)).first()


async def sessions_with_accounts(connection: AsyncConnection, tokens: Collection[str]) -> Sequence[Any]:
    """The rows of these sessions, each with its account's."""
    query = (
        select(sessions.c.token_hash, sessions.c.expires_at, accounts)
        .join(accounts, accounts.c.id == sessions.c.account)
        .where(sessions.c.token_hash.in_(tokens))
    )
    return (await connection.execute(query)).all()


async def accounts_with(connection: AsyncConnection, role: str, scope: str | None) -> list[Account]:
    query = select(accounts).where(accounts.c.role == role, accounts.c.disabled.is_(False)).order_by(accounts.c.id)
    if scope is not None:
        query = query.where(accounts.c.scope == scope)
    return [to_account(row) for row in await connection.execute(query)]


async def consents_of(connection: AsyncConnection, subject: str) -> list[Consent]:
    """The latest word of each person on each kind of consent for a subject."""
    query = select(consents).where(consents.c.subject == subject).order_by(consents.c.at, consents.c.id)
    latest = {(row.account, row.kind): to_consent(row) for row in await connection.execute(query)}
    return list(latest.values())


async def consents_by(connection: AsyncConnection, account: str, limit: int) -> list[Consent]:
    """The latest word of one person on each kind and subject, the newest first."""
    newer = consents.alias()
    # The latest word is the one that no other word on the same question follows.
    follows = (newer.c.at > consents.c.at) | ((newer.c.at == consents.c.at) & (newer.c.id > consents.c.id))
    same = (
        (newer.c.account == consents.c.account)
        & (newer.c.subject == consents.c.subject)
        & (newer.c.kind == consents.c.kind)
    )
    query = (
        select(consents)
        .where(consents.c.account == account, ~exists().where(same, follows))
        .order_by(consents.c.at.desc(), consents.c.id.desc())
        .limit(limit)
    )
    return [to_consent(row) for row in await connection.execute(query)]


async def last_answer_at(connection: AsyncConnection, account: str, kind: str, subject: str) -> datetime | None:
    """When a person last answered a question; None if never."""
    same = (consents.c.account == account) & (consents.c.kind == kind) & (consents.c.subject == subject)
    query = select(consents.c.at).where(same).order_by(consents.c.at.desc()).limit(1)
    return (await connection.execute(query)).scalar()


async def consent_by(connection: AsyncConnection, consent_id: str) -> Consent | None:
    """The answer with that id."""
    row = (await connection.execute(select(consents).where(consents.c.id == consent_id))).first()
    return None if row is None else to_consent(row)


def to_consent(row: Any) -> Consent:
    """A row of `consents` as plain data."""
    return Consent(
        id=row.id,
        account=row.account,
        name=row.name,
        kind=row.kind,
        subject=row.subject,
        given=row.given,
        at=row.at,
    )


def to_account(row: Any) -> Account:
    return Account(row.id, row.role, row.name, row.phone, row.mail, row.scope)
