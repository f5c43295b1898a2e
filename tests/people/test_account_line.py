"""On a computer that several use: who is signed in, and the way out, stand at the top of every page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from station.base.station import Station
from station.demo.directory import seed_directory
from station.demo.logins import DEMO_ACCOUNTS
from tests.fixtures import Person, seed

NewPerson = Callable[..., Awaitable[Person]]
PAGES = {
    "ac_demo_citizen": ("/", "/my", "/my/consents", "/deputies", "/cases", "/live", "/privacy", "/notices"),
    "ac_demo_deputy1": ("/deputy", "/cases", "/notices"),
    "ac_demo_clerk": ("/desk", "/desk/cases", "/desk/hearings", "/desk/jobs"),
    "ac_demo_unit": ("/unit", "/cases"),
    "ac_demo_supervisor": ("/oversight", "/oversight/cards"),
}


@pytest.mark.parametrize("elder", [False, True])
@pytest.mark.parametrize("account", list(PAGES))
async def test_name_and_way_out_come_before_all_else(
    station: Station, new_person: NewPerson, account: str, elder: bool
) -> None:
    """Before navigation and content, with a button that signs out; in large type too, and on the page of an error."""
    await seed(station, seed_directory)
    person = await new_person(account)
    if elder:
        await person.get("/mode/elder?next=/privacy")
    name = next(a.name for a in DEMO_ACCOUNTS if a.id == account)
    for path in (*PAGES[account], "/nowhere"):
        page = await person.get(path, status=404 if path == "/nowhere" else 200)
        assert ('data-mode="elder"' in page) is elder
        head = page.partition("<nav")[0]
        assert 'action="/signout"' in head and "退出登录" in head, path
        assert (name or "现在登录的是") in head, path
        assert page.count('action="/signout"') == 1


async def test_after_the_way_out_nobody_is_named(station: Station, new_person: NewPerson) -> None:
    """A guest's page has neither; and signing out by that button is all it takes."""
    citizen = await new_person("ac_demo_citizen")
    page = await citizen.post("/signout")
    assert 'action="/signout"' not in page and "现在登录的是" not in page
    assert 'name="phone"' in await citizen.get("/my")
