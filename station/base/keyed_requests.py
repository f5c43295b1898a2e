"""The idempotency key of a request: the hidden field of a form, or the header `Idempotency-Key` of a script."""

from __future__ import annotations

import hashlib
import re

import msgspec
from aiohttp import web

from station.base.errors import N_, StationError
from station.base.idempotency import CURRENT, AlreadyDone, Attempt, check_not_done
from station.base.web import Handler, page_of_form, principal_of, read_form, see_other, station_of

FORM_KEY = "form_key"
# What a newer page says anew when the words of an older one are put back into it.
OF_THE_PAGE = ("csrf", "seen", "kept", FORM_KEY)
_FORM_KEY = re.compile(r"[A-Za-z0-9_-]{16,64}")
_HEADER = re.compile(r'"([\x20-\x21\x23-\x5b\x5d-\x7e]{8,128})"')  # a string of RFC 9651 §3.3.3, without escapes


class MalformedKey(StationError):
    code = "idempotency-key-malformed"
    message = N_("Idempotency-Key 要写成引号里的 8 到 128 个字符")


async def answer_once(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Do what a request asks, unless it was sent before with the same key: then it is answered as it was then.

    A script's request is answered by its handler, which looks up what was made. Raises MalformedKey, KeyReused.
    """
    is_script = request.path.startswith("/api/")
    attempt = await (_of_script(request) if is_script else _of_form(request))
    if attempt is None:
        return await handler(request)
    token = CURRENT.set(attempt)
    try:
        if not is_script:
            await check_not_done(station_of(request).database, attempt)
        return await handler(request)
    except AlreadyDone as done:
        if is_script:
            raise
        return see_other(done.location)
    finally:
        CURRENT.reset(token)


async def _of_form(request: web.Request) -> Attempt | None:
    form = await read_form(request)
    key = form.get(FORM_KEY, "")
    if not _FORM_KEY.fullmatch(key):
        return None
    content = sorted((name, value) for name, value in form.items() if name not in OF_THE_PAGE)
    return Attempt(_hash(request, key, _digest(msgspec.json.encode(content))), location=page_of_form(request))


async def _of_script(request: web.Request) -> Attempt | None:
    sent = request.headers.get("Idempotency-Key")
    if sent is None:
        return None
    key = _HEADER.fullmatch(sent.strip())
    if key is None:
        raise MalformedKey
    return Attempt(_hash(request, key[1]), _digest(await request.read()))


def _hash(request: web.Request, *parts: str) -> str:
    return _digest(msgspec.json.encode([principal_of(request).account, request.path, *parts]))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
