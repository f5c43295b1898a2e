"""What a booking and the pages around it ask the database: as much in a large city as in a small one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import insert, select

from bench.city import NOW, Size
from bench.page_server import count_statements
from bench.pages import Page
from station.app import close_station
from station.base.principal import Principal, Role
from station.base.station import Station
from station.booking.model import Matter, Mode, SlotTaken
from station.booking.service import book_slot
from station.booking.store import bookings, slots
from station.people.store import accounts
from tests.cases.test_list_costs import Statements, ask, open_city
from tests.databases import NewDatabase

FEW, MANY = Size(cases=10, citizens=20, deputies=8), Size(cases=10, citizens=300, deputies=40)
MATTER = Matter(Mode.VIDEO, "望江路路灯不亮", "晚上看不见路。")
# A citizen who has no draft yet; one statement more on PostgreSQL, which locks the slot by a row of its own.
BOOKING = 16
PAGES = {Page("/"): 4, Page("/", Role.CITIZEN): 7, Page("/deputies/dp000", Role.CITIZEN): 5}


@pytest_asyncio.fixture(params=[FEW, MANY], ids=["few", "many"])
async def city(request: pytest.FixtureRequest, new_database: NewDatabase, tmp_path: Path) -> AsyncIterator[Station]:
    """A small city and a larger one, on SQLite and on PostgreSQL."""
    made = await open_city(new_database, tmp_path, request.param)
    yield made
    await close_station(made)


async def free_slot(city: Station) -> str:
    """A time ahead with a deputy who has an account, for one person, that nobody has booked."""
    taken = select(bookings.c.slot)
    ahead = (
        select(slots.c.id)
        .where(slots.c.starts_at > NOW + timedelta(days=1), slots.c.id.not_in(taken))
        .where(slots.c.deputy == "dp000")
    )
    async with city.database.read() as connection:
        return str((await connection.execute(ahead.order_by(slots.c.id))).scalars().first())


async def test_a_booking_costs_the_same_in_a_large_city(city: Station) -> None:
    """One write transaction and a bounded number of statements; who comes too late is told by two, without a lock."""
    first, winner, loser = (Principal(f"ac_new{n}", Role.CITIZEN, "赵玉梅") for n in range(3))
    people = [{"id": who.account, "role": "citizen", "name": who.name} for who in (first, winner, loser)]
    rows = [{**row, "phone": f"1370000000{n}", "created_at": NOW} for n, row in enumerate(people)]
    async with city.database.transaction() as work:
        await work.execute(insert(accounts), rows)
    await book_slot(city, first, await free_slot(city), MATTER, "fk-1")  # begins the ledger
    slot = await free_slot(city)
    counted = count_statements(city)
    with Statements(city) as asked:
        await book_slot(city, winner, slot, MATTER, "fk-2")
    is_sqlite = city.database.engine.dialect.name == "sqlite"
    assert len(asked.seen) == BOOKING - is_sqlite, [statement[:90] for statement, _ in asked.seen]
    assert counted["writes"] == 1
    with Statements(city) as asked, pytest.raises(SlotTaken):
        await book_slot(city, loser, slot, MATTER, "fk-3")
    assert (len(asked.seen), counted["writes"]) == (2, 1)


async def test_pages_cost_the_same_in_a_large_city(city: Station) -> None:
    """Finding a time asks no more of the database for more deputies and slots."""
    for page, most in PAGES.items():
        _, asked = await ask(city, page)
        assert len(asked) <= most, (page, [statement[:90] for statement, _ in asked])
