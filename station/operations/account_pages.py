"""Accounts of staff: who may work here, who has not come yet, inviting, locking, ending sessions."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import segno
from aiohttp import web

from station.base.errors import N_, BadInput, Conflict, NotFound, StationError
from station.base.idempotency import answer_at
from station.base.keyset import Slice
from station.base.origin import is_secure, public_origin
from station.base.principal import Role
from station.base.web import principal_of, query_cursor, query_text, read_form, render, see_other, station_of
from station.directory.service import check_scope
from station.operations.account_scopes import ROLE_TELLS, ROLE_WORDS, SCOPE_LABELS, name_scopes, scope_choices
from station.people import account_service as accounts
from station.people.account_model import (
    INVITE_LIFETIME,
    STAFF_ROLES,
    AccountState,
    Asks,
    ChangedMeanwhile,
    InviteOver,
    NewInvite,
    StaffAccount,
    StaffFilter,
    StaffForm,
    Step,
)
from station.people.invite_service import find_invite
from station.people.session_service import open_sessions

LIST = "/admin/accounts"
# The link of a fresh invite, in the browser of who made it: only its hash is stored, and a page can be loaded again.
LINK_COOKIE = "station_invite_link"
LINK_SHOWN_S = 900
STATE_WORDS = {
    AccountState.ACTIVE: (N_("能用"), "done"),
    AccountState.INVITED: (N_("请了还没来"), "wait"),
    AccountState.RUN_OUT: (N_("邀请过期了"), "late"),
    AccountState.UNSECURED: (N_("没绑第二道"), "late"),
    AccountState.LOCKED: (N_("锁着"), "soon"),
}


async def list_accounts(request: web.Request) -> web.StreamResponse:
    """A page of accounts, narrowed by role, state and name, and how many of each role can be used."""
    station, wanted = station_of(request), _filter(request)
    async with station.database.snapshot():
        found: Slice[StaffAccount] = await accounts.list_staff(station, wanted, query_cursor(request))
        report = sorted(await accounts.count_active(station), key=lambda line: STAFF_ROLES.index(line.role))
        scopes = await name_scopes(station, found.items)
    query = "".join(f"&{name}={value}" for name, value in request.query.items() if name in ("role", "state", "q"))
    return render(
        request,
        "admin/accounts.html",
        **_words(),
        found=found,
        scopes=scopes,
        report=report,
        wanted=wanted,
        query=query,
        total=sum(line.total for line in report),
    )


def _filter(request: web.Request) -> StaffFilter:
    role = state = None
    with suppress(ValueError):
        role = Role(request.query.get("role", ""))
    with suppress(ValueError):
        state = AccountState(request.query.get("state", ""))
    return StaffFilter(role if role in STAFF_ROLES else None, state, query_text(request, "q", 40))


def _words() -> dict[str, Any]:
    return {
        "roles": ROLE_WORDS,
        "role_tells": ROLE_TELLS,
        "scope_labels": SCOPE_LABELS,
        "states": STATE_WORDS,
        "steps": Step,
        "invite_hours": int(INVITE_LIFETIME.total_seconds()) // 3600,
    }


async def ask_account(request: web.Request) -> web.StreamResponse:
    """The form of a new account, for the role that was chosen."""
    wanted = _filter(request).role or Role.CLERK
    return await _new_form(request, StaffForm(role=wanted, name="", login=""))


async def _new_form(request: web.Request, form: StaffForm, fault: BadInput | None = None) -> web.Response:
    return render(
        request,
        "admin/account_new.html",
        fault.status if fault else 200,
        **_words(),
        form=form,
        fields=fault.fields if fault else {},
        choices=await scope_choices(station_of(request), form.role),
    )


def _read(form: dict[str, str], role: Role) -> StaffForm:
    return StaffForm(
        role=role,
        name=form.get("name", ""),
        login=form.get("login", ""),
        scope=form.get("scope", ""),
        phone=form.get("phone", ""),
        mail=form.get("mail", ""),
    )


def _role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError as error:
        raise BadInput(fields={"role": N_("请选做什么")}) from error


async def create(request: web.Request) -> web.StreamResponse:
    """Make the account; its link is on the page that follows."""
    station, form = station_of(request), await read_form(request)
    wanted = _read(form, Role.CLERK)
    answer_at(f"{LIST}/{{made}}/invite")
    try:
        wanted = replace(wanted, role=_role(form.get("role", "")))
        await _check_scope(request, wanted)
        link_of = _link_maker(request) if "by_sms" in form else None
        invite = await accounts.create_account(station, principal_of(request), wanted, link_of)
    except BadInput as fault:
        return await _new_form(request, wanted, fault)
    return _to_link(request, invite)


async def _check_scope(request: web.Request, form: StaffForm) -> None:
    try:
        await check_scope(station_of(request), form.role, form.scope)
    except BadInput as fault:
        raise BadInput(fields={"scope": N_("请选一个，名录里要有")}) from fault


def _link_maker(request: web.Request) -> accounts.LinkOf:
    return partial(_link, request)


def _link(request: web.Request, token: str) -> str:
    return str(public_origin(request) / "invite" / token)


def _to_link(request: web.Request, invite: NewInvite) -> web.Response:
    page = f"{LIST}/{invite.account}/invite"
    response = see_other(page)
    response.set_cookie(
        LINK_COOKIE,
        invite.token,
        max_age=LINK_SHOWN_S,
        httponly=True,
        samesite="Strict",
        secure=is_secure(request),
        path=page,
    )
    return response


async def show_link(request: web.Request) -> web.StreamResponse:
    """The link just made: to copy, to scan, to print. Later nobody can see it any more, only make a new one."""
    account = await accounts.get_staff(station_of(request), request.match_info["account"])
    token = request.cookies.get(LINK_COOKIE, "")
    if token and not await _opens(request, token, account):
        token = ""
    link = _link(request, token) if token else ""
    code = segno.make(link, error="m", micro=False).svg_inline(border=4, omitsize=True) if link else ""
    return render(request, "admin/account_link.html", **_words(), account=account, link=link, code=code)


async def _opens(request: web.Request, token: str, account: StaffAccount) -> bool:
    """Whether it is the token of this account's open invite: a later one, or its use, makes it void."""
    try:
        return (await find_invite(station_of(request), token)).account == account.id
    except (InviteOver, NotFound):
        return False


