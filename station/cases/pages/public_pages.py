"""Public and citizens' pages of cases: the list, a case, its rating, the rules."""

from __future__ import annotations

from aiohttp import web

from station.base.errors import BadInput, NotAllowed
from station.base.idempotency import answer_at
from station.base.web import (
    principal_of,
    private_file,
    query_cursor,
    query_number,
    query_text,
    read_form,
    render,
    see_other,
    station_of,
)
from station.cases import service
from station.cases.law.policy import policy_of
from station.cases.model import CaseState, StepNotPossible, check_grade
from station.cases.pages.forms import WORDS, case_id_of, seen, show_case
from station.photos.model import CONTENT_TYPE

MAX_PAGE = 100_000


def page_of(request: web.Request) -> int:
    """The page number in the query; the first for rubbish."""
    return query_number(request, "page", 1, least=1, most=MAX_PAGE)


async def list_cases(request: web.Request) -> web.StreamResponse:
    """The public list, searchable by number and published words."""
    words = query_text(request, "q")
    found = await service.list_public(station_of(request), words, page_of(request), cursor=query_cursor(request))
    return render(request, "cases/list.html", found=found, **WORDS)


async def show_rules(request: web.Request) -> web.StreamResponse:
    """The region's numbers, each with the article it stands on."""
    return render(request, "cases/rules.html", policy=policy_of(station_of(request)))


async def show(request: web.Request) -> web.StreamResponse:
    """A case: all of it for its parties, the reviewed part for strangers."""
    return await show_case(request, "cases/case.html")


async def send_photo(request: web.Request) -> web.StreamResponse:
    """A photo that the citizen added to the matter."""
    case_id, photo_id = case_id_of(request), request.match_info["photo"]
    path = await service.open_case_photo(station_of(request), principal_of(request), case_id, photo_id)
    return private_file(path, CONTENT_TYPE)


async def add_note(request: web.Request) -> web.StreamResponse:
    """补充情况 from the case's page."""
    case_id, form = case_id_of(request), await read_form(request)
    answer_at(location := f"/cases/{case_id}#progress")
    try:
        await service.add_note(station_of(request), principal_of(request), case_id, form.get("reason", ""))
    except BadInput as error:
        return await show_case(request, "cases/case.html", error.fields, form)
    return see_other(location)


async def ask_rating(request: web.Request) -> web.StreamResponse:
    """The page on which the asker rates a reply; anyone else goes to the case."""
    case_id = case_id_of(request)
    view = await service.case_view(station_of(request), principal_of(request), case_id)
    if view.case.state is not CaseState.REPLIED or not view.asker:
        return see_other(f"/cases/{case_id}")
    return await show_case(request, "cases/rate.html")


async def rate(request: web.Request) -> web.StreamResponse:
    """Send the rating."""
    case_id, form = case_id_of(request), await read_form(request)
    station, who = station_of(request), principal_of(request)
    answer_at(location := f"/cases/{case_id}")
    try:
        grade = check_grade(form.get("grade", ""))
        await service.rate_case(station, who, case_id, grade, form.get("remark", ""), seen(form))
    except BadInput as error:
        view = await service.case_view(station, who, case_id)
        if not view.asker:
            raise NotAllowed from error
        if view.case.state is not CaseState.REPLIED:
            raise StepNotPossible from error
        return await show_case(request, "cases/rate.html", error.fields, form)
    return see_other(location)
