"""Signing in and out: phone and one-time code for citizens, password and TOTP for everybody else."""

from __future__ import annotations

import math
import secrets
from datetime import datetime, timedelta
from typing import Any

import pyotp
import structlog

from station.base.database import Transaction
from station.base.errors import N_, BadInput, StationError, TooManyRequests
from station.base.ids import new_id
from station.base.principal import GUEST, Principal, Role
from station.base.station import Station
from station.base.text import same_secret
from station.ledger.service import append
from station.notices.kinds import SIGN_IN_CODE
from station.notices.model import Outgoing
from station.notices.service import check_sms, queue_all
from station.people import store
from station.people.model import (
    CODE_LIFETIME,
    CODE_TRIES,
    SEEN_EVERY,
    SESSION_LIFETIME,
    STAFF_IDLE,
    TRIES_PER_BROWSER,
    TRIES_PER_NETWORK,
    TRY_WINDOW,
    Account,
    Caller,
    check_phone,
    code_digits,
    code_is_open,
    fold_login,
    read_code,
)
from station.people.passwords import password_fits
from station.people.service import ensure_citizen
from station.people.session_service import end_sessions, hash_token

log = structlog.get_logger()
CODES_AN_HOUR = 5  # to one number, from one address or browser
TRIES_PER_S = 600  # the time in which settings.sign_ins_per_address counts


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
    message = N_("登录名、密码或动态码不对。一个动态码只能用一次，刚用过就请等下一个")


class TooManyTries(StationError):
    """Told alike for logins that exist and that do not."""

    status = 429
    code = "too-many-tries"
    message = N_("错了太多次，请 %(minutes)s 分钟后再试，或者找管理员")


class BusyNetwork(TooManyRequests):
    """Many people behind one address, or one machine that asks for many: a short wait, and another way."""

    message = N_("从您这里要短信的人很多。请等 %(seconds)s 秒再试，或者打页面下方的电话问工作人员")
    in_minutes = N_("从您这里要短信的人很多。请等 %(minutes)s 分钟再试，或者打页面下方的电话问工作人员")


async def send_code(station: Station, raw_phone: str, caller: Caller) -> str:
    """Put a fresh code into the outbox; returns the cleaned phone. Raises BadInput, TooManyRequests, BusyNetwork,
    NoSmsCarrier where no code would reach anybody.

    Codes sent before stay valid until they expire.
    """
    phone = check_phone(raw_phone)
    check_sms(station)
    await station.bus.limit(f"code:{caller.device or caller.network}:{phone}", CODES_AN_HOUR, 3600)
    if not caller.device:
        await _limit_network(station, caller)
    now, visit_hash = station.clock.now(), hash_token(caller.visit)
    async with station.database.transaction() as work:
        await store.forget_old_tries(work, now)
        digits = code_digits(await store.count_open_codes(work, phone, now))
        code = f"{secrets.randbelow(10**digits):0{digits}}"
        await store.add_code(
            work,
            id=new_id("sc"),
            visit_hash=visit_hash,
            phone=phone,
            code_hash=hash_token(phone + code),
            created_at=now,
            expires_at=now + CODE_LIFETIME,
        )
        await queue_all(station, work, [Outgoing("sms", phone, SIGN_IN_CODE, {"code": code}, secret=True)])
    return phone


