"""Who calls: the grant of a request and the right that it carries, and the page that a browser sends it from."""

from __future__ import annotations

from aiohttp import web

from station.base.errors import NotAllowed
from station.base.grants import ANY_ROOM, Grant, GrantVerifier, Right, bearer_token
from station.rtc.http.turn import TurnServer
from station.rtc.rooms.rooms import Rooms

ROOMS = web.AppKey("rooms", Rooms)
TURN = web.AppKey("turn", TurnServer)
VERIFIER = web.AppKey("verifier", GrantVerifier)
PUBLIC_ORIGIN = web.AppKey("public_origin", str)


def bearer(request: web.Request) -> Grant:
    """The grant in the Authorization header. Raises GrantInvalid."""
    return request.app[VERIFIER].verify(bearer_token(request.headers.get("Authorization", "")))


def check_right(request: web.Request, right: Right, room: str = ANY_ROOM) -> Grant:
    """The grant, if it carries the right for that room. Raises GrantInvalid, NotAllowed."""
    grant = bearer(request)
    if not grant.allows(right, room):
        raise NotAllowed
    return grant


def is_own_page(request: web.Request, public_origin: str) -> bool:
    """Whether a request comes from no browser, or from a page of this station: of its public origin, or of the host
    that the request was sent to (RFC 6454; the proxy in front passes Host on).
    """
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    host = origin.lower().partition("://")[2]
    return bool(host) and (host == request.host.lower() or origin.lower() == public_origin)
