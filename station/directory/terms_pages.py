"""The page of terms: the one that lasts, or the form of the first."""

from __future__ import annotations

from datetime import date

from aiohttp import web

from station.base.errors import BadInput
from station.base.idempotency import answer_at
from station.base.text import fold
from station.base.web import principal_of, read_form, render, see_other, station_of
from station.directory.lists_service import term_that_lasts
from station.directory.terms_service import begin_first_term


async def show_terms(request: web.Request) -> web.StreamResponse:
    """The term that lasts; where there is none yet, the form for it."""
    return await _show(request, {"name": "", "starts_on": ""})


async def begin_term(request: web.Request) -> web.StreamResponse:
    """Write the first term."""
    form = await read_form(request)
    values = {"name": form.get("name", ""), "starts_on": fold(form.get("starts_on", ""))}
    answer_at("/admin/terms?saved=1")
    try:
        day = date.fromisoformat(values["starts_on"])
    except ValueError:
        day = None
    try:
        await begin_first_term(station_of(request), principal_of(request), values["name"], day)
    except BadInput as error:
        return await _show(request, values, 422, error.fields)
    return see_other("/admin/terms?saved=1")


async def _show(
    request: web.Request, values: dict[str, str], status: int = 200, fields: dict[str, str] | None = None
) -> web.StreamResponse:
    term = await term_that_lasts(station_of(request))
    saved = "saved" in request.query
    return render(request, "admin/terms.html", status, term=term, values=values, fields=fields or {}, saved=saved)
