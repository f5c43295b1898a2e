"""Who calls: web's service grant as Bearer token, which controls broadcasts and sees what is not public yet."""

from __future__ import annotations

from aiohttp import web

from station.base.errors import NotAllowed, NotSignedIn
from station.base.grants import ANY_ROOM, GrantInvalid, GrantVerifier, Right

VERIFIER = web.AppKey("verifier", GrantVerifier)


def check_service(request: web.Request) -> None:
    """Raises NotSignedIn without a token, NotAllowed for a grant that is not the service's, GrantInvalid."""
    token = _bearer(request)
    if token is None:
        raise NotSignedIn
    if not request.app[VERIFIER].verify(token).allows(Right.MANAGE, ANY_ROOM):
        raise NotAllowed


def is_service(request: web.Request) -> bool:
    """Whether the request carries a service grant; anything else is an ordinary viewer."""
    token = _bearer(request)
    return token is not None and is_service_grant(request.app[VERIFIER], token)


def is_service_grant(verifier: GrantVerifier, token: str) -> bool:
    """Whether a token is a service grant that has not run out."""
    try:
        return verifier.verify(token).allows(Right.MANAGE, ANY_ROOM)
    except GrantInvalid:
        return False


def _bearer(request: web.Request) -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
