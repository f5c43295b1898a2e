"""Sign-in and sign-out pages, language and reading mode, the privacy page."""

from __future__ import annotations

from functools import partial
from urllib.parse import quote

from aiohttp import web

from station.base.errors import BadInput
from station.base.events import SESSION_CHECK, SessionCheck
from station.base.origin import client_address, counted_address, is_secure
from station.base.principal import GUEST, Role
from station.base.web import (
    PRINCIPAL,
    Handler,
    needs_session,
    principal_of,
    read_form,
    render,
    see_other,
    station_of,
)
from station.people import signin
from station.people.model import SESSION_LIFETIME, check_phone, mask_phone

SESSION_COOKIE = "station_session"
HOME_OF = {
    Role.CITIZEN: "/my",
    Role.DEPUTY: "/deputy",
    Role.CLERK: "/desk",
    Role.UNIT: "/unit",
    Role.SUPERVISOR: "/oversight",
    Role.ADMIN: "/desk",
}


@web.middleware
async def sessions(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Find out who is asking, from the session cookie."""
    token = request.cookies.get(SESSION_COOKIE, "")
    request[PRINCIPAL] = GUEST
    if token and needs_session(request):
        station, address = station_of(request), client_address(request)
        request[PRINCIPAL] = who = await signin.find_principal(station, token, address)
        request[SESSION_CHECK] = SessionCheck(partial(signin.find_session, station, who.session, address))
    return await handler(request)


def safe_next(raw: str | None) -> str:
    """A path on this site to go on to, or "" (an open redirect would serve phishing)."""
    path = raw or ""
    if path.startswith("/") and not path.startswith(("//", "/\\")) and "\n" not in path and len(path) < 500:
        return path
    return ""


async def ask_phone(request: web.Request) -> web.StreamResponse:
    """First page of a citizen's sign-in."""
    return render(request, "people/signin.html", fields={}, phone="", next=safe_next(request.query.get("next")))


async def send_code(request: web.Request) -> web.StreamResponse:
    """Send the one-time code and ask for it."""
    form = await read_form(request)
    onward = safe_next(form.get("next"))
    try:
        phone = await signin.send_code(station_of(request), form.get("phone", ""), counted_address(request))
    except BadInput as error:
        typed = form.get("phone", "")
        return render(request, "people/signin.html", error.status, fields=error.fields, phone=typed, next=onward)
    return see_other(f"/signin/code?phone={phone}&next={quote(onward, safe='')}")


async def ask_code(request: web.Request) -> web.StreamResponse:
    """Second page: the code that came by SMS."""
    phone = check_phone(request.query.get("phone", ""))
    onward = safe_next(request.query.get("next"))
    return render(request, "people/signin_code.html", fields={}, phone=phone, shown=mask_phone(phone), next=onward)


async def check_code(request: web.Request) -> web.StreamResponse:
    """Check the code and sign in."""
    form = await read_form(request)
    phone = check_phone(form.get("phone", ""))
    onward = safe_next(form.get("next"))
    await station_of(request).bus.limit(f"check-from:{counted_address(request)}", 60, 600)
    try:
        token = await signin.check_code(station_of(request), phone, form.get("code", ""))
    except BadInput as error:
        shown = mask_phone(phone)
        template, fields = "people/signin_code.html", error.fields
        return render(request, template, error.status, fields=fields, phone=phone, shown=shown, next=onward)
    return _signed_in(request, token, onward or "/my")


async def ask_password(request: web.Request) -> web.StreamResponse:
    """Sign-in of staff, deputies, units and supervisors."""
    onward = safe_next(request.query.get("next"))
    return render(request, "people/signin_staff.html", fields={}, login="", next=onward)


async def check_password(request: web.Request) -> web.StreamResponse:
    """Check name, password and dynamic code."""
    form = await read_form(request)
    onward = safe_next(form.get("next"))
    await station_of(request).bus.limit(f"check-from:{counted_address(request)}", 60, 600)
    try:
        token, account = await signin.check_password(
            station_of(request), form.get("login", ""), form.get("password", ""), form.get("otp", "")
        )
    except (signin.WrongLogin, signin.AccountLocked) as error:
        typed, fields = form.get("login", ""), {"login": error.text}
        return render(request, "people/signin_staff.html", error.status, fields=fields, login=typed, next=onward)
    return _signed_in(request, token, onward or HOME_OF[Role(account.role)])


async def sign_out(request: web.Request) -> web.StreamResponse:
    """End this session."""
    await signin.close_session(station_of(request), request.cookies.get(SESSION_COOKIE, ""))
    response = see_other("/")
    response.del_cookie(SESSION_COOKIE, path="/")
    return response


async def choose_language(request: web.Request) -> web.StreamResponse:
    """Keep the chosen language in a cookie and go back."""
    return _remember(request, "lang", request.match_info["language"])


async def choose_mode(request: web.Request) -> web.StreamResponse:
    """Keep the reading mode (长辈版 or standard) in a cookie and go back."""
    return _remember(request, "mode", request.match_info["mode"])


async def privacy(request: web.Request) -> web.StreamResponse:
    """What personal data is kept, what for, how long."""
    settings = station_of(request).settings
    return render(
        request,
        "people/privacy.html",
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
    response.set_cookie(name, value, max_age=365 * 86400, samesite="Lax", path="/", secure=is_secure(request))
    return response


def _signed_in(request: web.Request, token: str, onward: str) -> web.Response:
    response = see_other(onward)
    age = int(SESSION_LIFETIME.total_seconds())
    response.set_cookie(
        SESSION_COOKIE, token, max_age=age, httponly=True, samesite="Lax", path="/", secure=is_secure(request)
    )
    return response
