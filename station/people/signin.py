"""Signing in and out: phone and one-time code for citizens, password and TOTP for everybody else."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from datetime import datetime
from functools import partial
from typing import Any

import pyotp
import structlog
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import ColumnElement, delete, insert, select, update

from station.base.database import Transaction
from station.base.errors import N_, BadInput, StationError
from station.base.events import SIGNED_OUT, session_topic
from station.base.principal import GUEST, Principal, Role
from station.base.station import Station
from station.ledger.service import append
from station.notices.service import check_sms, queue
from station.people import store
from station.people.model import (
    CODE_LIFETIME,
    CODE_TRIES,
    SEEN_EVERY,
    SESSION_LIFETIME,
    STAFF_IDLE,
    Account,
    check_phone,
    code_is_open,
    lock_until,
)
from station.people.service import ensure_citizen

log = structlog.get_logger()
_hasher = PasswordHasher()
_NOBODY = _hasher.hash("nobody has this password")
SESSIONS_TOPIC = "sessions"  # which ended, for whoever tells media


class WrongCode(BadInput):
    code = "wrong-code"

    def __init__(self, left: int) -> None:
        words = {
            4: N_("数字不对。还可以试 4 次"),
            3: N_("数字不对。还可以试 3 次"),
            2: N_("数字不对。还可以试 2 次"),
            1: N_("数字不对。还可以试 1 次"),
        }
        super().__init__(fields={"code": words.get(left, N_("这个数字不能用了，请再要一个新的"))})


class CodeExpired(BadInput):
    code = "code-expired"

    def __init__(self) -> None:
        super().__init__(fields={"code": N_("这个数字过期了，请再要一个新的")})


class WrongLogin(StationError):
    status = 401
    code = "wrong-login"
    message = N_("登录名、密码或动态码不对")


class AccountLocked(StationError):
    status = 429
    code = "account-locked"
    message = N_("错了太多次，请 15 分钟后再试，或者找管理员")


async def send_code(station: Station, raw_phone: str, address: str) -> str:
    """Put a fresh code into the outbox; returns the cleaned phone.

    Raises BadInput, TooManyRequests, NoSmsCarrier where no code would reach anybody.
    """
    phone = check_phone(raw_phone)
    check_sms(station)
    await station.bus.limit(f"code:{phone}", 5, 3600)
    await station.bus.limit(f"code-from:{address}", 30, 3600)
    code = f"{secrets.randbelow(10**6):06}"
    async with station.database.transaction() as work:
        await work.execute(delete(store.sign_in_codes).where(store.sign_in_codes.c.phone == phone))
        await work.execute(
            insert(store.sign_in_codes).values(
                phone=phone, code_hash=_hash(phone + code), tries=0,
                expires_at=station.clock.now() + CODE_LIFETIME,
            )
        )  # fmt: skip
        text = f"【网上代表联络站】{code} 是您的登录数字，10 分钟内有效。不要告诉别人。"
        await queue(station, work, "sms", phone, text, secret=True)
    return phone


async def check_code(station: Station, raw_phone: str, code: str) -> str:
    """Sign a citizen in; returns the new session's token. Raises WrongCode, CodeExpired.

    A wrong try is counted even though the sign-in fails, so the count is committed before the error is raised.
    """
    phone = check_phone(raw_phone)
    failure: BadInput | None = None
    token = ""
    async with station.database.transaction() as work:
        table = store.sign_in_codes
        row = (await work.execute(select(table).where(table.c.phone == phone).with_for_update())).first()
        if row is None or not code_is_open(row.tries, row.expires_at, station.clock.now()):
            failure = CodeExpired()
        elif not hmac.compare_digest(row.code_hash, _hash(phone + code.strip())):
            await work.execute(update(table).where(table.c.phone == phone).values(tries=row.tries + 1))
            failure = WrongCode(CODE_TRIES - row.tries - 1)
        else:
            await work.execute(delete(table).where(table.c.phone == phone))
            account = await ensure_citizen(station, work, phone)
            token = await _open_session(station, work, account)
    if failure is not None:
        raise failure
    return token


async def check_password(station: Station, login: str, password: str, otp: str) -> tuple[str, Account]:
    """Sign a member of staff in. Raises WrongLogin (never saying what was wrong), AccountLocked."""
    await station.bus.limit(f"login:{login[:40]}", 20, 600)
    async with station.database.read() as connection:
        row = await store.account_row(connection, login=login)
    now = station.clock.now()
    if row is not None and row.locked_until is not None and row.locked_until > now:
        raise AccountLocked
    # Checked in a thread, and against a made-up hash too, so that timing does not tell which logins exist.
    fits = await asyncio.to_thread(_password_fits, row.password_hash if row is not None else _NOBODY, password)
    step = _totp_step(row.totp_secret, otp, now.timestamp()) if row is not None else None
    good = row is not None and not row.disabled and fits and step is not None and step > row.totp_used
    if row is None:
        raise WrongLogin
    async with station.database.transaction() as work:
        if good:
            values: dict[str, object] = {"failures": 0, "locked_until": None, "totp_used": step}
            token = await _open_session(station, work, store.to_account(row))
        else:
            values = {"failures": row.failures + 1, "locked_until": lock_until(row.failures + 1, now)}
        await work.execute(update(store.accounts).where(store.accounts.c.id == row.id).values(**values))
    if not good:
        raise WrongLogin
    return token, store.to_account(row)


async def find_principal(station: Station, token: str, address: str) -> Principal:
    """Who a session token stands for; a guest when it is unknown, expired or idle too long. The use is noted."""
    if not token:
        return GUEST
    session = _hash(token)
    row = await _session_row(station, session)
    if row is None:
        return GUEST
    now = station.clock.now()
    if now - row.seen_at > SEEN_EVERY:
        await _note_seen(station, session, now)
    return _principal_of(row, session, address)


async def _note_seen(station: Station, session: str, now: datetime) -> None:
    """Bookkeeping: what is stored can be read although this cannot be (a full disk)."""
    try:
        async with station.database.transaction() as work:
            await work.execute(update(store.sessions).where(_is_of(session)).values(seen_at=now))
    except Exception as error:
        log.warning("session_not_noted", error=f"{type(error).__name__}: {error}"[:200])


async def find_session(station: Station, session: str, address: str = "") -> Principal:
    """Who a session stands for, without noting it as used; a guest when it has ended."""
    row = await _session_row(station, session)
    return GUEST if row is None else _principal_of(row, session, address)


async def close_session(station: Station, token: str) -> None:
    """Sign out: the session's passes and event streams end with it. Harmless for an unknown token."""
    session = _hash(token)
    async with station.database.transaction() as work:
        gone = await work.execute(delete(store.sessions).where(_is_of(session)))
        if gone.rowcount:
            work.after_commit.append(partial(_tell_ended, station, session))