async def _limit_network(station: Station, caller: Caller) -> None:
    an_hour = station.settings.codes_per_address
    try:
        # Most are stopped by the minute's share of it, so that they wait a minute and not an hour.
        await station.bus.limit(f"codes-now-from:{caller.network}", max(1, an_hour // 10), 60)
        await station.bus.limit(f"codes-from:{caller.network}", an_hour, 3600)
    except TooManyRequests as error:
        raise BusyNetwork(error.retry_after_s) from error


async def phone_of_visit(station: Station, visit: str) -> str:
    """The number to which this browser last had a code sent, "" if it asked for none lately."""
    async with station.database.read() as connection:
        row = await store.newest_code(connection, hash_token(visit))
    return "" if row is None else str(row.phone)


async def check_code(station: Station, typed: str, caller: Caller, replaces: str = "") -> tuple[str, Account]:
    """Sign a citizen in by a code that this browser asked for; the new session's token. Raises WrongCode, CodeExpired.

    `replaces` is the token of the session that the browser had so far: it ends. A wrong try is counted even though
    the sign-in fails, so the count is committed before the error is raised.
    """
    code = read_code(typed)
    if not typed:
        raise BadInput(fields={"code": N_("请填短信里的数字")})
    if not caller.device:  # whoever wears out an address keeps out nobody who has signed in here before
        await station.bus.limit(f"tries-from:{caller.network}", station.settings.sign_ins_per_address, TRIES_PER_S)
    async with station.database.transaction() as work:
        rows = [row for row in await store.lock_codes(work, hash_token(caller.visit)) if _is_open(station, row)]
        fitting = [row for row in rows if same_secret(row.code_hash, hash_token(row.phone + code))]
        if fitting:
            await store.use_up_codes(work, fitting[0].visit_hash, fitting[0].phone)
            account = await ensure_citizen(station, work, fitting[0].phone)
            return await open_session(station, work, account, caller, replaces), account
        await store.count_wrong_codes(work, [row.id for row in rows])
    if not rows:
        raise CodeExpired
    raise WrongCode(max(CODE_TRIES - row.tries - 1 for row in rows))


def _is_open(station: Station, row: Any) -> bool:
    return code_is_open(row.tries, row.expires_at, station.clock.now())


async def check_password(
    station: Station, login: str, password: str, otp: str, caller: Caller, replaces: str = ""
) -> tuple[str, Account]:
    """Sign a member of staff in. Raises WrongLogin (never saying what was wrong), TooManyTries, BadInput for blanks.

    `replaces` is the token of the session that the browser had so far: it ends with this sign-in. Each try is counted
    before it is looked at, so that tries at once are as many as tries one after the other.
    """
    name = fold_login(login)
    _check_filled(login=name, password=password, otp=otp)
    if not caller.device:
        await station.bus.limit(f"tries-from:{caller.network}", station.settings.sign_ins_per_address, TRIES_PER_S)
    await _count_tries(station, name, caller)
    async with station.database.read() as connection:
        known = await store.credentials_of(connection, name) or await store.credentials_of(connection, login)
    # Against a made-up hash where there is no such login, so that timing does not tell which logins exist.
    fits = await password_fits(known.password_hash if known is not None else None, password)
    step = totp_step(known.totp_secret, read_code(otp), station.clock.now().timestamp()) if known is not None else None
    if known is None or not fits or step is None:
        raise WrongLogin
    account = known.account
    async with station.database.transaction() as work:
        if not await store.use_dynamic_code(work, known, step):
            raise WrongLogin
        await store.forget_tries(work, [key for key, _ in _try_keys(name, caller)])
        return await open_session(station, work, account, caller, replaces), account


def _check_filled(**typed: str) -> None:
    words = {"login": N_("请填登录名"), "password": N_("请填密码"), "otp": N_("请填动态码")}
    missing = {name: words[name] for name, value in typed.items() if not value}
    if missing:
        raise BadInput(fields=missing)


async def _count_tries(station: Station, login: str, caller: Caller) -> None:
    now = station.clock.now()
    wait = timedelta(0)
    async with station.database.transaction() as work:
        await store.forget_old_tries(work, now)
        for key, most in _try_keys(login, caller):
            counted = await store.count_try(work, key, now, now + TRY_WINDOW)
            if counted.tries > most:
                wait = max(wait, counted.until - now)
    if wait:
        raise TooManyTries(minutes=math.ceil(wait / timedelta(minutes=1)))


def _try_keys(login: str, caller: Caller) -> list[tuple[str, int]]:
    """What a try at a login is counted by, and how many there may be: strangers do not use up the owner's browser."""
    if caller.device:
        return [(hash_token(f"{login} device {caller.device}"), TRIES_PER_BROWSER)]
    return [
        (hash_token(f"{login} network {caller.network}"), TRIES_PER_NETWORK),
        (hash_token(f"{login} visit {caller.visit}"), TRIES_PER_BROWSER),
    ]


async def find_principal(station: Station, token: str, address: str) -> Principal:
    """Who a session token stands for; a guest when it is unknown, expired or idle too long. The use is noted."""
    if not token:
        return GUEST
    session = hash_token(token)
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
            await store.note_seen(work, [session], now, now)
    except Exception as error:
        log.warning("session_not_noted", error=f"{type(error).__name__}: {error}"[:200])


async def find_session(station: Station, session: str, address: str = "") -> Principal:
    """Who a session stands for, without noting it as used; a guest when it has ended."""
    row = await _session_row(station, session)
    return GUEST if row is None else _principal_of(row, session, address)


async def close_session(station: Station, token: str) -> None:
    """Sign out: the session's passes and event streams end with it. Harmless for an unknown token."""
    async with station.database.transaction() as work:
        await end_sessions(station, work, [hash_token(token)])


async def _session_row(station: Station, session: str) -> Any:
    """The session with its account; None when it has ended in one way or another."""
    async with station.database.read(brief=True) as connection:
        row = await store.session_with_account(connection, session)
    now = station.clock.now()
    if row is None or row.disabled or row.expires_at <= now:
        return None
    is_idle = row.role != Role.CITIZEN and now - row.seen_at > STAFF_IDLE
    return None if is_idle and session not in station.presence else row


def _principal_of(row: Any, session: str, address: str) -> Principal:
    return Principal(
        account=row.id, role=Role(row.role), name=row.name, scope=row.scope, origin=address, session=session
    )


async def open_session(station: Station, work: Transaction, account: Account, caller: Caller, replaces: str) -> str:
    """A new session in the place of the browser's earlier one, which nobody could sign out of any more; its token."""
    if replaces:
        await end_sessions(station, work, [hash_token(replaces)])
    token, now = secrets.token_urlsafe(32), station.clock.now()
    await store.add_session(work, hash_token(token), account.id, now, now + SESSION_LIFETIME, caller.browser)
    await store.note_signed_in(work, account.id, now)
    who = Principal(account.id, Role(account.role), account.name, account.scope)
    await append(station, work, who, "account.signed-in", f"account:{account.id}")
    return token


def totp_step(secret: str, otp: str, now_s: float) -> int | None:
    """The 30-second step that the code belongs to, one step of clock skew allowed (RFC 6238 §5.2)."""
    if not secret:
        return None
    totp, current = pyotp.TOTP(secret), int(now_s) // 30
    for step in (current, current - 1, current + 1):
        if same_secret(totp.at(step * 30), otp):
            return step
    return None
