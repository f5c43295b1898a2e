"""What an administrator does to accounts of staff: one transaction each, and never the last administrator's end."""

from __future__ import annotations

from collections.abc import Callable

from station.base.database import Transaction
from station.base.errors import N_, BadInput, NotFound
from station.base.idempotency import claim_key, keep_made
from station.base.ids import new_id
from station.base.keyset import Cursor, Slice
from station.base.principal import Principal, Role
from station.base.station import Station
from station.ledger.service import append
from station.notices.kinds import INVITED, Value
from station.notices.model import Outgoing
from station.notices.service import queue_all
from station.people import account_store, store
from station.people.account_model import (
    MAX_REASON,
    AccountState,
    Asks,
    ChangedMeanwhile,
    LastAdministrator,
    NewInvite,
    RoleCount,
    StaffAccount,
    StaffFilter,
    StaffForm,
    Step,
    check_form,
    check_step,
)
from station.people.invite_service import make_invite
from station.people.session_service import end_sessions_of

LinkOf = Callable[[str], str]  # from an invite's token to its address


async def list_staff(station: Station, wanted: StaffFilter, cursor: Cursor | None) -> Slice[StaffAccount]:
    """A page of the accounts of staff, by login."""
    async with station.database.read() as connection:
        return await account_store.list_staff(connection, wanted, cursor, station.clock.now())


async def count_active(station: Station) -> list[RoleCount]:
    """How many accounts of each role there are, and how many can be used."""
    async with station.database.read() as connection:
        return await account_store.count_active(connection)


async def get_staff(station: Station, account_id: str) -> StaffAccount:
    """An account of staff. Raises NotFound, for a citizen's too."""
    async with station.database.read() as connection:
        return _known(await account_store.staff_by_id(connection, account_id, station.clock.now()))


def _known(account: StaffAccount | None) -> StaffAccount:
    if account is None:
        raise NotFound
    return account


async def create_account(station: Station, who: Principal, form: StaffForm, link_of: LinkOf | None = None) -> NewInvite:
    """A new account with its invite; by SMS too where `link_of` is given and the form has a number.

    The scope has been looked at before. Raises BadInput.
    """
    form = check_form(form)
    identity = new_id("ac")
    async with station.database.transaction() as work:
        await claim_key(work, station.clock.now())
        added = await store.add_account(
            work,
            id=identity,
            role=form.role,
            name=form.name,
            login=form.login,
            scope=form.scope,
            phone=form.phone,
            mail=form.mail,
            created_at=station.clock.now(),
        )
        if not added:
            raise BadInput(fields={"login": N_("这个登录名已经有人用了，请换一个")})
        await append(station, work, who, "account.added", f"account:{identity}", {"role": form.role})
        invite = await make_invite(station, work, identity, Asks.BOTH)
        await _send(station, work, form.phone, form.login, invite, link_of)
        await keep_made(work, identity)
    return invite


async def invite_again(station: Station, who: Principal, account_id: str, link_of: LinkOf | None = None) -> NewInvite:
    """A new link for whoever cannot sign in yet; the one before opens nothing any more. Raises NotInThisState."""
    async with station.database.transaction() as work:
        await claim_key(work, station.clock.now())
        account = await _held(station, work, account_id)
        check_step(account, Step.INVITE)
        asks = Asks.BOTH if account.state is not AccountState.UNSECURED else Asks.FACTOR
        invite = await make_invite(station, work, account_id, await _asked_before(work, account, asks))
        await append(station, work, who, "account.invited", f"account:{account_id}")
        await _send(station, work, account.phone, account.login, invite, link_of)
    return invite


async def _asked_before(work: Transaction, account: StaffAccount, otherwise: Asks) -> Asks:
    """What is missing: a password, a second factor, or both."""
    known = await store.credentials_of(work.connection, account.login)
    if known is None or account.state is AccountState.UNSECURED:
        return otherwise
    return Asks.PASSWORD if account.has_totp else Asks.FACTOR if known.password_hash else Asks.BOTH


async def revoke_invite(station: Station, who: Principal, account_id: str) -> None:
    """The link that was sent opens nothing any more. Raises NotInThisState."""
    async with station.database.transaction() as work:
        await claim_key(work, station.clock.now())
        check_step(await _held(station, work, account_id), Step.REVOKE)
        await account_store.revoke_invites(work, account_id, station.clock.now())
        await append(station, work, who, "account.invite-revoked", f"account:{account_id}")


