"""Invites: a link that works once, by which somebody sets their own password and second factor."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

import pyotp

from station.base.database import Transaction
from station.base.errors import N_, BadInput, NotFound
from station.base.ids import new_id
from station.base.principal import Principal, Role
from station.base.station import Station
from station.ledger.service import append
from station.people import account_store, store
from station.people.account_model import (
    CODE_TRIES_OF_AN_INVITE,
    INVITE_LIFETIME,
    Asks,
    Invite,
    InviteOver,
    InviteRevoked,
    InviteRunOut,
    InviteUsed,
    NewInvite,
    WrongProof,
    check_password_rules,
)
from station.people.model import Account, Caller, read_code
from station.people.passwords import hash_password, password_fits
from station.people.session_service import hash_token
from station.people.signin import open_session, totp_step

KEEP_OVER = timedelta(days=30)  # so that who opens an old link is told what became of it
_TOKEN_BYTES = 16  # 128 random bits; short enough for a printed sheet and for a carrier's template


async def make_invite(station: Station, work: Transaction, account_id: str, asks: Asks) -> NewInvite:
    """A fresh invite as part of a change; earlier ones of the account open nothing any more."""
    now, token = station.clock.now(), secrets.token_urlsafe(_TOKEN_BYTES)
    await account_store.revoke_invites(work, account_id, now)
    await account_store.add_invite(
        work,
        id=new_id("iv"),
        account=account_id,
        token_hash=hash_token(token),
        asks=asks,
        totp_secret=pyotp.random_base32(),
        created_at=now,
        expires_at=now + INVITE_LIFETIME,
    )
    return NewInvite(account_id, token, now + INVITE_LIFETIME)


async def find_invite(station: Station, token: str) -> Invite:
    """The open invite of a token. Raises NotFound, InviteUsed, InviteRevoked, InviteRunOut."""
    async with station.database.read() as connection:
        return _check(station, await account_store.invite_row(connection, hash_token(token)))


def _check(station: Station, row: Any) -> Invite:
    if row is None:
        raise NotFound
    if row.used_at is not None:
        raise InviteUsed
    if row.revoked_at is not None or row.disabled:
        raise InviteRevoked
    if row.expires_at <= station.clock.now():
        raise InviteRunOut
    return account_store.to_invite(row)


async def _hold(station: Station, work: Transaction, token: str) -> Invite:
    """The open invite, which nobody else uses until the end of the transaction."""
    hashed = hash_token(token)
    await account_store.hold_invite(work, hashed)
    return _check(station, await account_store.invite_row(work.connection, hashed))


async def choose_password(station: Station, token: str, password: str, again: str) -> Invite:
    """First step: settle the password, a new one or, where only the second factor is asked for, the present one.

    Returns the invite as it stands then; one that asked for the password alone is used. Raises BadInput, InviteOver.
    """
    invite = await find_invite(station, token)
    if invite.asks is Asks.FACTOR:
        return await _prove_password(station, token, invite, password)
    check_password_rules(password, again, invite.login)
    hashed = await hash_password(password)
    async with station.database.transaction() as work:
        invite = await _hold(station, work, token)
        await account_store.change_invite(work, invite.id, pending_hash=hashed)
        if invite.asks is Asks.PASSWORD:
            await _finish(station, work, invite, password_hash=hashed)
            return invite
        return account_store.to_invite(await account_store.invite_row(work.connection, hash_token(token)))


async def _prove_password(station: Station, token: str, invite: Invite, password: str) -> Invite:
    await _take_try(station, token)
    if not await password_fits(invite.password_hash, password):
        raise BadInput(fields={"password": N_("密码不对。忘了密码，请找管理员重设")})
    async with station.database.transaction() as work:
        invite = await _hold(station, work, token)
        await account_store.change_invite(work, invite.id, pending_hash=invite.password_hash, tries=0)
        return account_store.to_invite(await account_store.invite_row(work.connection, hash_token(token)))


async def _take_try(station: Station, token: str) -> int:
    """Count a try before it is looked at; how many are left after it. Raises InviteRevoked when none was left."""
    async with station.database.transaction() as work:
        invite = await _hold(station, work, token)
        await account_store.count_invite_try(work, invite.id)
        if invite.tries >= CODE_TRIES_OF_AN_INVITE:
            await account_store.change_invite(work, invite.id, revoked_at=station.clock.now())
    if invite.tries >= CODE_TRIES_OF_AN_INVITE:
        raise InviteRevoked
    return CODE_TRIES_OF_AN_INVITE - invite.tries - 1


async def enrol_totp(
    station: Station, token: str, typed: str, caller: Caller, replaces: str = ""
) -> tuple[str, Account, str]:
    """Second step: a code proves that the authenticator has the secret; the person is signed in with it.

    Returns the session's token, the account and its login. Raises WrongProof, InviteOver; BadInput while the password
    is not settled.
    """
    code = read_code(typed)
    if not typed:
        raise BadInput(fields={"otp": N_("请填动态码")})
    invite = await find_invite(station, token)
    if not invite.waits_for_factor:
        raise BadInput(fields={"password": N_("请先设好密码")})
    step = totp_step(invite.totp_secret, code, station.clock.now().timestamp())
    if step is None:
        raise WrongProof(await _take_try(station, token))
    async with station.database.transaction() as work:
        invite = await _hold(station, work, token)
        account = await _finish(
            station,
            work,
            invite,
            password_hash=invite.pending_hash,
            totp_secret=invite.totp_secret,
            totp_used=step,
        )
        return await open_session(station, work, account, caller, replaces), account, invite.login


async def _finish(station: Station, work: Transaction, invite: Invite, **values: object) -> Account:
    """The invite is used, and the account has what was set."""
    await account_store.change_invite(work, invite.id, used_at=station.clock.now(), pending_hash="", totp_secret="")
    await account_store.change_account(work, invite.account, **values)
    account = await store.account_by_id(work.connection, invite.account)
    if account is None:
        raise InviteOver
    who = Principal(account.id, Role(account.role), account.name, account.scope)
    await append(station, work, who, "account.invite-used", f"account:{account.id}", {"set": invite.asks})
    return account


async def delete_old_invites(station: Station) -> int:
    """Delete invites that were over a month ago; returns how many."""
    async with station.database.transaction() as work:
        return await account_store.delete_invites(work, station.clock.now() - KEEP_OVER)
