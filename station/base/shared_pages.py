"""Pages that all guests get alike are made once and given to each of them, for a second at most.

What is kept is valid until a change is committed in this process, so that whoever changed something never sees it as it
was; a change made by another process (work, or a second web) shows after LIFETIME_S at the latest. The same holds for
what is taken back: a recalled case or a withdrawn consent. Whoever is signed in gets a page of their own.

Such a page holds no CSRF token and sets no cookie: its bytes depend on address, language and reading mode alone. Caches
may store it, but must ask each time (`no-cache`, RFC 9111 §5.2.2.4), and are told by the ETag whether it has changed.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import web

from station.base.station import Station
from station.base.web import SHARED, Handler, language_of, reading_mode

LIFETIME_S = 1.0
MAX_PAGES = 200
MAX_PAGE_BYTES = 64 * 1024
HEADERS = {"Cache-Control": "no-cache", "Vary": "Cookie, Accept-Language"}

_Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class _Page:
    body: bytes
    etag: str
    changes: int  # of the database, when its making began
    made_s: float
    made_at: datetime


class SharedPages:
    """The pages kept by one web process."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._pages: dict[_Key, _Page] = {}
        self._making: dict[_Key, asyncio.Future[_Page | None]] = {}

    async def answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """The page for a guest: the one that is kept, or else what the handler makes. Raises what it raises."""
        key = (request.path_qs, language_of(request), reading_mode(request))
        page, asked_at = self._valid(key), self._station.database.changes
        # Of many who come at once the first one has it made, and the others wait for it: for the next one where it was
        # begun before a change that they may know of. Where it fails each asks for a page of their own, as one after
        # the other they would wait for ever longer.
        while page is None and (making := self._making.get(key)) is not None:
            made = await asyncio.shield(making)
            if made is None:
                return await handler(request)
            page = made if made.changes >= asked_at else None
        if page is None:
            answer = await self._make_for_all(request, handler, key)
            if not isinstance(answer, _Page):
                return answer
            page = answer
        return _answer_with(request, page)

    async def _make_for_all(self, request: web.Request, handler: Handler, key: _Key) -> _Page | web.StreamResponse:
        making = self._making[key] = asyncio.get_running_loop().create_future()
        made = None
        try:
            made = await self._make(request, handler, key)
            return made
        finally:
            del self._making[key]
            making.set_result(made if isinstance(made, _Page) else None)

    def _valid(self, key: _Key) -> _Page | None:
        page = self._pages.get(key)
        if page is None or page.changes != self._station.database.changes:
            return None
        age = self._station.clock.now() - page.made_at
        is_fresh = timedelta(0) <= age < timedelta(seconds=LIFETIME_S) and time.monotonic() - page.made_s < LIFETIME_S
        return page if is_fresh else None

    async def _make(self, request: web.Request, handler: Handler, key: _Key) -> _Page | web.StreamResponse:
        # Noted before anything is read: what is committed meanwhile makes the page old from the beginning.
        changes, made_s, made_at = self._station.database.changes, time.monotonic(), self._station.clock.now()
        request[SHARED] = True
        try:
            answer = await handler(request)
        except Exception:
            request[SHARED] = False  # the page of the error is the caller's own
            raise
        if not isinstance(answer, web.Response) or answer.status != 200 or answer.content_type != "text/html":
            return answer
        body = answer.body
        assert isinstance(body, bytes)
        page = _Page(body, hashlib.sha256(body).hexdigest()[:32], changes, made_s, made_at)
        if len(body) <= MAX_PAGE_BYTES:
            self._keep(key, page)
        return page

    def _keep(self, key: _Key, page: _Page) -> None:
        self._pages.pop(key, None)
        while len(self._pages) >= MAX_PAGES:
            del self._pages[next(iter(self._pages))]  # the oldest
        self._pages[key] = page


def _answer_with(request: web.Request, page: _Page) -> web.Response:
    request[SHARED] = True
    headers = HEADERS | {"ETag": f'"{page.etag}"'}
    known = request.if_none_match or ()
    if any(tag.value in (page.etag, "*") for tag in known):
        return web.Response(status=304, headers=headers)
    return web.Response(body=page.body, content_type="text/html", charset="utf-8", headers=headers)


SHARED_PAGES: web.AppKey[SharedPages] = web.AppKey("shared_pages", SharedPages)
