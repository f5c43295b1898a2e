"""The administrator's first page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from station.base.station import Station
from station.demo.accounts import seed_accounts
from station.demo.directory import CONSTITUENCIES, seed_directory
from tests.fixtures import Person

NewPerson = Callable[..., Awaitable[Person]]


async def test_an_administrator_sees_what_the_station_holds(station: Station, new_person: NewPerson) -> None:
    """The counts are those of the directory and the accounts, on a page of its own with the way back to the desk."""
    await seed_directory(station)
    await seed_accounts(station)
    admin = await new_person("ac_demo_admin")
    text = " ".join((await admin.get("/admin")).split())
    places = sum(len(listed.split(",")) for *_, listed in CONSTITUENCIES)
    for line in ("20<small>本届在任", "8<small>总站 1，中心站 3，联络站 4", f"8<small>对应 {places} 处"):
        assert line in text, line
    assert 'href="/desk"' in text


@pytest.mark.parametrize("account", ["ac_demo_clerk", "ac_demo_supervisor"])
async def test_nobody_else_administers(station: Station, new_person: NewPerson, account: str) -> None:
    """A clerk and a supervisor are turned away."""
    await seed_directory(station)
    await seed_accounts(station)
    somebody = await new_person(account)
    await somebody.get("/admin", status=403)
