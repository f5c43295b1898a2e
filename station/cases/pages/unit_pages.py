"""The handling unit's pages: its desk, and a case with reply, return and extension."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from station.base.errors import BadInput
from station.base.principal import Principal
from station.base.station import Station
from station.base.web import principal_of, query_cursor, read_form, render, see_other, station_of
from station.cases import service
from station.cases.law.policy import policy_of
from station.cases.pages.forms import WORDS, case_id_of, faults_at, show_case
from station.cases.reads.overview import unit_desk
from station.directory.service import get_unit

Form = dict[str, str]
Do = Callable[[Station, Principal, str, Form], Awaitable[object]]


async def show_desk(request: web.Request) -> web.StreamResponse:
    """What lies on the unit's desk: overdue first, then by due day."""
    station, who = station_of(request), principal_of(request)
    async with station.database.snapshot():
        desk = await unit_desk(station, who, query_cursor(request), query_cursor(request, "beside-"))
        unit = await get_unit(station, who.scope)
    return render(request, "unit/desk.html", desk=desk, unit=unit, policy=policy_of(station), **WORDS)


async def show(request: web.Request) -> web.StreamResponse:
    """One case with what the unit may do."""
    return await show_case(request, "unit/case.html")


async def _step(request: web.Request, do: Do) -> web.StreamResponse:
    case_id, form = case_id_of(request), await read_form(request)
    try:
        await do(station_of(request), principal_of(request), case_id, form)
    except BadInput as error:
        return await show_case(request, "unit/case.html", faults_at(form.get("form", ""), error.fields), form)
    return see_other(f"/unit/cases/{case_id}")


async def reply(request: web.Request) -> web.StreamResponse:
    """答复."""

    async def do(station: Station, who: Principal, case: str, form: Form) -> None:
        await service.reply_case(station, who, case, form.get("text", ""), form.get("outcome", ""))

    return await _step(request, do)


async def send_back(request: web.Request) -> web.StreamResponse:
    """退回."""
    return await _step(request, lambda s, who, case, form: service.return_case(s, who, case, form.get("reason", "")))


async def ask_extension(request: web.Request) -> web.StreamResponse:
    """申请延期."""
    return await _step(request, lambda s, who, case, form: service.ask_extension(s, who, case, form.get("reason", "")))


async def add_note(request: web.Request) -> web.StreamResponse:
    """补充情况, or a co-unit's opinion."""
    return await _step(request, lambda s, who, case, form: service.add_note(s, who, case, form.get("reason", "")))
