"""The way back through sign-in: an address of this site that somebody wanted before, checked part by part."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

MAX_CHARS = 2000
STAFF_FORM = "/signin/staff"
CITIZEN_FORM = "/signin"
CODE_FORM = "/signin/code"
_SAFE_IN_URL = "/?&=%#:@!$'()*+,;~-._[]"


def safe_next(raw: str | None) -> str:
    """A path on this site to go on to, as it may stand in a header, or "" (an open redirect would serve phishing).

    Browsers drop tabs and line ends from an address and take a backslash for a slash (WHATWG URL §4.4), so an address
    with any of them is no path of ours, wherever they stand.
    """
    address = raw or ""
    # Python reads "///x" as the path "/x", a browser as the site x: two slashes at the start are never a path of ours.
    if not address.startswith("/") or address.startswith("//") or len(address) > MAX_CHARS:
        return ""
    if any(sign <= " " or sign == "\\" or not sign.isprintable() for sign in address):
        return ""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    if parts.scheme or parts.netloc:
        return ""
    return quote(address, safe=_SAFE_IN_URL)


def sign_in_address(form: str, onward: str) -> str:
    """The address of a sign-in form that leads back to `onward` afterwards."""
    safe = safe_next(onward)
    return f"{form}?next={quote(safe, safe='')}" if safe else form
