"""Tables and queries of accounts, sessions, one-time codes and consents."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    String,
    Table,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from station.base.database import Transaction, UtcDateTime, metadata
from station.base.inserts import insert_into, insert_unless_there
from station.base.principal import Role
from station.people.model import Account, Consent, ConsentKind, Credentials

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
    Column("disabled", Boolean, nullable=False, default=False),
    Column("locked_why", String(200), nullable=False, default=""),
    Column("version", Integer, nullable=False, default=0),  # rises with each change that an administrator makes
    Column("signed_in_at", UtcDateTime),
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
    Column("browser", String(40), nullable=False, default=""),  # "Edge, Windows"; no address is kept
    Index("ix_sessions_account", "account"),
)

# One row a code, bound to the browser that asked for it: what strangers ask for or guess touches no other row.
sign_in_codes = Table(
    "sign_in_codes",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("visit_hash", String(64), nullable=False),
    Column("phone", String(20), nullable=False),
    Column("code_hash", String(64), nullable=False),
    Column("tries", Integer, nullable=False, default=0),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Index("ix_sign_in_codes_visit_hash", "visit_hash"),
    Index("ix_sign_in_codes_phone", "phone"),
)

# Tries at a login, by the hash of login and browser or network: the same for logins that exist and that do not.
sign_in_tries = Table(
    "sign_in_tries",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("tries", Integer, nullable=False),
    Column("until", UtcDateTime, nullable=False),
    Index("ix_sign_in_tries_until", "until"),
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
    # Which texts the district showed then (`district_texts`); 0: those built in.
    Column("notice_version", Integer, nullable=False, default=0, server_default="0"),
    Column("wording_version", Integer, nullable=False, default=0, server_default="0"),
    Index("ix_consents_subject", "subject", "at"),
    Index("ix_consents_account_at", "account", "at"),
)


# Built once, as every page of who is signed in asks them: building a statement takes longer than running it.
_ACCOUNT_BY_ID = select(accounts).where(accounts.c.id == bindparam("account_id"))
_WITH_ACCOUNT = select(
    sessions.c.token_hash, sessions.c.seen_at, sessions.c.expires_at,
    accounts.c.id, accounts.c.role, accounts.c.name, accounts.c.scope, accounts.c.disabled,
).join(accounts, accounts.c.id == sessions.c.account)  # fmt: skip
_SESSION = _WITH_ACCOUNT.where(sessions.c.token_hash == bindparam("token"))
_SESSIONS = _WITH_ACCOUNT.where(sessions.c.token_hash.in_(bindparam("tokens", expanding=True)))
_IN_ROLE = (
    select(accounts).where(accounts.c.role == bindparam("role"), accounts.c.disabled.is_(False)).order_by(accounts.c.id)
)
_IN_ROLE_FOR = _IN_ROLE.where(accounts.c.scope == bindparam("scope"))
_ADD_CONSENT = insert(consents)


async def account_by_id(connection: AsyncConnection, account_id: str) -> Account | None:
    """The account with that id."""
    row = (await connection.execute(_ACCOUNT_BY_ID, {"account_id": account_id})).first()
    return None if row is None else to_account(row)


async def citizen_by_phone(connection: AsyncConnection, phone: str) -> Account | None:
    """The citizen's account of a number."""
    query = select(accounts).where(accounts.c.role == Role.CITIZEN, accounts.c.phone == phone)
    row = (await connection.execute(query)).first()
    return None if row is None else to_account(row)


async def credentials_of(connection: AsyncConnection, login: str) -> Credentials | None:
    """What the member of staff with that login proves themselves by."""
    row = (await connection.execute(select(accounts).where(accounts.c.login == login))).first()
    return None if row is None else Credentials(to_account(row), row.password_hash, row.totp_secret)


async def sessions_with_accounts(connection: AsyncConnection, tokens: Collection[str]) -> Sequence[Any]:
    """The rows of these sessions, each with what of its account says who it is."""
    return (await connection.execute(_SESSIONS, {"tokens": list(tokens)})).all()


async def session_with_account(connection: AsyncConnection, token: str) -> Any:
    """The row of one such session; None if there is none."""
    return (await connection.execute(_SESSION, {"token": token})).first()


async def add_account(work: Transaction, **values: Any) -> bool:
    """One new account; False when its login or id is taken. Columns that are not named are empty."""
    return await insert_unless_there(work, accounts, **values)


