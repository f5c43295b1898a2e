"""The first term is written on a page, once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from station.base.station import Station
from station.directory.lists_service import term_that_lasts
from station.ledger.verify import verify_chain
from tests.fixtures import Person

NewPerson = Callable[..., Awaitable[Person]]


async def test_the_first_term_is_written_once(station: Station, new_person: NewPerson) -> None:
    """A day to come is refused; sent twice it is done once, and another one finds it there."""
    admin = await new_person("ac_demo_admin")
    assert "还没有届次" in await admin.get("/admin/deputies/new")
    assert "第一天还没到" in await admin.post("/admin/terms", 422, name="第十八届", starts_on="2027-01-01")
    form = {"name": "第十八届", "starts_on": "2022-01-01", "form_key": "a-key-of-one-form-of-one-page"}
    for _ in range(2):
        assert "第十八届" in await admin.post("/admin/terms", 200, **form)
    await admin.post("/admin/terms", 409, name="第十九届", starts_on="2022-01-01")
    term = await term_that_lasts(station)
    assert term is not None and term.name == "第十八届" and (await verify_chain(station.database)).ok
