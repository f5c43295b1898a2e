"""The visit: a random cookie of each browser that CSRF tokens and one-time codes are bound to; anew at each sign-in."""

from __future__ import annotations

import re
import secrets

from aiohttp import web

from station.base.origin import is_secure
from station.base.web import VISIT

VISIT_COOKIE = "station_visit"
_FORM = re.compile(r"[0-9a-f]{32}")


def take_up_visit(request: web.Request) -> None:
    """Go on with the visit of the cookie, or begin one."""
    sent = request.cookies.get(VISIT_COOKIE, "")
    request[VISIT] = sent if _FORM.fullmatch(sent) else secrets.token_hex(16)


def is_new(request: web.Request) -> bool:
    """Whether the browser does not know its visit yet."""
    return bool(request.get(VISIT)) and request[VISIT] != request.cookies.get(VISIT_COOKIE)


def visit_of(request: web.Request) -> str:
    """The visit that this request belongs to."""
    return str(request[VISIT])


def renew_visit(request: web.Request, response: web.StreamResponse) -> None:
    """Begin another visit with this answer: what was known of the one before, or planted in it, ends here."""
    request[VISIT] = secrets.token_hex(16)
    send_visit(request, response)


def send_visit(request: web.Request, response: web.StreamResponse) -> None:
    """Give the visit to the browser."""
    secure = is_secure(request)
    response.set_cookie(VISIT_COOKIE, request[VISIT], httponly=True, samesite="Lax", secure=secure, path="/")