async def add_session(
    work: Transaction, token_hash: str, account: str, now: datetime, expires_at: datetime, browser: str
) -> None:
    """A session that begins now."""
    values = {"created_at": now, "seen_at": now, "expires_at": expires_at, "browser": browser}
    await work.execute(insert(sessions).values(token_hash=token_hash, account=account, **values))


async def note_signed_in(work: Transaction, account_id: str, now: datetime) -> None:
    """Note when somebody signed in last."""
    await work.execute(update(accounts).where(accounts.c.id == account_id).values(signed_in_at=now))


async def any_unseen(connection: AsyncConnection, tokens: Collection[str], since: datetime) -> bool:
    """Whether one of these sessions was last noted as used before `since`."""
    stale = sessions.c.token_hash.in_(tokens) & (sessions.c.seen_at < since)
    return (await connection.execute(select(sessions.c.token_hash).where(stale).limit(1))).first() is not None


async def note_seen(work: Transaction, tokens: Collection[str], since: datetime, now: datetime) -> None:
    """Note as used now those of these sessions that were last noted before `since`."""
    stale = sessions.c.token_hash.in_(tokens) & (sessions.c.seen_at < since)
    await work.execute(update(sessions).where(stale).values(seen_at=now))


async def delete_session(work: Transaction, token_hash: str) -> bool:
    """End a session; False for one that is not there."""
    return (await work.execute(delete(sessions).where(sessions.c.token_hash == token_hash))).rowcount > 0


async def delete_sessions(work: Transaction, now: datetime, staff_idle_since: datetime) -> int:
    """Delete sessions that ran out, and those of staff last used before a moment; returns how many."""
    citizen = exists(select(accounts.c.id).where(accounts.c.id == sessions.c.account, accounts.c.role == Role.CITIZEN))
    idle = (sessions.c.seen_at < staff_idle_since) & ~citizen
    return (await work.execute(delete(sessions).where(or_(sessions.c.expires_at <= now, idle)))).rowcount


async def add_code(work: Transaction, **values: Any) -> None:
    """One new code, not tried yet."""
    await work.execute(insert(sign_in_codes).values(**values))


async def delete_codes(work: Transaction, now: datetime) -> int:
    """Delete codes that expired by now; returns how many."""
    return (await work.execute(delete(sign_in_codes).where(sign_in_codes.c.expires_at <= now))).rowcount


async def lock_phone(work: Transaction, phone: str) -> None:
    """Hold a telephone number until the end of the transaction, also one that has no account yet."""
    if work.connection.dialect.name == "postgresql":  # SQLite has one writer at a time anyway
        await work.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"phone:{phone}", 0))))


async def count_try(work: Transaction, key: str, now: datetime, until: datetime) -> Any:
    """Count one try in the database itself, anew once the window before is over; (tries, until)."""
    over = sign_in_tries.c.until <= now
    statement = insert_into(work, sign_in_tries).values(key=key, tries=1, until=until)
    statement = statement.on_conflict_do_update(
        index_elements=["key"],
        set_={
            "tries": case((over, 1), else_=sign_in_tries.c.tries + 1),
            "until": case((over, statement.excluded.until), else_=sign_in_tries.c.until),
        },
    ).returning(sign_in_tries.c.tries, sign_in_tries.c.until)
    return (await work.execute(statement)).one()


async def forget_tries(work: Transaction, keys: list[str]) -> None:
    """Count the tries under these keys from nought again."""
    await work.execute(delete(sign_in_tries).where(sign_in_tries.c.key.in_(keys)))


async def forget_old_tries(work: Transaction, now: datetime) -> None:
    """Delete what no longer counts: windows that are over, and codes that expired an hour ago."""
    await work.execute(delete(sign_in_tries).where(sign_in_tries.c.until <= now))
    await work.execute(delete(sign_in_codes).where(sign_in_codes.c.expires_at <= now - timedelta(hours=1)))


async def use_dynamic_code(work: Transaction, known: Credentials, step: int) -> bool:
    """Take the step of a dynamic code if no later one was taken; one of several at once gets it.

    Nobody gets it where password or secret were reset since they were looked at.
    """
    taken = update(accounts).where(
        accounts.c.id == known.account.id,
        accounts.c.totp_used < step,
        accounts.c.disabled.is_(False),
        accounts.c.password_hash == known.password_hash,
        accounts.c.totp_secret == known.totp_secret,
    )
    return (await work.execute(taken.values(totp_used=step))).rowcount == 1


