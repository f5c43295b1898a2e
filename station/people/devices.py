"""Browsers that have signed in under a name before: their tries are counted apart from those of strangers.

The cookie holds a random id and, for each name, a code that only this station can make of both (OWASP: slow down online
guessing with device cookies). It opens nothing by itself.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

from aiohttp import web

from station.base.origin import is_secure
from station.base.text import same_secret
from station.base.web import CSRF_KEY

DEVICE_COOKIE = "station_device"
MAX_NAMES = 8  # on a computer that a whole office uses
KEEP_S = 365 * 86400
_FORM = re.compile(r"[0-9a-f]{32}(\.[0-9a-f]{32})+")


def device_for(request: web.Request, name: str) -> str:
    """The id of this browser if it has signed in under the name (login or telephone number) before, else ""."""
    device, codes = _read(request)
    ours = _code(request, device, name)
    return device if any(same_secret(ours, code) for code in codes) else ""


def remember_device(request: web.Request, response: web.StreamResponse, name: str) -> None:
    """Note that this browser signed in under the name."""
    device, codes = _read(request)
    device = device or secrets.token_hex(16)
    ours = _code(request, device, name)
    kept = [ours, *(code for code in codes if code != ours)][:MAX_NAMES]
    response.set_cookie(
        DEVICE_COOKIE,
        ".".join([device, *kept]),
        max_age=KEEP_S,
        httponly=True,
        samesite="Lax",
        path="/",
        secure=is_secure(request),
    )


def _read(request: web.Request) -> tuple[str, list[str]]:
    sent = request.cookies.get(DEVICE_COOKIE, "")
    if _FORM.fullmatch(sent) is None:
        return "", []
    device, *codes = sent.split(".")
    return device, codes[:MAX_NAMES]


def _code(request: web.Request, device: str, name: str) -> str:
    text = f"device\n{device}\n{name}".encode("utf-8", "surrogatepass")
    return hmac.new(request.app[CSRF_KEY], text, hashlib.sha256).hexdigest()[:32]
