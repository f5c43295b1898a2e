"""Which sign-in form somebody is sent to, and the page that they come back to."""

from __future__ import annotations

from aiohttp import web

from station.base.principal import Role
from station.base.web import page_of_form, route_of
from station.people.rights import RIGHTS, Action
from station.people.way_back import CITIZEN_FORM, STAFF_FORM, sign_in_address

WAY_COOKIE = "signs_in_as"  # "staff" or "citizen": the form that this browser used last
# Whose page a form stood on, where the browser has lost all else that would tell: the role of the token's account.
ROLE_OF_PAGE: web.RequestKey[Role] = web.RequestKey("role_of_page", Role)


def sign_in_page(request: web.Request) -> str:
    """The form at which the caller most likely signs in, leading back to the page that was asked for."""
    return sign_in_address(_form_for(request), page_of_form(request))


def _form_for(request: web.Request) -> str:
    route = route_of(request)
    if route is not None and Role.CITIZEN not in RIGHTS[Action(route.action)]:
        return STAFF_FORM
    if ROLE_OF_PAGE in request:
        return CITIZEN_FORM if request[ROLE_OF_PAGE] is Role.CITIZEN else STAFF_FORM
    return STAFF_FORM if request.cookies.get(WAY_COOKIE) == "staff" else CITIZEN_FORM
