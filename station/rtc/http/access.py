"""Who calls: the grant of a request, and the right that it carries."""

from __future__ import annotations

from aiohttp import web

from station.base.errors import NotAllowed
from station.base.grants import ANY_ROOM, Grant, GrantInvalid, GrantVerifier, Right
from station.rtc.http.turn import TurnServer
from station.rtc.rooms.rooms import Rooms

ROOMS = web.AppKey("rooms", Rooms)
TURN = web.AppKey("turn", TurnServer)
VERIFIER = web.AppKey("verifier", GrantVerifier)
MAX_GRANT_CHARS = 4096


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
