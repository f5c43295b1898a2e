"""A clerk sees and handles the cases of the own liaison station and of those below it, and no others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from sqlalchemy import update

from station.base.errors import NotAllowed
from station.base.principal import Role
from station.cases import service, store
from station.cases.reads.overview import desk_lists
from station.cases.records import Case, OpenCase
from station.notices.service import my_notices
from station.people.rights import RIGHTS, Action
from station.routes import ROUTES
from tests.cases.conftest import CITIZEN, CLERK, DEPUTY, OTHER_DEPUTY, UNIT, Town, move_clerk
from tests.fixtures import Person

NewPerson = Callable[..., Awaitable[Person]]
WORDS = "柳荫路晚上路灯不亮"
# Who serves the station at 桂花街道, where the deputy of the case receives, and who does not.
SERVE = ["st_demo_guihua", "st_demo_main", ""]
OTHERS = ["st_demo_wangjiang", "st_demo_jixie"]
# Filled so that each form would do its step, were the case the clerk's own.
FORM = {
    "code": "court", "unit": UNIT.scope, "category": "general", "decision": "grant", "title": "路灯", "reply": "好了",
    "reason": "情况有变",
}  # fmt: skip


async def change(town: Town, case: Case, **values: object) -> None:
    """Set columns of a case."""
    async with town.station.database.transaction() as work:
        await work.execute(update(store.cases).where(store.cases.c.id == case.id).values(**values))


@pytest.mark.parametrize("scope", OTHERS)
async def test_no_route_of_a_case_serves_the_clerk_of_another_station(
    town: Town, new_person: NewPerson, scope: str
) -> None:
    """Pages of the desk are not found, steps are refused in every state, and nothing of the case changes."""
    case = await town.assigned()
    await service.ask_extension(town.station, UNIT, case.id, "要等材料")
    await move_clerk(town.station, scope)
    clerk = await new_person(CLERK.account)
    tried = 0
    for route in ROUTES:
        open_to_all = Role.GUEST in RIGHTS[Action(route.action)]
        if "{case}" not in route.path or Role.CLERK not in RIGHTS[Action(route.action)] or open_to_all:
            continue
        path, tried = route.path.format(case=case.id, photo="ph_1"), tried + 1
        if route.method == "GET":
            assert WORDS not in await clerk.get(path, status=404)
            continue
        for state in ("noted", "accepted", "assigned", "replied", "rated"):
            await change(town, case, state=state)
            await clerk.post(path, status=403, **FORM)
            kept = await service.read_case(town.station, case.id)
            assert (kept.state, kept.published, kept.unit_id) == (state, False, UNIT.scope), path
    assert tried >= 10
    page = await clerk.post(f"/desk/cases/{case.id}/assign", status=404, days="5", look="1")
    assert WORDS not in page
    for public in (f"/cases/{case.id}", "/cases", "/desk", "/desk/cases"):
        page = await clerk.get(public)
        assert WORDS not in page, public
        assert f"/desk/cases/{case.id}" not in page, public  # no way to a page that is not found


@pytest.mark.parametrize("scope", SERVE)
async def test_the_own_station_and_those_above_it_have_the_case(town: Town, new_person: NewPerson, scope: str) -> None:
    """The clerk of the station, of the one above it and of the whole district see it and take it on."""
    case = await town.noted()
    await move_clerk(town.station, scope)
    clerk = await new_person(CLERK.account)
    for path in ("/desk", "/desk/cases", f"/desk/cases/{case.id}", f"/cases/{case.id}"):
        assert WORDS in await clerk.get(path), path
    assert f'href="/desk/cases/{case.id}"' in await clerk.get(f"/cases/{case.id}")
    assert "交给谁办" in await clerk.post(f"/desk/cases/{case.id}/accept")


async def test_a_case_given_to_another_station_is_that_stations(town: Town) -> None:
    """Not where the deputy receives decides, but the station that looks after the case."""
    case = await town.noted()
    await change(town, case, station_id="st_demo_jixie")
    case = await service.read_case(town.station, case.id)
    for scope, its in (("st_demo_guihua", False), ("st_demo_jixie", True), ("st_demo_shiqiao", True)):
        clerk = replace(CLERK, scope=scope)
        assert bool((await desk_lists(town.station, clerk)).todo) is its, scope
        assert bool(await service.due_cases(town.station, clerk, 6)) is its, scope
        assert (await service.case_view(town.station, clerk, case.id)).party is its, scope
        assert (await service.titles_for(town.station, clerk, [case]))[case.id] == (WORDS if its else ""), scope


@pytest.mark.parametrize(("scope", "told"), [*((s, True) for s in SERVE), *((s, False) for s in OTHERS)])
async def test_notices_of_a_case_go_to_the_clerks_of_its_station(town: Town, scope: str, told: bool) -> None:
    """A reply is told to who reviews it; the clerks of other stations do not read its title in their notices."""
    case = await town.assigned()
    await move_clerk(town.station, scope)
    await service.reply_case(town.station, UNIT, case.id, "灯已换好", "solved")
    found, _ = await my_notices(town.station, CLERK)
    assert any(WORDS in notice.text for notice in found) is told


async def test_a_clerk_opens_no_case_for_a_deputy_of_another_station(town: Town) -> None:
    """What a clerk notes is for a deputy whom the clerk serves."""
    request = OpenCase(WORDS, "", OTHER_DEPUTY.scope, CITIZEN.account)
    with pytest.raises(NotAllowed):
        await service.open_case(town.station, CLERK, request)
    assert (await service.open_case(town.station, replace(CLERK, scope=""), request)).deputy_id == OTHER_DEPUTY.scope
    own = replace(request, deputy_id=DEPUTY.scope)
    assert (await service.open_case(town.station, CLERK, own)).deputy_id == DEPUTY.scope
