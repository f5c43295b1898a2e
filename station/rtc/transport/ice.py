"""How a lite agent, always the controlled one, judges a connectivity check (RFC 8445 7.3, RFC 8489 9)."""

from __future__ import annotations

from station.rtc.formats.stun import BindingRequest

BAD_REQUEST, UNAUTHENTICATED, UNKNOWN_ATTRIBUTE, ROLE_CONFLICT = 400, 401, 420, 487


def fault_of(request: BindingRequest, password: str | None) -> int | None:
    """The error code that a check is refused with; None if it is good. `password` is None for an unknown ufrag."""
    if not request.integrity or not request.local_ufrag:
        return BAD_REQUEST
    if password is None or not request.is_signed_with(password):
        return UNAUTHENTICATED
    if request.unknown:
        return UNKNOWN_ATTRIBUTE
    if request.is_controlled:  # a full agent facing a lite one has to be in control
        return ROLE_CONFLICT
    return None
