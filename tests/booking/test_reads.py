"""How often the pages of one booking read the slot: once before its lock, once under it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest
import pytest_asyncio
from sqlalchemy import event

from station.base.station import Station
from tests.booking.test_pages import NewPerson, first_slot, key_in
from tests.fixtures import Person


@contextmanager
def slot_reads(station: Station) -> Iterator[list[str]]:
    """The statements that read slots with their places; the lock before them reads nothing."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if re.search(r"\bslots\.capacity\b", statement) and statement.startswith("SELECT"):
            seen.append(statement)

    engine = station.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


@pytest_asyncio.fixture
async def citizen(town: Station, new_person: NewPerson) -> AsyncIterator[Person]:
    yield await new_person("ac_demo_citizen")


async def test_booking_a_matter_reads_the_slot_as_often_as_it_must(town: Station, citizen: Person) -> None:
    """Opening the form reads it under the lock only; confirming once to know the deputy and once under the lock."""
    slot = await first_slot(town)
    with slot_reads(town) as seen:
        await citizen.get(f"/book/{slot.id}")
        assert len(seen) == 1
    check = await citizen.post(f"/book/{slot.id}", topic="路灯", description="", mode="video")
    with slot_reads(town) as seen:
        done = await citizen.post(f"/book/{slot.id}/check", key=key_in(check), use="yes")
        assert "约好了" in done and len(seen) == 2


@pytest.mark.parametrize("path", ["/book/sl_nowhere", "/book/sl_nowhere/check"])
async def test_a_slot_that_does_not_exist_is_not_found(town: Station, citizen: Person, path: str) -> None:
    """Also by a form: nothing is kept and nothing is booked."""
    await citizen.get(path, status=404)
    if path.endswith("check"):
        await citizen.post(path, status=404, key="fk_x", use="yes")