async def reset_sign_in(
    station: Station, who: Principal, account_id: str, asks: Asks, link_of: LinkOf | None = None
) -> NewInvite:
    """Password, second factor or both are no longer good, all sessions end, and a link sets them anew.

    Raises NotInThisState, LastAdministrator.
    """
    blank: dict[Asks, dict[str, object]] = {
        Asks.PASSWORD: {"password_hash": ""},
        Asks.FACTOR: {"totp_secret": ""},
        Asks.BOTH: {"password_hash": "", "totp_secret": ""},
    }
    async with station.database.transaction() as work:
        await claim_key(work, station.clock.now())
        await _keep_an_administrator(work, account_id)
        account = await _held(station, work, account_id)
        check_step(account, Step.RESET)
        await account_store.change_account(work, account_id, **blank[asks])
        await end_sessions_of(station, work, account_id)
        await append(station, work, who, "account.reset", f"account:{account_id}", {"what": asks})
        invite = await make_invite(station, work, account_id, asks)
        await _send(station, work, account.phone, account.login, invite, link_of)
    return invite


async def lock_account(station: Station, who: Principal, account_id: str, reason: str) -> None:
    """Nobody signs in with it, its sessions and invites end. Raises BadInput, NotInThisState, LastAdministrator."""
    if not reason:
        raise BadInput(fields={"reason": N_("请写为什么锁，别的管理员要看得懂")})
    if len(reason) > MAX_REASON:
        raise BadInput(fields={"reason": N_("原因太长了，最多 200 个字")})
    async with station.database.transaction() as work:
        await claim_key(work, station.clock.now())
        await _keep_an_administrator(work, account_id)
        check_step(await _held(station, work, account_id), Step.LOCK)
        await account_store.change_account(work, account_id, disabled=True, locked_why=reason)
        await account_store.revoke_invites(work, account_id, station.clock.now())
        await end_sessions_of(station, work, account_id)
        await append(station, work, who, "account.locked", f"account:{account_id}", reason=reason)


async def unlock_account(station: Station, who: Principal, account_id: str) -> None:
    """It can be used again, with the password and second factor that it had. Raises NotInThisState."""
    async with station.database.transaction() as work:
        await claim_key(work, station.clock.now())
        check_step(await _held(station, work, account_id), Step.UNLOCK)
        await account_store.change_account(work, account_id, disabled=False, locked_why="")
        await append(station, work, who, "account.unlocked", f"account:{account_id}")


async def sign_out_everywhere(station: Station, who: Principal, account_id: str) -> None:
    """End all sessions of an account. Raises NotInThisState."""
    async with station.database.transaction() as work:
        await claim_key(work, station.clock.now())
        check_step(await _held(station, work, account_id), Step.END_SESSIONS)
        ended = await end_sessions_of(station, work, account_id)
        await append(station, work, who, "account.session-ended", f"account:{account_id}", {"sessions": ended})


async def change_staff(station: Station, who: Principal, account_id: str, form: StaffForm, version: int) -> None:
    """Change what an account says. With another role or scope its sessions end: rooms know the role one came in with.

    `version` is that of the account from which the form was made. Raises BadInput, ChangedMeanwhile,
    LastAdministrator, NotInThisState.
    """
    form = check_form(form)
    async with station.database.transaction() as work:
        await claim_key(work, station.clock.now())
        if form.role is not Role.ADMIN:
            await _keep_an_administrator(work, account_id)
        account = await _held(station, work, account_id)
        check_step(account, Step.EDIT)
        if account.version != version:
            raise ChangedMeanwhile(account)
        values = {"role": form.role, "name": form.name, "scope": form.scope, "phone": form.phone, "mail": form.mail}
        changed = sorted(name for name, value in values.items() if getattr(account, name) != value)
        if not changed:
            return
        await account_store.change_account(work, account_id, **values)
        if {"role", "scope"} & set(changed):
            await end_sessions_of(station, work, account_id)
        await append(station, work, who, "account.changed", f"account:{account_id}", {"fields": changed})


async def is_last_administrator(station: Station, account_id: str) -> bool:
    """Whether nobody else could administer the station; asked for a page, the change looks again."""
    async with station.database.read() as connection:
        return await account_store.working_administrators(connection) == [account_id]


async def _held(station: Station, work: Transaction, account_id: str) -> StaffAccount:
    return _known(await account_store.lock_staff(work, account_id, station.clock.now()))


async def _keep_an_administrator(work: Transaction, account_id: str) -> None:
    """Raises LastAdministrator if nobody but this account can administer. Held first, always in the same order, so
    that two administrators who lock one another at once do not both succeed.
    """
    if await account_store.lock_working_administrators(work) == [account_id]:
        raise LastAdministrator


async def _send(
    station: Station, work: Transaction, phone: str, login: str, invite: NewInvite, link_of: LinkOf | None
) -> None:
    if link_of is None or not phone or not station.settings.sends_sms:
        return
    gaps: dict[str, Value] = {"login": login, "link": link_of(invite.token), "until": invite.until}
    await queue_all(station, work, [Outgoing("sms", phone, INVITED, gaps, secret=True)])
