"""The supervisor's pages: what is late, cards, the league of units."""

from __future__ import annotations

from urllib.parse import urlencode

from aiohttp import web

from station.base.errors import BadInput, NotFound
from station.base.idempotency import answer_at
from station.base.ids import is_safe_name
from station.base.web import principal_of, query_cursor, query_number, read_form, render, see_other, station_of
from station.cases import service
from station.cases.law.policy import policy_of
from station.cases.model import Colour
from station.cases.pages.forms import WORDS, case_id_of, show_case
from station.cases.reads.charts import bar_chart, spark_points
from station.cases.reads.figures import Month
from station.cases.reads.overview import cards_page, oversight

_PAGES = ("before", "after", "cards-before", "cards-after")
UNITS_SHOWN = 25  # rows of the league; the others by its links


async def show_month(request: web.Request) -> web.StreamResponse:
    """The finding in one sentence, the chart, what to press, the league."""
    station = station_of(request)
    month = Month.parse(request.query.get("month", ""))
    async with station.database.snapshot():
        seen = await oversight(station, principal_of(request), month)
    first = query_number(request, "from", 1, least=1, most=max(1, len(seen.league)))
    return render(
        request,
        "oversight/month.html",
        seen=seen,
        first=first,
        shown=UNITS_SHOWN,
        chart=bar_chart(seen.bars),
        spark=spark_points,
        policy=policy_of(station),
        newest=Month.of(station.clock.now()),
        **WORDS,
    )


async def list_cards(request: web.Request) -> web.StreamResponse:
    """All late cases and all cards, newest first, with the form to withdraw one."""
    return await _cards(request, {}, {})


async def _cards(request: web.Request, fields: dict[str, str], form: dict[str, str]) -> web.Response:
    late, issued = query_cursor(request), query_cursor(request, "cards-")
    seen = await cards_page(station_of(request), principal_of(request), late, issued)
    status = 422 if fields else 200
    query = _pages_shown(request)
    return render(
        request, "oversight/cards.html", status=status, seen=seen, fields=fields, form=form, query=query, **WORDS
    )


def _pages_shown(request: web.Request) -> str:
    """The part of the address that says which pages of the two lists are shown, for what comes back to them."""
    shown = {name: request.query[name] for name in _PAGES if name in request.query}
    return f"?{urlencode(shown)}" if shown else ""


async def show_case_page(request: web.Request) -> web.StreamResponse:
    """One case with the form to issue a card."""
    return await show_case(request, "oversight/case.html")


async def issue_card(request: web.Request) -> web.StreamResponse:
    """发牌 by hand."""
    case_id, form = case_id_of(request), await read_form(request)
    try:
        if form.get("colour") not in set(Colour):
            raise BadInput(fields={"colour": "请选黄牌或红牌"})
        colour = Colour(form["colour"])
        await service.issue_card(station_of(request), principal_of(request), case_id, colour, form.get("reason", ""))
    except BadInput as error:
        return await show_case(request, "oversight/case.html", error.fields, form)
    return see_other(f"/oversight/cases/{case_id}")


async def withdraw_card(request: web.Request) -> web.StreamResponse:
    """收回 a card."""
    card_id, form = request.match_info["card"], await read_form(request)
    if not is_safe_name(card_id):
        raise NotFound
    answer_at(location := f"/oversight/cards{_pages_shown(request)}")
    try:
        await service.withdraw_card(station_of(request), principal_of(request), card_id, form.get("reason", ""))
    except BadInput as error:
        fields = {f"{card_id}-{name}": words for name, words in error.fields.items()}
        return await _cards(request, fields, form)
    return see_other(location)
