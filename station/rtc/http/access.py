"""Who calls: the grant of a request, and errors as problem details (RFC 9457) at the one place that maps them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from station.base.errors import NotAllowed, StationError
from station.base.grants import ANY_ROOM, Grant, GrantInvalid, GrantVerifier, Right
from station.rtc.http.turn import TurnServer
from station.rtc.rooms.rooms import Rooms

ROOMS = web.AppKey("rooms", Rooms)
TURN = web.AppKey("turn", TurnServer)
VERIFIER = web.AppKey("verifier", GrantVerifier)
MAX_GRANT_CHARS = 4096

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def bearer(request: web.Request) -> Grant:
    """The grant in the Authorization header. Raises GrantInvalid."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or len(token) > MAX_GRANT_CHARS:
        raise GrantInvalid
    return request.app[VERIFIER].verify(token.strip())


def check_right(request: web.Request, right: Right, room: str = ANY_ROOM) -> Grant:
    """The grant, if it carries the right for that room. Raises GrantInvalid, NotAllowed."""
    grant = bearer(request)
    if not grant.allows(right, room):
        raise NotAllowed
    return grant


def problem(error: StationError) -> web.Response:
    """An error as problem details."""
    body = {"type": "about:blank", "title": error.code, "status": error.status, "detail": str(error)}
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else {}
    if (retry_after_s := getattr(error, "retry_after_s", None)) is not None:
        headers["Retry-After"] = str(retry_after_s)
    return web.json_response(body, status=error.status, headers=headers, content_type="application/problem+json")


@web.middleware
async def problems(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Turns what the packages raise into answers."""
    try:
        return await handler(request)
    except StationError as error:
        return problem(error)
