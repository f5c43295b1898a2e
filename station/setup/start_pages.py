"""`/setup`: from an empty data folder to the first administrator, step by step, without script."""

from __future__ import annotations

from aiohttp import web

from station.base.errors import BadInput, StationError
from station.base.origin import client_address, is_secure
from station.base.principal import Principal, Role
from station.base.web import Handler, read_form, render, see_other, station_of
from station.people.pages import caller_of, session_token, signed_in
from station.people.service import authenticator_uri
from station.setup import forms
from station.setup.default_texts import texts_for
from station.setup.model import Texts, read_facts, read_texts
from station.setup.qr import svg_of
from station.setup.service import save_facts, save_look, save_texts, stored_identity
from station.setup.start_service import (
    MIN_PASSWORD,
    STEPS,
    NoSetUpKey,
    SetUpOver,
    find_set_up,
    finish,
    keep_administrator,
    keep_secret,
    next_step,
    note_step,
    open_by_link,
    read_administrator,
)
from station.setup.start_store import SetUp

COOKIE = "station_setup"
ADMIN = "admin"


def _guarded(handler: Handler) -> Handler:
    """Whoever has no good link, or comes when all is done, reads what to do."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except (NoSetUpKey, SetUpOver) as told:
            return render(request, "setup/closed.html", told.status, over=isinstance(told, SetUpOver), words=told.text)

    return guarded


@_guarded
async def begin(request: web.Request) -> web.StreamResponse:
    """With the link: this browser may set up from now on. Without: on to the step that is next."""
    station, key = station_of(request), request.query.get("key", "")
    if not key:
        return see_other(f"/setup/{next_step(await _state(request))}")
    try:
        await _state(request)
        return see_other("/setup")  # opened again: nothing more is needed, and the key leaves the address
    except NoSetUpKey:
        secret = await open_by_link(station, key)
    response = see_other("/setup")
    response.set_cookie(COOKIE, secret, httponly=True, samesite="Lax", secure=is_secure(request), path="/setup")
    return response


@_guarded
async def show_district(request: web.Request) -> web.StreamResponse:
    """First step: names, telephone, hours."""
    state = await _state(request)
    identity = await stored_identity(station_of(request))
    return _page(request, "district", state, forms.facts_as_typed(identity))


@_guarded
async def keep_district(request: web.Request) -> web.StreamResponse:
    """Save them, and go on."""
    state, form = await _state(request), await read_form(request)
    try:
        facts = read_facts(form)
    except BadInput as fault:
        return _page(request, "district", state, form, fault)
    await save_facts(station_of(request), _who(request), facts)
    return await _onward(request, "district")


@_guarded
async def show_look(request: web.Request) -> web.StreamResponse:
    """Second step: mark and colour, with a specimen."""
    state = await _state(request)
    return _page(request, "look", state, forms.look_as_typed(await stored_identity(station_of(request))))


@_guarded
async def keep_look(request: web.Request) -> web.StreamResponse:
    """Save them; to the next step, or back here to see what they look like."""
    state = await _state(request)
    look, form, faults = await forms.read_look(request)
    if look is None:
        return _page(request, "look", state, form, BadInput(fields=faults))
    await save_look(station_of(request), _who(request), look)
    if form.get("stay") == "yes" or "use" in form:
        return see_other("/setup/look")
    return await _onward(request, "look")


@_guarded
async def show_texts(request: web.Request) -> web.StreamResponse:
    """Third step: notice and wording of consent, with good words to begin with."""
    state = await _state(request)
    identity = await stored_identity(station_of(request))
    texts = Texts.of(identity) if identity.notice.version else texts_for(identity)
    return _page(request, "texts", state, forms.texts_as_typed(texts))


@_guarded
async def keep_texts(request: web.Request) -> web.StreamResponse:
    """Their first version."""
    state, form = await _state(request), await read_form(request)
    try:
        texts = read_texts(form)
    except BadInput as fault:
        return _page(request, "texts", state, form, fault)
    await save_texts(station_of(request), _who(request), texts)
    return await _onward(request, "texts")


@_guarded
async def show_administrator(request: web.Request) -> web.StreamResponse:
    """Last step: name, login, password, and the authenticator."""
    state = await _state(request)
    if next_step(state) != ADMIN:
        return see_other(f"/setup/{next_step(state)}")
    return await _administrator(request)


@_guarded
async def make_administrator(request: web.Request) -> web.StreamResponse:
    """The administrator stands, set-up is over, and who did it is signed in."""
    state, form = await _state(request), await read_form(request)
    if next_step(state) != ADMIN:
        return see_other(f"/setup/{next_step(state)}")
    station = station_of(request)
    try:
        asked = read_administrator(form)
        proven = await keep_administrator(station, asked)
        caller = caller_of(request, asked.login)
        account, token = await finish(station, proven, client_address(request), caller, session_token(request))
    except BadInput as fault:
        await _state(request)  # a newer link may have put this browser out: it is shown no secret any more
        return await _administrator(request, form, fault)
    response = signed_in(request, token, account, asked.login, "/admin", "staff")
    response.del_cookie(COOKIE, path="/setup")
    return response


async def _administrator(
    request: web.Request, form: dict[str, str] | None = None, fault: BadInput | None = None
) -> web.Response:
    station = station_of(request)
    state = await keep_secret(station)
    typed = {"name": state.admin_name, "login": state.admin_login} | (form or {})
    secret = state.totp_secret
    return _page(
        request,
        ADMIN,
        state,
        typed,
        fault,
        qr=svg_of(authenticator_uri(typed["login"] or ADMIN, secret)),
        secret=" ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
        knows_password=bool(state.password_hash) and not (isinstance(fault, BadInput) and "password" in fault.fields),
        least=MIN_PASSWORD,
    )


def _page(
    request: web.Request,
    step: str,
    state: SetUp,
    typed: dict[str, str],
    fault: StationError | None = None,
    **context: object,
) -> web.Response:
    identity = station_of(request).identity
    fields = fault.fields if isinstance(fault, BadInput) else {}
    return render(
        request,
        f"setup/{step}_step.html",
        fault.status if fault else 200,
        present=identity,
        step=step,
        steps=STEPS,
        done=state.steps,
        typed=typed,
        fields=fields,
        **forms.colour_context(identity, typed),
        **context,
    )


async def _state(request: web.Request) -> SetUp:
    return await find_set_up(station_of(request), request.cookies.get(COOKIE, ""))


async def _onward(request: web.Request, step: str) -> web.StreamResponse:
    await note_step(station_of(request), step)
    return see_other(f"/setup/{next_step(await _state(request))}")


def _who(request: web.Request) -> Principal:
    """There is no account yet: the ledger names the station itself, and where it was done from."""
    return Principal("", Role.SYSTEM, "开站", origin=client_address(request))
