"""Round every form: what was typed survives an error and a session that ran out, and comes back on its page."""

from __future__ import annotations

import re
import secrets
from contextlib import suppress

import structlog
from aiohttp import web
from yarl import URL

from station.base.csrf import owner_of
from station.base.errors import StationError, TooLarge
from station.base.keyed_requests import FORM_KEY, OF_THE_PAGE
from station.base.middleware import CsrfFailed, wants_json
from station.base.origin import counted_address, is_own_origin
from station.base.principal import Role
from station.base.text import clean_text
from station.base.uploads import read_fields_only
from station.base.web import (
    CSRF_KEY,
    KEPT_FORM,
    KEPT_FORM_PAGE,
    LATE_COOKIE,
    SENT_TOKEN,
    UNKEPT_FORM,
    Handler,
    page_of_form,
    principal_of,
    read_form,
    route_of,
    see_other,
    station_of,
)
from station.people.kept_form_service import (
    KEEP_FOR,
    Fields,
    KeptForm,
    find_form,
    forget_form,
    has_form,
    keep_form,
    move_form,
)
from station.people.service import get_account
from station.people.way_back import CITIZEN_FORM, CODE_FORM, STAFF_FORM, safe_next
from station.people.way_in import ROLE_OF_PAGE

log = structlog.get_logger()
KEPT_COOKIE = "station_kept"
_SECRET_FORM = re.compile(r"[A-Za-z0-9_-]{43}")
_NEVER_KEPT = ("/signin", "/signout", "/kept-forms", "/invite/", "/setup")
KEPT_AN_HOUR = 200  # from one address
MAX_ADDRESS_CHARS = 200


@web.middleware
async def kept_forms(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Keep the form when it is not taken; let it go when it is; find it again when its page is shown."""
    if request.method != "POST":
        await _find(request)
        response = await handler(request)
        if KEPT_FORM in request and 300 <= response.status < 400:
            await _follow(request, response.headers.get("Location", ""))
        return response
    if not _may_be_kept(request):
        return await handler(request)
    try:
        response = await handler(request)
    except Exception as error:
        await _keep(request, error)
        raise
    if response.status < 400:
        await _forget(request)
    return response


async def discard(request: web.Request) -> web.StreamResponse:
    """Forget a kept form that is no longer wanted."""
    form = await read_form(request)
    secret = _secret(request)
    if secret:
        await forget_form(station_of(request), secret, form.get("action", ""))
    return see_other(safe_next(form.get("page")) or "/")


def _may_be_kept(request: web.Request) -> bool:
    route = route_of(request)
    if route is None or wants_json(request) or request.path.startswith(_NEVER_KEPT):
        return False
    return request.content_type in ("application/x-www-form-urlencoded", "multipart/form-data")


async def _keep(request: web.Request, error: Exception) -> None:
    """Never raises: the error that brought us here is what the visitor must be told."""
    if isinstance(error, CsrfFailed) and not _says_own_origin(request):
        return  # another site's form is nobody's words here
    await _note_role(request)
    if not isinstance(error, StationError | web.HTTPException):
        log.info("keeping_form_after_failure", path=request.path)
    typed: Fields = []
    try:
        typed = await _fields(request)
        if typed and not await _store(request, typed):
            request[UNKEPT_FORM] = typed
    except (TooLarge, web.HTTPRequestEntityTooLarge):  # more than any form of ours holds: nobody typed that
        return
    except Exception:
        log.exception("form_not_kept", path=request.path)
        request[UNKEPT_FORM] = typed


async def _note_role(request: web.Request) -> None:
    """Whose page it was, for the way to sign in again: with its cookies a browser has lost that as well."""
    if principal_of(request).signed_in or not (account := _owner(request)):
        return
    with suppress(StationError):
        request[ROLE_OF_PAGE] = Role((await get_account(station_of(request), account)).role)


def _says_own_origin(request: web.Request) -> bool:
    """Whether the browser itself says that a page of ours sent this; silence is no proof."""
    return is_own_origin(request) and ("Origin" in request.headers or "Sec-Fetch-Site" in request.headers)


async def _fields(request: web.Request) -> Fields:
    sent = await read_fields_only(request)
    pairs = [(name, clean_text(value)) for name, value in sent.items() if isinstance(value, str)]
    typed = [(name, value) for name, value in pairs if name not in OF_THE_PAGE and value]
    # With its key: should it have been done all the same, it is not done again.
    return [*typed, *((name, value) for name, value in pairs if name == FORM_KEY)] if typed else []


async def _store(request: web.Request, typed: Fields) -> bool:
    station = station_of(request)
    page = page_of_form(request)
    if max(len(page), len(request.path)) > MAX_ADDRESS_CHARS:
        return False
    await station.bus.limit(f"kept-from:{counted_address(request)}", KEPT_AN_HOUR, 3600)
    secret = _secret(request) or secrets.token_urlsafe(32)
    account = _owner(request)
    if not account:
        return False
    if not await keep_form(station, secret, account, KeptForm(request.path, page, typed)):
        return False
    request[LATE_COOKIE] = (KEPT_COOKIE, secret, int(KEEP_FOR.total_seconds()))
    request[KEPT_FORM_PAGE] = page
    return True


def _owner(request: web.Request) -> str:
    """Whose words these are: of whom the page with the form was made for, as its token says.

    Nobody's ("") when somebody else is signed in by now: what is kept would wait here, but not for whoever reads this.
    """
    who = principal_of(request)
    owner = owner_of(request.app[CSRF_KEY], request.get(SENT_TOKEN, ""))
    return owner if not who.signed_in or who.account == owner else ""


async def _find(request: web.Request) -> None:
    secret, who = _secret(request), principal_of(request)
    if not secret or route_of(request) is None or wants_json(request):
        return
    try:
        if request.path in (CITIZEN_FORM, CODE_FORM, STAFF_FORM):
            onward = safe_next(request.query.get("next"))
            if onward and await has_form(station_of(request), secret, onward):
                request[KEPT_FORM_PAGE] = onward
        elif who.signed_in:
            form = await find_form(station_of(request), who, secret, request.path)
            if form is not None:
                request[KEPT_FORM] = form
    except Exception:
        log.exception("kept_form_not_found", path=request.path)


async def _follow(request: web.Request, location: str) -> None:
    """Its page sends its reader on, as the step is no longer possible: the words go along, to be read there."""
    try:
        await move_form(station_of(request), _secret(request), request[KEPT_FORM].action, URL(location).path)
    except Exception:
        log.exception("kept_form_not_moved", path=request.path)


async def _forget(request: web.Request) -> None:
    secret = _secret(request)
    if not secret:
        return
    try:
        await forget_form(station_of(request), secret, request.path)
        if elsewhere := (await read_fields_only(request)).get("kept"):  # its words went another way
            await forget_form(station_of(request), secret, elsewhere)
    except Exception:  # the form has been taken: that it lies here for two hours more is no reason to say otherwise
        log.exception("kept_form_not_forgotten", path=request.path)


def _secret(request: web.Request) -> str:
    sent = request.cookies.get(KEPT_COOKIE, "")
    return sent if _SECRET_FORM.fullmatch(sent) else ""
