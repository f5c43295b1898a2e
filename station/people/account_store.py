"""Tables and queries of staff accounts and their invites."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Index,
    Integer,
    Select,
    String,
    Table,
    and_,
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
from station.base.keyset import Cursor, Order, PagedQuery, Slice
from station.base.principal import Role
from station.people.account_model import (
    ACCOUNTS_A_PAGE,
    AccountState,
    Asks,
    Invite,
    RoleCount,
    StaffAccount,
    StaffFilter,
    state_of,
)
from station.people.store import accounts, sessions

invites = Table(
    "invites",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("account", String(24), nullable=False),
    Column("token_hash", String(64), nullable=False),
    Column("asks", String(8), nullable=False),
    Column("totp_secret", String(64), nullable=False),
    Column("pending_hash", String(200), nullable=False, default=""),  # of a password that waits for the second factor
    Column("tries", Integer, nullable=False, default=0),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    Index("ix_invites_account", "account"),
    Index("ix_invites_token_hash", "token_hash", unique=True),
)

a, i = accounts.c, invites.c
_NOW = bindparam("now", type_=UtcDateTime)
_UNSPENT = and_(i.used_at.is_(None), i.revoked_at.is_(None))
_UNTIL = select(func.max(i.expires_at)).where(i.account == a.id, _UNSPENT, i.expires_at > _NOW).scalar_subquery()
_SEEN = select(func.max(sessions.c.seen_at)).where(sessions.c.account == a.id).scalar_subquery()
_STAFF = select(accounts, _UNTIL.label("invited_until"), _SEEN.label("session_seen_at")).where(a.login.is_not(None))
_BY_LOGIN = Order((a.login,), ("login",), (str,))
_INVITED = exists().where(i.account == a.id, _UNSPENT, i.expires_at > _NOW)
_HAS_FACTOR = a.totp_secret != ""
_COMPLETE = and_(a.password_hash != "", _HAS_FACTOR)
_OPEN = a.disabled.is_(False)
_IN_STATE: dict[AccountState, ColumnElement[bool]] = {
    AccountState.LOCKED: a.disabled.is_(True),
    AccountState.ACTIVE: and_(_OPEN, _COMPLETE),
    AccountState.INVITED: and_(_OPEN, ~_COMPLETE, _INVITED),
    AccountState.RUN_OUT: and_(_OPEN, a.password_hash == "", ~_INVITED),
    AccountState.UNSECURED: and_(_OPEN, a.password_hash != "", ~_HAS_FACTOR, ~_INVITED),
}
_COUNTS = (
    select(a.role, func.count().label("total"), func.sum(case((and_(_OPEN, _COMPLETE), 1), else_=0)).label("active"))
    .where(a.login.is_not(None))
    .group_by(a.role)
)

_ADMINISTRATORS = (
    select(a.id, a.disabled, a.password_hash, _HAS_FACTOR.label("has_factor"))
    .where(a.role == Role.ADMIN)
    .order_by(a.id)
)


@cache
def _paged(by_role: bool, state: AccountState | None, by_search: bool) -> PagedQuery:
    query: Select[Any] = _STAFF
    if by_role:
        query = query.where(a.role == bindparam("role"))
    if state is not None:
        query = query.where(_IN_STATE[state])
    if by_search:
        pattern: ColumnElement[str] = bindparam("pattern", type_=String)
        query = query.where(or_(a.name.like(pattern, escape="\\"), a.login.like(pattern, escape="\\")))
    return PagedQuery(query, _BY_LOGIN)


async def list_staff(
    connection: AsyncConnection, wanted: StaffFilter, cursor: Cursor | None, now: datetime
) -> Slice[StaffAccount]:
    """A page of accounts, by login."""
    values: dict[str, object] = {"now": now}
    if wanted.role is not None:
        values["role"] = wanted.role
    if wanted.search:
        escaped = "".join(f"\\{sign}" if sign in "\\%_" else sign for sign in wanted.search)
        values["pattern"] = f"%{escaped}%"
    query = _paged(wanted.role is not None, wanted.state, bool(wanted.search))
    return (await query.read(connection, cursor, ACCOUNTS_A_PAGE, values)).map(_staff)


async def count_active(connection: AsyncConnection) -> list[RoleCount]:
    """How many accounts of each role there are, and how many can be used."""
    rows = await connection.execute(_COUNTS)
    return [RoleCount(Role(row.role), row.total, int(row.active)) for row in rows]


async def staff_by_id(connection: AsyncConnection, account_id: str, now: datetime) -> StaffAccount | None:
    """The account of staff with that id."""
    row = (await connection.execute(_STAFF.where(a.id == account_id), {"now": now})).first()
    return None if row is None else _staff(row)


async def lock_staff(work: Transaction, account_id: str, now: datetime) -> StaffAccount | None:
    """The same, held until the end of the transaction."""
    await work.execute(select(a.id).where(a.id == account_id).with_for_update())
    return await staff_by_id(work.connection, account_id, now)


async def lock_working_administrators(work: Transaction) -> list[str]:
    """The administrators who can sign in, all held: of two who lock one another the second sees what the first did."""
    return _working(await work.execute(_ADMINISTRATORS.with_for_update(of=accounts)))


async def working_administrators(connection: AsyncConnection) -> list[str]:
    """The administrators who can sign in."""
    return _working(await connection.execute(_ADMINISTRATORS))


def _working(rows: Iterable[Any]) -> list[str]:
    # Looked at here and not by the statement: who waited for a row is given it as it is now.
    return [row.id for row in rows if not row.disabled and row.password_hash and row.has_factor]


async def change_account(work: Transaction, account_id: str, **values: Any) -> None:
    """Change columns of an account that is held; its version rises."""
    await work.execute(update(accounts).where(a.id == account_id).values(version=a.version + 1, **values))


async def sessions_of(connection: AsyncConnection, account_id: str) -> list[Any]:
    """The sessions of an account, the one used last first."""
    query = select(sessions).where(sessions.c.account == account_id)
    return list(await connection.execute(query.order_by(sessions.c.seen_at.desc(), sessions.c.token_hash)))


async def add_invite(work: Transaction, **values: Any) -> None:
    """One new invite, not used yet."""
    await work.execute(insert(invites).values(**values))


async def revoke_invites(work: Transaction, account_id: str, now: datetime) -> int:
    """No open invite of an account opens anything any longer; how many there were."""
    open_ones = update(invites).where(i.account == account_id, _UNSPENT)
    return (await work.execute(open_ones.values(revoked_at=now))).rowcount


async def invite_row(connection: AsyncConnection, token_hash: str) -> Any:
    """The invite of a token with what of its account the page says, whatever its state; None if there is none."""
    columns = (a.login, a.name, a.role, a.password_hash, a.disabled)
    query = select(invites, *columns).join(accounts, a.id == i.account).where(i.token_hash == token_hash)
    return (await connection.execute(query)).first()


async def hold_invite(work: Transaction, token_hash: str) -> None:
    """Let nobody else use the invite until the end of the transaction.

    Its account is held first, as an administrator's changes do: two that wait for one another would end in a deadlock.
    """
    of_invite = select(i.account).where(i.token_hash == token_hash).scalar_subquery()
    await work.execute(select(a.id).where(a.id == of_invite).with_for_update(of=accounts))
    await work.execute(select(i.id).where(i.token_hash == token_hash).with_for_update())


async def change_invite(work: Transaction, invite_id: str, **values: Any) -> None:
    """Change columns of an invite."""
    await work.execute(update(invites).where(i.id == invite_id).values(**values))


async def count_invite_try(work: Transaction, invite_id: str) -> None:
    """One more wrong code, counted in the database itself."""
    await work.execute(update(invites).where(i.id == invite_id).values(tries=i.tries + 1))


async def delete_invites(work: Transaction, before: datetime) -> int:
    """Delete invites that were over before a moment; returns how many."""
    return (await work.execute(delete(invites).where(i.expires_at < before))).rowcount


def to_invite(row: Any) -> Invite:
    """A row of `invite_row` as plain data."""
    return Invite(
        id=row.id,
        account=row.account,
        asks=Asks(row.asks),
        totp_secret=row.totp_secret,
        pending_hash=row.pending_hash,
        tries=row.tries,
        login=row.login,
        name=row.name,
        role=Role(row.role),
        password_hash=row.password_hash,
        until=row.expires_at,
    )


def _staff(row: Any) -> StaffAccount:
    state = state_of(
        locked=row.disabled,
        has_password=bool(row.password_hash),
        has_factor=bool(row.totp_secret),
        has_invite=row.invited_until is not None,
    )
    seen = [moment for moment in (row.signed_in_at, row.session_seen_at) if moment is not None]
    return StaffAccount(
        id=row.id,
        role=Role(row.role),
        name=row.name,
        login=row.login,
        phone=row.phone,
        mail=row.mail,
        scope=row.scope,
        version=row.version,
        state=state,
        locked_why=row.locked_why,
        has_totp=bool(row.totp_secret),
        invited_until=row.invited_until,
        created_at=row.created_at,
        seen_at=max(seen, default=None),
    )
