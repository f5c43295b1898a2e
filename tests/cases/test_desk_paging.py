"""The clerk's desk is never cut in silence, and the citizen's page warns as early as the public list."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from sqlalchemy import insert, select

from station.cases import service, store
from tests.cases.conftest import CLERK, UNIT, Town
from tests.fixtures import Person

NewPerson = Callable[..., Awaitable[Person]]


async def test_a_long_list_says_its_count_and_is_leafed_through(town: Town, new_person: NewPerson) -> None:
    """All 60 are counted; fifty stand on the first page, the others on the second."""
    first = await town.noted("第 1 件")
    async with town.station.database.transaction() as work:
        row = dict((await work.execute(select(store.cases).where(store.cases.c.id == first.id))).one()._mapping)
        more = [row | {"id": f"cs_{n:03}", "number": f"n{n}", "serial": n, "title": f"第 {n} 件"} for n in range(2, 61)]
        await work.execute(insert(store.cases), more)
    clerk = await new_person("ac_demo_clerk")
    page = await clerk.get("/desk/cases")
    assert "要办的 60 件" in page and page.count('href="/desk/cases/cs_') == 100  # title and button of each
    rest = await clerk.get("/desk/cases?list=accept&page=2")
    assert rest.count('href="/desk/cases/cs_') == 20 and "第 2 页，共 2 页" in rest
    assert "要办的 60 件" in await clerk.get("/desk/cases?list=accept&page=99")


async def test_the_owner_sees_that_time_runs_out(town: Town, new_person: NewPerson) -> None:
    """Two working days before the due day the tag on the citizen's own page is no longer a plain 办理中."""
    case = await town.noted()
    await service.accept_case(town.station, CLERK, case.id)
    await service.assign_case(town.station, CLERK, case.id, UNIT.scope, days=2)
    page = await (await new_person("ac_demo_citizen")).get("/my")
    assert "还有 2 个工作日" in page and "tag-soon" in page and "办理中" not in page


async def test_a_units_outcome_is_said_to_be_the_units(town: Town, new_person: NewPerson) -> None:
    """A rating of 很不满意 does not stand under a sentence that calls the matter solved."""
    case = await town.replied()
    page = await (await new_person("ac_demo_citizen")).get(f"/cases/{case.id}")
    assert "单位写的办理结果" in page
