"""Who calls: web's service grant as Bearer token, which controls broadcasts and sees what is not public yet."""

from __future__ import annotations

from aiohttp import web

from station.base.errors import NotAllowed
from station.base.grants import ANY_ROOM, GrantInvalid, GrantVerifier, Right, bearer_token

VERIFIER = web.AppKey("verifier", GrantVerifier)


def check_service(request: web.Request) -> None:
    """Raises GrantInvalid without a good token, NotAllowed for a grant that is not the service's."""
    token = bearer_token(request.headers.get("Authorization", ""))
    if not request.app[VERIFIER].verify(token).allows(Right.MANAGE, ANY_ROOM):
        raise NotAllowed


def is_service(request: web.Request) -> bool:
    """Whether the request carries a service grant; anything else is an ordinary viewer."""
    try:
        check_service(request)
    except (GrantInvalid, NotAllowed):
        return False
    return True


def is_service_grant(verifier: GrantVerifier, token: str) -> bool:
    """Whether a token is a service grant that has not run out."""
    try:
        return verifier.verify(token).allows(Right.MANAGE, ANY_ROOM)
    except GrantInvalid:
        return False