async def used_steps(connection: AsyncConnection, account_ids: list[str]) -> dict[str, int]:
    """The newest step of a dynamic code that each account has taken, 0 where none was."""
    query = select(accounts.c.id, accounts.c.totp_used).where(accounts.c.id.in_(account_ids))
    return {row.id: row.totp_used for row in await connection.execute(query)}


async def newest_code(connection: AsyncConnection, visit_hash: str) -> Any:
    """The newest code that a browser asked for, expired or not; None if there is none."""
    query = select(sign_in_codes).where(sign_in_codes.c.visit_hash == visit_hash)
    return (await connection.execute(query.order_by(sign_in_codes.c.created_at.desc()).limit(1))).first()


async def lock_codes(work: Transaction, visit_hash: str) -> list[Any]:
    """All codes of a browser, held until the end of the transaction, always in the same order."""
    query = select(sign_in_codes).where(sign_in_codes.c.visit_hash == visit_hash)
    return list(await work.execute(query.order_by(sign_in_codes.c.id).with_for_update()))


async def use_up_codes(work: Transaction, visit_hash: str, phone: str) -> None:
    """Delete the codes of a number in one browser: one of them has been used."""
    used = (sign_in_codes.c.visit_hash == visit_hash, sign_in_codes.c.phone == phone)
    await work.execute(delete(sign_in_codes).where(*used))


async def count_wrong_codes(work: Transaction, ids: list[str]) -> None:
    """Count a wrong try against each of the codes that it could have been."""
    wrong = update(sign_in_codes).where(sign_in_codes.c.id.in_(ids))
    await work.execute(wrong.values(tries=sign_in_codes.c.tries + 1))


async def count_open_codes(work: Transaction, phone: str, now: datetime) -> int:
    """How many codes of a number can still be used, over all browsers."""
    query = select(func.count()).where(sign_in_codes.c.phone == phone, sign_in_codes.c.expires_at > now)
    return int((await work.execute(query)).scalar_one())


async def accounts_with(connection: AsyncConnection, role: str, scope: str | None) -> list[Account]:
    """The accounts in a role that may sign in, optionally of one deputy, unit or station."""
    query, values = (_IN_ROLE, {"role": role}) if scope is None else (_IN_ROLE_FOR, {"role": role, "scope": scope})
    return [to_account(row) for row in await connection.execute(query, values)]


async def add_consent(work: Transaction, consent: Consent) -> None:
    """One answer more; earlier ones stay."""
    values = {"kind": consent.kind, "subject": consent.subject, "given": consent.given, "at": consent.at}
    versions = {"notice_version": consent.notice_version, "wording_version": consent.wording_version}
    row = {"id": consent.id, "account": consent.account, "name": consent.name, **values, **versions}
    await work.execute(_ADD_CONSENT, row)


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


async def last_answer(connection: AsyncConnection, account: str, kind: ConsentKind, subject: str) -> Consent | None:
    """A person's latest word on a question; None if they never answered."""
    same = (consents.c.account == account) & (consents.c.kind == kind) & (consents.c.subject == subject)
    query = select(consents).where(same).order_by(consents.c.at.desc(), consents.c.id.desc()).limit(1)
    row = (await connection.execute(query)).first()
    return None if row is None else to_consent(row)


async def consent_by(connection: AsyncConnection, consent_id: str) -> Consent | None:
    """The answer with that id."""
    row = (await connection.execute(select(consents).where(consents.c.id == consent_id))).first()
    return None if row is None else to_consent(row)


async def count_accounts(connection: AsyncConnection) -> dict[Role, int]:
    """How many accounts there are in each role."""
    found = await connection.execute(select(accounts.c.role, func.count()).group_by(accounts.c.role))
    return {Role(role): count for role, count in found}


def to_consent(row: Any) -> Consent:
    """A row of `consents` as plain data."""
    return Consent(
        id=row.id,
        account=row.account,
        name=row.name,
        kind=ConsentKind(row.kind),
        subject=row.subject,
        given=row.given,
        at=row.at,
        notice_version=row.notice_version,
        wording_version=row.wording_version,
    )


def to_account(row: Any) -> Account:
    """A row of `accounts` as plain data."""
    return Account(id=row.id, role=Role(row.role), name=row.name, phone=row.phone, mail=row.mail, scope=row.scope)
