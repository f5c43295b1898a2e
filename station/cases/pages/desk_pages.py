"""The clerk's pages of cases: what waits, and one case with the forms of its next steps."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from station.base.errors import BadInput
from station.base.principal import Principal
from station.base.station import Station
from station.base.web import principal_of, query_cursor, read_form, render, see_other, station_of
from station.cases import service
from station.cases.desk_queries import DeskList
from station.cases.pages.forms import WORDS, case_id_of, due_in_days, faults_at, parse_days, seen, show_case
from station.cases.reads.overview import desk_lists
from station.directory.service import list_units

Form = dict[str, str]
Do = Callable[[Station, Principal, str, Form], Awaitable[object]]
CO_UNIT = "co-"


async def list_cases(request: web.Request) -> web.StreamResponse:
    """All that waits for the clerk, by what there is to do; or one of the lists, to be leafed through."""
    named = request.query.get("list", "")
    listed = DeskList(named) if named in set(DeskList) else None
    cursor = query_cursor(request) if listed else None
    desk = await desk_lists(station_of(request), principal_of(request), listed, cursor)
    return render(request, "cases/desk.html", desk=desk, DeskList=DeskList, **WORDS)


async def show(request: web.Request) -> web.StreamResponse:
    """One case with its forms."""
    return await _show(request)


async def _show(
    request: web.Request, fields: Form | None = None, form: Form | None = None, looked_up: object = None
) -> web.Response:
    units = await list_units(station_of(request))
    return await show_case(
        request, "cases/desk_case.html", fields, form, parties_only=True, units=units, looked_up=looked_up
    )


async def _step(request: web.Request, do: Do) -> web.StreamResponse:
    """Do one step from its form, and show the case; with faults, the form again."""
    case_id, form = case_id_of(request), await read_form(request)
    try:
        await do(station_of(request), principal_of(request), case_id, form)
    except BadInput as error:
        return await _show(request, faults_at(form.get("form", ""), error.fields), form)
    return see_other(f"/desk/cases/{case_id}")


async def accept(request: web.Request) -> web.StreamResponse:
    """受理."""
    return await _step(request, lambda station, who, case, form: service.accept_case(station, who, case))


async def decline(request: web.Request) -> web.StreamResponse:
    """不予受理."""

    async def do(station: Station, who: Principal, case: str, form: Form) -> None:
        await service.decline_case(station, who, case, form.get("code", ""), form.get("referral", ""))

    return await _step(request, do)


async def assign(request: web.Request) -> web.StreamResponse:
    """交办; the button 先算到期日 shows the due day and changes nothing."""
    form = await read_form(request)
    if "look" in form:
        try:
            return await _show(request, form=form, looked_up=due_in_days(request, form.get("days", "") or "x"))
        except BadInput as error:
            return await _show(request, error.fields, form)

    async def do(station: Station, who: Principal, case: str, form: Form) -> None:
        unit = form.get("unit", "")
        if unit not in {known.id for known in await list_units(station)}:
            raise BadInput(fields={"unit": "请选主办单位"})
        co_units = tuple(name.removeprefix(CO_UNIT) for name in form if name.startswith(CO_UNIT))
        days = parse_days(form.get("days", ""))
        await service.assign_case(station, who, case, unit, co_units, form.get("category", ""), days)

    return await _step(request, do)


async def decide_extension(request: web.Request) -> web.StreamResponse:
    """Grant or refuse more time, by the button pressed."""

    async def do(station: Station, who: Principal, case: str, form: Form) -> None:
        grant = form.get("decision") == "grant"
        if not grant and form.get("decision") != "refuse":
            raise BadInput
        await service.decide_extension(station, who, case, grant, form.get("reason", ""))

    return await _step(request, do)


async def publish(request: web.Request) -> web.StreamResponse:
    """审核发布."""

    async def do(station: Station, who: Principal, case: str, form: Form) -> None:
        await service.publish_case(station, who, case, form.get("title", ""), form.get("reply", ""), seen(form))

    return await _step(request, do)


async def recall(request: web.Request) -> web.StreamResponse:
    """撤回."""
    return await _step(request, lambda s, who, case, form: service.recall_case(s, who, case, form.get("reason", "")))


async def redo(request: web.Request) -> web.StreamResponse:
    """重办."""
    return await _step(request, lambda s, who, case, form: service.redo_case(s, who, case, form.get("reason", "")))


async def conclude(request: web.Request) -> web.StreamResponse:
    """办结."""
    return await _step(request, lambda s, who, case, form: service.conclude_case(s, who, case, seen(form)))


async def add_note(request: web.Request) -> web.StreamResponse:
    """补充情况 from the desk."""
    return await _step(request, lambda s, who, case, form: service.add_note(s, who, case, form.get("reason", "")))
