"""The page of notices: everybody who is signed in finds there what they were told, and how much of it is new."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import text

from station.app import build_app
from station.base.station import Station
from station.notices.service import queue_all
from tests.fixtures import Person
from tests.notices.sayings import saying

NewPerson = Callable[..., Awaitable[Person]]
EVERYBODY = {
    "ac_demo_citizen": "/cases/cs_1",
    "ac_demo_deputy1": "/cases/cs_1",
    "ac_demo_clerk": "/desk/cases/cs_1",
    "ac_demo_unit": "/unit/cases/cs_1",
    "ac_demo_supervisor": "/oversight/cases/cs_1",
    "ac_demo_admin": "/desk/cases/cs_1",
}


async def tell(station: Station, account: str, text: str, subject: str = "case:cs_1") -> None:
    async with station.database.transaction() as work:
        await queue_all(station, work, [saying(text, "app", account, subject)])


@pytest.mark.parametrize(("account", "target"), EVERYBODY.items())
async def test_each_role_reads_its_notices(station: Station, new_person: NewPerson, account: str, target: str) -> None:
    """The head of any page says how many are new; the page shows them; each leads to the reader's own page of it."""
    person = await new_person(account)
    assert 'class="count"' not in await person.get("/privacy")
    await tell(station, account, "收到红牌：<b>到期日</b> 10月9日")
    await tell(station, account, "请办结。")
    await tell(station, "ac_demo_somebody", "别人的事")
    assert '<b class="count" aria-hidden="true">2</b>' in await person.get("/privacy")
    page = await person.get("/notices")
    assert "收到红牌：&lt;b&gt;到期日&lt;/b&gt; 10月9日" in page
    assert "别人的事" not in page
    assert page.count('<b class="new">') == 2
    link = re.search(r'href="(/notices/nt_\w+)"', page)
    assert link
    async with person.client.get(link[1], allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, target)
    assert (await person.get("/notices")).count('<b class="new">') == 1
    assert '<b class="new">' not in await person.post("/notices/read")


async def test_a_page_that_answers_a_form_counts_what_is_new_too(station: Station, new_person: NewPerson) -> None:
    """The bell of a form that comes back with its faults shows its number like any other page's."""
    clerk = await new_person("ac_demo_clerk")
    await tell(station, "ac_demo_clerk", "给工作人员")
    page = await clerk.post("/desk/hearings", status=422, title="")
    assert '<b class="count" aria-hidden="true">1</b>' in page


async def test_notices_are_their_readers_only(station: Station, new_person: NewPerson) -> None:
    """Nobody follows another person's notice, and guests are asked to sign in."""
    await tell(station, "ac_demo_clerk", "给工作人员")
    clerk, unit, guest = await new_person("ac_demo_clerk"), await new_person("ac_demo_unit"), await new_person()
    link = re.search(r'href="(/notices/nt_\w+)"', await clerk.get("/notices"))
    assert link
    await unit.get(link[1], status=404)
    assert '<b class="new">' in await clerk.get("/notices")
    async with guest.client.get("/notices", allow_redirects=False) as answer:
        assert answer.status == 303


@pytest.mark.parametrize("page", ["0", "2", "-1", "x", "９", "99999999999999999999", ""])
async def test_any_page_number_is_answered(station: Station, new_person: NewPerson, page: str) -> None:
    """Whatever stands in the address, a page of notices comes."""
    clerk = await new_person("ac_demo_clerk")
    assert "<h1>通知" in await clerk.get(f"/notices?page={page}")


async def test_older_notices_are_a_page_away(station: Station, new_person: NewPerson) -> None:
    """More than fit on one page lead on to the next, and nothing is lost between them."""
    for number in range(53):
        await tell(station, "ac_demo_clerk", f"第 {number} 件")
    clerk = await new_person("ac_demo_clerk")
    first, second = await clerk.get("/notices"), await clerk.get("/notices?page=2")
    shown = re.findall(r"第 (\d+) 件", first + second)
    assert sorted(map(int, shown)) == list(range(53))
    assert "看更早的" in first
    assert "看更早的" not in second


async def test_a_citizen_sees_what_came_by_sms(station: Station, new_person: NewPerson) -> None:
    """An SMS to a citizen stands on their page too, without the carrier's signature; codes never do."""
    citizen = await new_person("ac_demo_citizen")
    async with station.database.transaction() as work:
        sms = saying("事项已受理。", "sms", "13800001234", "case:cs_1", account="ac_demo_citizen")
        await queue_all(station, work, [sms])
    page = await citizen.get("/notices")
    assert ">事项已受理。</a>" in page
    assert "登录数字" not in page


async def test_a_page_comes_when_notices_cannot_be_counted(station: Station, new_person: NewPerson) -> None:
    """The number in the head is bookkeeping: while it cannot be read, every page is there without it."""
    clerk = await new_person("ac_demo_clerk")
    async with station.database.transaction() as work:
        await work.execute(text("ALTER TABLE notices RENAME TO notices_away"))
    assert "个人信息怎么用" in await clerk.get("/privacy")


async def test_the_sign_in_page_says_that_no_sms_comes(station: Station, new_person: NewPerson) -> None:
    """In the demo, where the code is on a page, nothing is said; without a carrier the page gives the telephone."""
    guest = await new_person()
    assert "还没有接通短信" not in await guest.get("/signin")
    real = replace(station, settings=station.settings.model_copy(update={"demo": False}))
    async with TestClient(TestServer(build_app(real))) as client:
        visitor = Person(client, real)
        page = await visitor.get("/signin")
        assert "还没有接通短信" in page
        assert '<a href="/stations">打联络站的电话</a>' in " ".join(page.split())
        assert "还没有接通短信" in await visitor.post("/signin", status=503, phone="13800001234")
