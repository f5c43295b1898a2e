"""The page behind an invite's link: set a password, scan a code, type what the telephone shows, and be signed in."""

from __future__ import annotations

import segno
from aiohttp import web

from station.base.errors import BadInput, NotFound, StationError
from station.base.web import read_form, render, see_other, station_of
from station.people.account_model import Asks, Invite, InviteOver, WrongProof
from station.people.invite_service import choose_password, enrol_totp, find_invite
from station.people.pages import HOME_OF, caller_of, session_token, signed_in
from station.people.service import authenticator_uri

# The address is the secret, so no path goes out. Not "no-referrer": the page's own form would then come with
# `Origin: null` (Fetch, "append a request `Origin` header"), as from another site, and older browsers say no more.
NO_PATH = {"Referrer-Policy": "strict-origin"}


async def show_invite(request: web.Request) -> web.StreamResponse:
    """The step that is next; a link that is over says why and whom to ask."""
    try:
        invite = await find_invite(station_of(request), request.match_info["token"])
    except (InviteOver, NotFound) as error:
        return _over(request, error)
    return _step(request, invite, again="again" in request.query)


def _over(request: web.Request, error: StationError) -> web.Response:
    response = render(request, "people/invite_over.html", error.status, error=error)
    response.headers.update(NO_PATH)
    return response


def _step(request: web.Request, invite: Invite, fault: BadInput | None = None, again: bool = False) -> web.Response:
    second = invite.waits_for_factor and not again
    uri = authenticator_uri(invite.login, invite.totp_secret)
    secret = invite.totp_secret
    response = render(
        request,
        "people/invite.html",
        fault.status if fault else 200,
        invite=invite,
        asks=Asks,
        second=second,
        code=segno.make(uri, error="m", micro=False).svg_inline(border=4, omitsize=True) if second else "",
        uri=uri,
        secret=" ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
        fields=fault.fields if fault else {},
        left=fault.left if isinstance(fault, WrongProof) else None,
        base=f"/invite/{request.match_info['token']}",
    )
    response.headers.update(NO_PATH)
    return response


async def set_password(request: web.Request) -> web.StreamResponse:
    """First step. Leads to the second, or to signing in where nothing else is asked."""
    form, token = await read_form(request), request.match_info["token"]
    try:
        invite = await choose_password(station_of(request), token, form.get("password", ""), form.get("again", ""))
    except BadInput as fault:
        return await _once_more(request, fault, again=True)
    except (InviteOver, NotFound) as error:
        return _over(request, error)
    return see_other("/signin/staff" if invite.asks is Asks.PASSWORD else f"/invite/{token}")


async def set_factor(request: web.Request) -> web.StreamResponse:
    """Second step: signed in with it."""
    form, station = await read_form(request), station_of(request)
    try:
        login = (await find_invite(station, request.match_info["token"])).login
        token, account, login = await enrol_totp(
            station,
            request.match_info["token"],
            form.get("otp", ""),
            caller_of(request, login),
            session_token(request),
        )
    except BadInput as fault:
        return await _once_more(request, fault)
    except (InviteOver, NotFound) as error:
        return _over(request, error)
    return signed_in(request, token, account, login, HOME_OF[account.role], "staff")


async def _once_more(request: web.Request, fault: BadInput, again: bool = False) -> web.StreamResponse:
    try:
        invite = await find_invite(station_of(request), request.match_info["token"])
    except (InviteOver, NotFound) as error:
        return _over(request, error)
    return _step(request, invite, fault, again)
