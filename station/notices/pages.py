"""The page of notices that everybody who is signed in has, and the number of new ones in each page's head."""

from __future__ import annotations

from functools import partial
from itertools import groupby

import structlog
from aiohttp import web

from station.base.clock import local_date
from station.base.web import (
    UNREAD,
    Handler,
    language_of,
    principal_of,
    query_number,
    render,
    see_other,
    station_of,
    translate,
)
from station.notices.model import target_of
from station.notices.service import count_unread, my_notices, read_all, read_notice

log = structlog.get_logger()
LAST_PAGE = 1000
_NO_PAGES = ("/static/", "/api/", "/media/", "/whip/", "/whep/")


@web.middleware
async def unread_notices(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count what is new for who asks for a page. Bookkeeping: when it fails the page comes without the number."""
    who = principal_of(request)
    if who.signed_in and _is_page(request.path):  # a POST answers with a page too, when it is refused
        try:
            request[UNREAD] = await count_unread(station_of(request), who)
        except Exception:
            log.exception("unread_not_counted")
    return await handler(request)


def _is_page(path: str) -> bool:
    """Whether an address answers with a page, not with a file, a stream or JSON: a viewer asks for many of those."""
    return not path.startswith(_NO_PAGES) and "." not in path.rpartition("/")[2] and not path.endswith("/events")


async def list_notices(request: web.Request) -> web.StreamResponse:
    """The caller's notices, by day, newest first."""
    station, who = station_of(request), principal_of(request)
    page = query_number(request, "page", 1, least=1, most=LAST_PAGE)
    found, more = await my_notices(station, who, page)
    days = [(day, list(rows)) for day, rows in groupby(found, key=lambda notice: local_date(notice.created_at))]
    language = language_of(request)
    return render(
        request,
        "notices/notices.html",
        words=lambda notice: notice.words(partial(translate, request), language),
        days=days,
        page=page,
        more=more,
        new=await count_unread(station, who),
        today=local_date(station.clock.now()),
        leads=frozenset(notice.id for notice in found if target_of(notice, who.role)),
    )


async def follow_notice(request: web.Request) -> web.StreamResponse:
    """Go to what a notice tells of; from then on it is not new."""
    who = principal_of(request)
    notice = await read_notice(station_of(request), who, request.match_info["notice"])
    return see_other(target_of(notice, who.role) or "/notices")


async def mark_all_read(request: web.Request) -> web.StreamResponse:
    """都看过了: nothing is new any longer."""
    await read_all(station_of(request), principal_of(request))
    return see_other("/notices")
