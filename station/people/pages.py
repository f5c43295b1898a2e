"""Sign-in and sign-out pages, language and reading mode, the privacy page."""

from __future__ import annotations

from functools import partial

from aiohttp import web

from station.base.errors import BadInput, StationError, TooManyRequests
from station.base.events import SESSION_CHECK, SessionCheck
from station.base.identity import parts_of
from station.base.origin import client_address, counted_address, is_secure
from station.base.principal import GUEST, Role
from station.base.visit import renew_visit, visit_of
from station.base.web import (
    PRINCIPAL,
    Handler,
    language_of,
    needs_session,
    principal_of,
    read_form,
    render,
    see_other,
    station_of,
    translate,
)
from station.people import signin
from station.people.browser_model import name_browser
from station.people.devices import device_for, remember_device
from station.people.model import SESSION_LIFETIME, Account, Caller, check_phone, fold_login, mask_phone
from station.people.way_back import CITIZEN_FORM, CODE_FORM, STAFF_FORM, safe_next, sign_in_address
from station.people.way_in import WAY_COOKIE

SESSION_COOKIE = "station_session"
HOME_OF = {
    Role.CITIZEN: "/my",
    Role.DEPUTY: "/deputy",
    Role.CLERK: "/desk",
    Role.UNIT: "/unit",
    Role.SUPERVISOR: "/oversight",
    Role.ADMIN: "/admin",
}


