"""The clerk's desk is never cut in silence, and the citizen's page warns as early as the public list."""

from __future__ import annotations

import html
import re
from collections.abc import Awaitable, Callable

from sqlalchemy import insert, select

from station.cases import service, store
from station.cases.model import Colour
from tests.cases.conftest import CLERK, SUPERVISOR, UNIT, Town
from tests.fixtures import Person

NewPerson = Callable[..., Awaitable[Person]]


def links_of(page: str) -> list[str]:
    """The ids of the cases that a page leads to, in order; title and button name each twice."""
    return re.findall(r'href="/desk/cases/(cs_\w+)"', page)


async def test_a_long_list_says_its_count_and_is_leafed_through(town: Town, new_person: NewPerson) -> None:
    """All 60 are counted; the desk shows their beginning, and the list itself all of them, page by page."""
    first = await town.noted("第 1 件")
    async with town.station.database.transaction() as work:
        row = dict((await work.execute(select(store.cases).where(store.cases.c.id == first.id))).one()._mapping)
        more = [row | {"id": f"cs_{n:03}", "number": f"n{n}", "serial": n, "title": f"第 {n} 件"} for n in range(2, 61)]
        await work.execute(insert(store.cases), more)
    clerk = await new_person("ac_demo_clerk")
    page = await clerk.get("/desk/cases")
    assert "要办的 60 件" in page and len(set(links_of(page))) == 30 and "看全部 60 件" in page
    address, seen = "/desk/cases?list=accept", list[str]()
    while address:
        page = await clerk.get(address)
        assert "60 件" in page
        seen += dict.fromkeys(links_of(page))
        found = re.search(r'href="(/desk/cases\?after=[^"]+)">下一页', page)
        address = html.unescape(found[1]) if found else ""
    assert len(seen) == 60 == len(set(seen))
    back = re.search(r'href="(/desk/cases\?before=[^"]+)">上一页', page)
    assert back and seen[25:50] == list(dict.fromkeys(links_of(await clerk.get(html.unescape(back[1])))))
    for rubbish in ("&page=99", "&after=x", "&after=9999-01-01~", "&before=~~~", "&after=0001-01-01T00:00:00Z~a"):
        assert links_of(await clerk.get(f"/desk/cases?list=accept{rubbish}"))[0] == seen[0], rubbish


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


async def test_a_card_that_is_not_withdrawn_stays_on_its_page(town: Town, new_person: NewPerson) -> None:
    """Of a later page of the cards: without a reason the form comes back on it, with one the page comes back."""
    case = await town.assigned()
    for n in range(13):
        await service.issue_card(town.station, SUPERVISOR, case.id, Colour.RED, f"第 {n} 张")
    supervisor = await new_person("ac_demo_supervisor")
    following = re.search(r'href="(/oversight/cards\?cards-after=[^"#]+)', await supervisor.get("/oversight/cards"))
    assert following
    page = await supervisor.get(html.unescape(following[1]))
    forms = re.findall(r'action="(/oversight/cards/cd_\w+/withdraw\?[^"]+)"', page)
    shown = re.findall(r"第 \d+ 张", page)
    assert (len(forms), len(shown)) == (1, 1)
    page = await supervisor.post(html.unescape(forms[0]), status=422, reason="太" * 1001)
    assert re.findall(r"第 \d+ 张", page) == shown and "太" * 1001 in page
    page = await supervisor.post(html.unescape(forms[0]), reason="发错了")
    assert re.findall(r"第 \d+ 张", page) == shown and "已收回" in page
