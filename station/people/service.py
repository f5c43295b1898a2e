"""Accounts and consents: look up, make, agree. Sign-in itself is in signin.py."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

import pyotp

from station.base.database import ReadConnection, Transaction
from station.base.errors import BadInput, NotFound
from station.base.ids import new_id
from station.base.principal import Principal, Role
from station.base.station import Station
from station.ledger.service import append
from station.people import store
from station.people.model import SEEN_EVERY, Account, Consent, ConsentKind, fold_login, placeholder_name
from station.people.passwords import hash_password

CONSENTS_LISTED = 200
_NEXT_MOMENT = timedelta(microseconds=1)


async def get_account(station: Station, account_id: str) -> Account:
    """The account with that id. Raises NotFound."""
    async with station.database.read() as connection:
        account = await store.account_by_id(connection, account_id)
    if account is None:
        raise NotFound
    return account


async def accounts_with(station: Station, role: Role, scope: str | None = None) -> list[Account]:
    """Accounts in a role, optionally of one deputy, unit or station."""
    async with station.database.read() as connection:
        return await store.accounts_with(connection, role, scope)


async def count_accounts(station: Station) -> dict[Role, int]:
    """How many accounts there are in each role."""
    async with station.database.read() as connection:
        return await store.count_accounts(connection)


async def living_sessions(station: Station, sessions: Collection[str]) -> dict[str, Principal]:
    """Of these sessions those that have not ended, with who they stand for.

    Idle ones are among them: it is asked of people who sit in a room.
    """
    if not sessions:
        return {}
    async with station.database.read() as connection:
        rows = await store.sessions_with_accounts(connection, sessions)
    now = station.clock.now()
    return {
        row.token_hash: Principal(row.id, Role(row.role), row.name, row.scope, session=row.token_hash)
        for row in rows
        if not row.disabled and row.expires_at > now
    }


async def keep_sessions(station: Station, sessions: Collection[str]) -> None:
    """Notes that these are in use: their people sit in a room, where no page asks for anything."""
    now = station.clock.now()
    async with station.database.read() as connection:
        if not await store.any_unseen(connection, sessions, now - SEEN_EVERY):
            return
    async with station.database.transaction() as work:
        await store.note_seen(work, sessions, now - SEEN_EVERY, now)


async def add_staff(
    station: Station,
    who: Principal,
    role: Role,
    login: str,
    name: str,
    password: str,
    scope: str = "",
    account_id: str | None = None,
    totp_secret: str | None = None,
) -> tuple[Account, str]:
    """Make an account for a member of staff; returns it with its TOTP secret (RFC 6238), shown once.

    Raises BadInput when the login is taken or the password too short.
    """
    if len(password) < 8:
        raise BadInput(fields={"password": "密码至少 8 位"})
    hashed = await hash_password(password)
    return await add_staff_by_hash(station, who, role, login, name, hashed, scope, account_id, totp_secret)


async def add_staff_by_hash(
    station: Station,
    who: Principal,
    role: Role,
    login: str,
    name: str,
    password_hash: str,
    scope: str = "",
    account_id: str | None = None,
    totp_secret: str | None = None,
) -> tuple[Account, str]:
    """`add_staff` with a password hashed already, for many accounts that have the same one."""
    secret = totp_secret or pyotp.random_base32()
    async with station.database.transaction() as work:
        account = await add_staff_in(
            station,
            work,
            who,
            role=role,
            login=login,
            name=name,
            password_hash=password_hash,
            totp_secret=secret,
            scope=scope,
            account_id=account_id,
        )
    return account, secret


async def add_staff_in(
    station: Station,
    work: Transaction,
    who: Principal,
    *,
    role: Role,
    login: str,
    name: str,
    password_hash: str,
    totp_secret: str,
    scope: str = "",
    account_id: str | None = None,
    totp_used: int = 0,
) -> Account:
    """`add_staff_by_hash` as part of a larger unit of work. Raises BadInput when the login is taken.

    `totp_used` is the step of a dynamic code that was used already, which signs nobody in again.
    """
    identity, login = account_id or new_id("ac"), fold_login(login)
    added = await store.add_account(
        work,
        id=identity,
        role=role,
        name=name,
        scope=scope,
        login=login,
        password_hash=password_hash,
        totp_secret=totp_secret,
        totp_used=totp_used,
        created_at=station.clock.now(),
    )
    if not added:
        raise BadInput(fields={"login": "这个登录名已经有人用了"})
    await append(station, work, who, "account.added", f"account:{identity}", {"role": role})
    return Account(id=identity, role=role, name=name, phone="", mail="", scope=scope)


async def has_staff(work: Transaction, role: Role) -> bool:
    """Whether there is an account in that role, also a locked one, as this unit of work sees it."""
    return bool((await store.count_accounts(work.connection)).get(role))


def authenticator_uri(login: str, secret: str) -> str:
    """The otpauth URI that an authenticator app reads as a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name="网上代表联络站")