async def show_account(request: web.Request) -> web.StreamResponse:
    """One account: what it is for, how it stands, where it is signed in, what can be done."""
    return await _page(request)


async def _page(
    request: web.Request, fault: StationError | None = None, typed: StaffForm | None = None, reason: str = ""
) -> web.Response:
    station, who = station_of(request), principal_of(request)
    account = await accounts.get_staff(station, request.match_info["account"])
    form = typed or account.as_form()
    return render(
        request,
        "admin/account.html",
        fault.status if fault else 200,
        **_words(),
        account=account,
        scopes=await name_scopes(station, [account]),
        choices={role: await scope_choices(station, role) for role in STAFF_ROLES},
        sessions=await open_sessions(station, account.id, account.role, who.session),
        is_self=account.id == who.account,
        is_last=await accounts.is_last_administrator(station, account.id),
        form=form,
        reason=reason,
        asks=Asks,
        fields=fault.fields if isinstance(fault, BadInput) else {},
        refused=fault if isinstance(fault, Conflict) else None,
        both=isinstance(fault, ChangedMeanwhile),
        typed_scopes=await name_scopes(station, [replace(account, role=form.role, scope=form.scope)]),
    )


async def edit(request: web.Request) -> web.StreamResponse:
    """Save what was changed; of two who change the same account the second sees both."""
    form = await read_form(request)
    account_id = request.match_info["account"]
    present = await accounts.get_staff(station_of(request), account_id)
    role = _role(form.get("role", ""))
    # One choice for each role stands on the page, as nothing can hide the others where there is no script.
    wanted = replace(_read(form, role), login=present.login, scope=form.get(f"scope-{role}", ""))
    version = int(form["version"]) if form.get("version", "").isdecimal() and len(form["version"]) < 9 else -1
    try:
        await _check_scope(request, wanted)
        await accounts.change_staff(station_of(request), principal_of(request), account_id, wanted, version)
    except (BadInput, Conflict) as fault:
        return await _page(request, fault, wanted)
    return _back(request)


def _back(request: web.Request) -> web.Response:
    return see_other(f"{LIST}/{request.match_info['account']}")


async def invite(request: web.Request) -> web.StreamResponse:
    """A new link in the place of the one before."""
    form = await read_form(request)
    account_id = request.match_info["account"]
    answer_at(f"{LIST}/{account_id}/invite")
    link_of = _link_maker(request) if "by_sms" in form else None
    made = await accounts.invite_again(station_of(request), principal_of(request), account_id, link_of)
    return _to_link(request, made)


async def revoke(request: web.Request) -> web.StreamResponse:
    """Nobody comes in by the link any more."""
    await accounts.revoke_invite(station_of(request), principal_of(request), request.match_info["account"])
    return _back(request)


async def reset(request: web.Request) -> web.StreamResponse:
    """Password, second factor or both are set anew by a link."""
    form = await read_form(request)
    account_id = request.match_info["account"]
    answer_at(f"{LIST}/{account_id}/invite")
    try:
        asks = Asks(form.get("what", ""))
    except ValueError as error:
        raise BadInput(fields={"what": N_("请选要重设什么")}) from error
    link_of = _link_maker(request) if "by_sms" in form else None
    try:
        made = await accounts.reset_sign_in(station_of(request), principal_of(request), account_id, asks, link_of)
    except Conflict as fault:
        return await _page(request, fault)
    return _to_link(request, made)


async def lock(request: web.Request) -> web.StreamResponse:
    """Nobody signs in with it any more, and whoever is signed in is out."""
    form = await read_form(request)
    reason, account_id = form.get("reason", ""), request.match_info["account"]
    try:
        await accounts.lock_account(station_of(request), principal_of(request), account_id, reason)
    except (BadInput, Conflict) as fault:
        return await _page(request, fault, reason=reason)
    return _back(request)


async def unlock(request: web.Request) -> web.StreamResponse:
    """It can be used again."""
    await accounts.unlock_account(station_of(request), principal_of(request), request.match_info["account"])
    return _back(request)


async def end_sessions(request: web.Request) -> web.StreamResponse:
    """Sign the account out everywhere."""
    await accounts.sign_out_everywhere(station_of(request), principal_of(request), request.match_info["account"])
    return _back(request)