async def _tell_ended(station: Station, session: str) -> None:
    station.presence.forget(session)
    await station.bus.publish(session_topic(session), SIGNED_OUT)
    await station.bus.publish(SESSIONS_TOPIC, {"action": "ended", "session": session})


async def _session_row(station: Station, session: str) -> Any:
    """The session with its account; None when it has ended in one way or another."""
    query = (
        select(store.sessions.c.seen_at, store.sessions.c.expires_at, store.accounts)
        .join(store.accounts, store.accounts.c.id == store.sessions.c.account)
        .where(_is_of(session))
    )
    async with station.database.read() as connection:
        row = (await connection.execute(query)).first()
    now = station.clock.now()
    if row is None or row.disabled or row.expires_at <= now:
        return None
    is_idle = row.role != Role.CITIZEN and now - row.seen_at > STAFF_IDLE
    return None if is_idle and session not in station.presence else row


def _is_of(session: str) -> ColumnElement[bool]:
    return store.sessions.c.token_hash == session


def _principal_of(row: Any, session: str, address: str) -> Principal:
    return Principal(row.id, Role(row.role), row.name, row.scope, address, session)


async def _open_session(station: Station, work: Transaction, account: Account) -> str:
    token, now = secrets.token_urlsafe(32), station.clock.now()
    await work.execute(
        insert(store.sessions).values(
            token_hash=_hash(token),
            account=account.id,
            created_at=now,
            seen_at=now,
            expires_at=now + SESSION_LIFETIME,
        )
    )
    who = Principal(account.id, Role(account.role), account.name, account.scope)
    await append(station, work, who, "account.signed-in", f"account:{account.id}")
    return token


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _password_fits(hashed: str, password: str) -> bool:
    try:
        return _hasher.verify(hashed, password)
    except VerificationError:
        return False


def _totp_step(secret: str, otp: str, now_s: float) -> int | None:
    """The 30-second step that the code belongs to, one step of clock skew allowed (RFC 6238 §5.2)."""
    if not secret:
        return None
    totp, current = pyotp.TOTP(secret), int(now_s) // 30
    for step in (current, current - 1, current + 1):
        if hmac.compare_digest(totp.at(step * 30), otp.strip().replace(" ", "")):
            return step
    return None
