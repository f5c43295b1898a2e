"""Open data: cases as strangers may read them, as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import urlencode

from aiohttp import web

from station.base.errors import NotFound
from station.base.web import answer_json, query_cursor, query_text, station_of
from station.cases import service
from station.cases.model import parse_number
from station.cases.pages.public_pages import page_of
from station.cases.records import Case


@dataclass(frozen=True, slots=True)
class PublicCase:
    """A case in the open. `title` and `reply` are null until the station has reviewed them."""

    number: str
    state: str
    title: str | None
    reply: str | None
    deputy: str
    unit: str | None
    opened_at: datetime
    changed_at: datetime
    due_on: date | None
    due_is_provisional: bool
    url: str


@dataclass(frozen=True, slots=True)
class PublicCases:
    """One page of the list; `next` is the address of the one that follows, null at the end.

    `total` and `pages` are null for a search that finds more than is counted, `page` on a page reached by `next`.
    """

    items: list[PublicCase]
    total: int | None
    page: int | None
    pages: int | None
    next: str | None


def as_public(case: Case) -> PublicCase:
    """A case that has been through `public_case` as the API shows it."""
    due = case.due
    return PublicCase(
        number=case.number,
        state=case.state,
        title=case.public_title or None,
        reply=case.public_reply or None,
        deputy=case.deputy_name,
        unit=case.unit_name or None,
        opened_at=case.opened_at,
        changed_at=case.changed_at,
        due_on=due.day if due else None,
        due_is_provisional=bool(due and due.provisional),
        url=f"/cases/{case.id}",
    )


async def list_cases(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/cases?q=&page=&after="""
    words = query_text(request, "q")
    found = await service.list_public(station_of(request), words, page_of(request), cursor=query_cursor(request))
    items = [as_public(line.case) for line in found.lines]
    follows = {"q": words, "after": found.after} if words else {"after": found.after}
    next_page = f"/api/v1/cases?{urlencode(follows)}" if found.after else None
    return answer_json(PublicCases(items, found.total, found.page, found.pages, next_page))


async def get_case(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/cases/{number}: `2026-0417`, or the full number. Raises NotFound."""
    number = parse_number(request.match_info["number"])
    if number is None or number[0] is None:
        raise NotFound
    case = await service.find_public(station_of(request), number[0], number[1])
    if case is None:
        raise NotFound
    return answer_json(as_public(case))