async def ensure_citizen(
    station: Station, work: Transaction, phone: str, name: str = "", account_id: str | None = None
) -> Account:
    """The citizen's account for a phone that has just been proven, made on first sign-in; one, also of two at once."""
    await store.lock_phone(work, phone)
    known = await store.citizen_by_phone(work.connection, phone)
    if known is not None:
        return known
    identity = account_id or new_id("ac")
    display = name or placeholder_name(phone)
    added = await store.add_account(
        work, id=identity, role=Role.CITIZEN, name=display, phone=phone, created_at=station.clock.now()
    )
    assert added  # the number is held, and has no account
    account = Account(id=identity, role=Role.CITIZEN, name=display, phone=phone, mail="", scope="")
    who = Principal(identity, Role.CITIZEN, display)
    await append(station, work, who, "account.added", f"account:{identity}", {"role": "citizen"})
    return account


async def give_consent(station: Station, who: Principal, kind: ConsentKind, subject: str, given: bool) -> None:
    """Store a yes or a no; a later word replaces an earlier one, and both stay on record."""
    async with station.database.transaction() as work:
        await record_consent(station, work, who, kind, subject, given)


async def record_consent(
    station: Station,
    work: Transaction,
    who: Principal,
    kind: ConsentKind,
    subject: str,
    given: bool,
    is_new: bool = False,
) -> None:
    """`give_consent` as part of a larger unit of work, such as a booking.

    `is_new` says that the subject was made in this unit of work, so that nobody can have answered before.
    """
    now = station.clock.now()
    before = None if is_new else await store.last_answer(work.connection, who.account, kind, subject)
    # The latest word counts: a clock that stands, or two machines' clocks, must not let an earlier one look later.
    at = now if before is None else max(now, before.at + _NEXT_MOMENT)
    identity = station.identity
    consent = Consent(
        id=new_id("cn"),
        account=who.account,
        name=who.name,
        kind=kind,
        subject=subject,
        given=given,
        at=at,
        notice_version=identity.notice.version,
        wording_version=identity.consent.version if kind is ConsentKind.USE else 0,
    )
    await store.add_consent(work, consent)
    action = "given" if given else "withdrawn" if before and before.given else "refused"
    await append(station, work, who, f"consent.{action}", subject, {"kind": kind})


async def consents_on(connection: ReadConnection, subject: str) -> list[Consent]:
    """`consents_of` for who has a connection already, such as in a transaction."""
    return await store.consents_of(connection, subject)


async def answers_in(work: Transaction, who: Principal, subject: str) -> dict[ConsentKind, bool]:
    """What a person has answered about a subject, by kind, as this unit of work sees it."""
    found = await store.consents_of(work.connection, subject)
    return {consent.kind: consent.given for consent in found if consent.account == who.account}


async def consents_of(station: Station, subject: str) -> list[Consent]:
    """The latest word of each person on each kind, for a subject such as "meeting:mt_…"."""
    async with station.database.read() as connection:
        return await store.consents_of(connection, subject)


async def my_consents(station: Station, who: Principal) -> list[Consent]:
    """What the caller has answered so far, the latest word on each question, the newest first."""
    async with station.database.read() as connection:
        return await store.consents_by(connection, who.account, CONSENTS_LISTED)


async def get_own_consent(station: Station, who: Principal, consent_id: str) -> Consent:
    """One answer of the caller. Raises NotFound for an answer of anybody else."""
    async with station.database.read() as connection:
        found = await store.consent_by(connection, consent_id)
    if found is None or found.account != who.account:
        raise NotFound
    return found