@web.middleware
async def sessions(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Find out who is asking, from the session cookie."""
    token = session_token(request)
    request[PRINCIPAL] = GUEST
    if token and needs_session(request):
        station, address = station_of(request), client_address(request)
        request[PRINCIPAL] = who = await signin.find_principal(station, token, address)
        request[SESSION_CHECK] = SessionCheck(partial(signin.find_session, station, who.session, address))
    return await handler(request)


def session_token(request: web.Request) -> str:
    """The secret of the session that this browser has, "" for none."""
    return request.cookies.get(SESSION_COOKIE, "")


def caller_of(request: web.Request, name: str) -> Caller:
    """Who asks, as limits see them; `name` is the login or number they sign in with."""
    browser = name_browser(request.headers.get("User-Agent", ""))
    return Caller(counted_address(request), visit_of(request), device_for(request, name), browser)


async def ask_phone(request: web.Request) -> web.StreamResponse:
    """First page of a citizen's sign-in."""
    return _phone_form(request, safe_next(request.query.get("next")))


def _phone_form(request: web.Request, onward: str, typed: str = "", error: StationError | None = None) -> web.Response:
    fields = error.fields if isinstance(error, BadInput) else {"phone": _told(request, error)} if error else {}
    status = error.status if error else 200
    return render(
        request,
        "people/signin.html",
        status,
        fields=fields,
        phone=typed,
        next=onward,
        here=sign_in_address(CITIZEN_FORM, onward),
        staff_form=sign_in_address(STAFF_FORM, onward),
    )


async def send_code(request: web.Request) -> web.StreamResponse:
    """Send the one-time code and ask for it. Without a number: once more to the one of this visit."""
    form = await read_form(request)
    station, onward = station_of(request), safe_next(form.get("next"))
    typed = form.get("phone", "") or ("again" in form and await signin.phone_of_visit(station, visit_of(request))) or ""
    try:
        caller = caller_of(request, check_phone(typed))
        await signin.send_code(station, typed, caller)
    except (BadInput, TooManyRequests) as error:
        answer = _phone_form(request, onward, form.get("phone", ""), error)
        if isinstance(error, TooManyRequests):
            answer.headers["Retry-After"] = str(error.retry_after_s)
        return answer
    return see_other(sign_in_address(CODE_FORM, onward))


async def ask_code(request: web.Request) -> web.StreamResponse:
    """Second page: the code that came by SMS."""
    return await _code_form(request, safe_next(request.query.get("next")))


async def _code_form(request: web.Request, onward: str, error: BadInput | None = None) -> web.StreamResponse:
    phone = await signin.phone_of_visit(station_of(request), visit_of(request))
    first_page = sign_in_address(CITIZEN_FORM, onward)
    if not phone:
        return see_other(first_page)
    fields, status = (error.fields, error.status) if error else ({}, 200)
    return render(
        request,
        "people/signin_code.html",
        status,
        fields=fields,
        shown=mask_phone(phone),
        next=onward,
        here=sign_in_address(CODE_FORM, onward),
        first_page=first_page,
    )


async def check_code(request: web.Request) -> web.StreamResponse:
    """Check the code and sign in."""
    form = await read_form(request)
    station, onward = station_of(request), safe_next(form.get("next"))
    caller = caller_of(request, await signin.phone_of_visit(station, visit_of(request)))
    try:
        token, account = await signin.check_code(station, form.get("code", ""), caller, session_token(request))
    except BadInput as error:
        return await _code_form(request, onward, error)
    return signed_in(request, token, account, account.phone, onward or "/my", "citizen")


async def ask_password(request: web.Request) -> web.StreamResponse:
    """Sign-in of staff, deputies, units and supervisors."""
    return _password_form(request, safe_next(request.query.get("next")))


def _password_form(
    request: web.Request, onward: str, login: str = "", error: StationError | None = None
) -> web.Response:
    fields = error.fields if isinstance(error, BadInput) else {"login": _told(request, error)} if error else {}
    status = error.status if error else 200
    return render(
        request,
        "people/signin_staff.html",
        status,
        fields=fields,
        login=login,
        next=onward,
        here=sign_in_address(STAFF_FORM, onward),
        citizen_form=sign_in_address(CITIZEN_FORM, onward),
    )


def _told(request: web.Request, error: StationError) -> str:
    return translate(request, error.text, **error.params)


async def check_password(request: web.Request) -> web.StreamResponse:
    """Check name, password and dynamic code."""
    form = await read_form(request)
    onward, login = safe_next(form.get("next")), form.get("login", "")
    caller = caller_of(request, fold_login(login))
    try:
        token, account = await signin.check_password(
            station_of(request), login, form.get("password", ""), form.get("otp", ""), caller, session_token(request)
        )
    except (BadInput, signin.WrongLogin, signin.TooManyTries) as error:
        return _password_form(request, onward, login, error)
    return signed_in(request, token, account, fold_login(login), onward or HOME_OF[Role(account.role)], "staff")


async def sign_out(request: web.Request) -> web.StreamResponse:
    """End this session, and the visit with it."""
    await signin.close_session(station_of(request), session_token(request))
    response = see_other("/")
    response.del_cookie(SESSION_COOKIE, path="/")
    renew_visit(request, response)
    return response


async def choose_language(request: web.Request) -> web.StreamResponse:
    """Keep the chosen language in a cookie and go back."""
    return _remember(request, "lang", request.match_info["language"])


async def choose_mode(request: web.Request) -> web.StreamResponse:
    """Keep the reading mode (长辈版 or standard) in a cookie and go back."""
    return _remember(request, "mode", request.match_info["mode"])


async def privacy(request: web.Request) -> web.StreamResponse:
    """What personal data is kept, what for, how long."""
    station = station_of(request)
    settings, notice = station.settings, station.identity.notice
    return render(
        request,
        "people/privacy.html",
        notice=notice,
        notice_parts=parts_of(notice.in_language(language_of(request))),
        session_days=SESSION_LIFETIME.days,
        notices_days=settings.keep_notices_days,
        recordings_years=settings.keep_recordings_years,
    )


async def my_home(request: web.Request) -> web.StreamResponse:
    """Where a signed-in person's work is."""
    role = principal_of(request).role
    return see_other(HOME_OF.get(role, "/"))


def _remember(request: web.Request, name: str, value: str) -> web.Response:
    response = see_other(safe_next(request.query.get("next")) or "/")
    _keep(request, response, name, value)
    return response


def _keep(request: web.Request, response: web.Response, name: str, value: str) -> None:
    response.set_cookie(name, value, max_age=365 * 86400, samesite="Lax", path="/", secure=is_secure(request))


def signed_in(request: web.Request, token: str, account: Account, name: str, onward: str, way: str) -> web.Response:
    """On to a page, with the new session; the browser is known under `name` from now on."""
    response = see_other(onward)
    age = int(SESSION_LIFETIME.total_seconds())
    response.set_cookie(
        SESSION_COOKIE, token, max_age=age, httponly=True, samesite="Lax", path="/", secure=is_secure(request)
    )
    _keep(request, response, WAY_COOKIE, way)
    remember_device(request, response, name)
    renew_visit(request, response)
    return response
