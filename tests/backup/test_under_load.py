"""A station that is used is backed up, and comes back elsewhere as it was."""

from __future__ import annotations

import asyncio
import io
import itertools
import re
import secrets
import shutil
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer

from station.app import build_app, close_station, open_station
from station.backup.commands import back_up
from station.backup.service import last_backups
from station.base.clock import FixedClock
from station.base.principal import Principal, Role
from station.base.settings import Settings
from station.base.station import Station
from station.booking.drafts import get_draft, save_draft
from station.booking.model import Matter, Mode
from station.booking.photos import add_photo
from station.booking.rota import list_slots
from station.booking.service import book_slot, confirm_draft
from station.demo.accounts import seed_accounts
from station.demo.booking import CHEN, LIN, seed_booking
from station.demo.directory import seed_directory
from station.people.service import ensure_citizen
from tests.backup.towns import command, key_file, settings_of, stored_bookings
from tests.databases import PostgresDatabases
from tests.fixtures import MONDAY_TEN, Person
from tests.photos.pictures import phone_photo
from tests.servers import wait_for

ZHAO = Principal("ac_demo_citizen", Role.CITIZEN, "赵玉梅")
LI = Principal("ac_demo_citizen2", Role.CITIZEN, "李国强")


@pytest.fixture(params=["sqlite", "postgresql"])
def places(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Settings, Settings]:
    """A station's settings with all tables, and those of an empty machine: another folder and an empty database."""
    here, there = tmp_path / "here", tmp_path / "there"
    there.mkdir()
    if request.param == "sqlite":
        shutil.copytree(request.getfixturevalue("migrated_sqlite"), here / "var")
        return settings_of(here), settings_of(there)
    server, name = request.getfixturevalue("postgres_url"), f"there_{secrets.token_hex(6)}"
    empty = PostgresDatabases(server)
    empty.create(name, None)
    full = request.getfixturevalue("postgres_database_url")
    return settings_of(here, database_url=full), settings_of(there, database_url=empty.url(name))


@pytest_asyncio.fixture
async def town(places: tuple[Settings, Settings]) -> AsyncIterator[Station]:
    """With the demo's people, places, rota and bookings, at Monday 10:00."""
    made = replace(open_station(places[0]), clock=FixedClock(MONDAY_TEN))
    await seed_directory(made)
    await seed_accounts(made)
    await seed_booking(made)
    yield made
    await close_station(made)


@pytest.fixture
def elsewhere(places: tuple[Settings, Settings]) -> Settings:
    """The empty machine."""
    return places[1]


async def booked_with_photo(station: Station) -> str:
    """A booking of 赵玉梅 with a photo; its id."""
    slot = next(slot.id for slot in await list_slots(station, LI, LIN) if not slot.full and Mode.VIDEO in slot.modes)
    await save_draft(station, ZHAO, slot, Matter(Mode.VIDEO, "路灯不亮"))
    await add_photo(station, ZHAO, io.BytesIO(phone_photo()))
    draft = await get_draft(station, ZHAO)
    assert draft is not None
    return (await confirm_draft(station, ZHAO, slot, draft.key)).id


class Load:
    """People who sign in for the first time, and book while there are places; each answered before the next one."""

    def __init__(self, station: Station) -> None:
        self.station = station
        self.booked: list[str] = []
        self.people: list[str] = []

    async def run(self) -> None:
        """Until cancelled."""
        slots = [slot for slot in await list_slots(self.station, LI, CHEN) if not slot.full]
        for number in itertools.count():
            async with self.station.database.transaction() as work:
                account = await ensure_citizen(self.station, work, f"138{number:08}")
            self.people.append(account.id)
            if number % 8 == 0 and slots:
                slot = slots.pop()
                who = Principal(account.id, Role.CITIZEN, account.name)
                booking = await book_slot(self.station, who, slot.id, Matter(slot.modes[0], "路灯"), account.id)
                self.booked.append(booking.id)


async def finished(process: subprocess.Popen[str]) -> tuple[str, str]:
    """What a command printed; it must have ended well."""
    output, errors = await asyncio.to_thread(process.communicate)
    assert process.returncode == 0, (output, errors)
    return output, errors


@pytest.mark.heavy
async def test_nothing_is_missing_or_double(town: Station, elsewhere: Settings, tmp_path: Path) -> None:
    """Backed up while people sign in and book, restored on another machine: everything answered before is there once,
    the ledger is whole, and the station opens there with its photos.
    """
    first = await booked_with_photo(town)
    store, load = str(tmp_path / "store"), Load(town)
    writing = asyncio.create_task(load.run())
    await wait_for(lambda: asyncio.sleep(0, len(load.booked) >= 3), "bookings before the backup")
    before = {first, *load.booked}
    people_before = set(load.people)
    output, errors = await finished(command(town.settings, "backup", store))
    assert not writing.done()
    writing.cancel()
    assert set(load.people) > people_before  # they wrote meanwhile
    assert "100%" in errors
    assert output.startswith("Backup 2")
    output, _ = await finished(command(elsewhere, "restore", store, "--key", str(key_file(tmp_path))))
    assert "The ledger is whole" in output
    later = FixedClock(MONDAY_TEN + timedelta(minutes=5))
    restored = replace(open_station(elsewhere), clock=later)
    try:
        found, there = await stored_bookings(restored), await stored_bookings(town)
        assert before <= {str(row[0]) for row in found}
        assert len({row[0] for row in found}) == len(found)
        assert set(found) <= set(there)  # each as it is here, and none that nobody made
        await sees_photo(restored, first)
    finally:
        await close_station(restored)


async def sees_photo(station: Station, booking: str) -> None:
    """The application starts, its citizen signs in, and the booking's photo opens."""
    server = TestServer(build_app(station))
    await server.start_server()
    client = TestClient(server)
    try:
        citizen = Person(client, station)
        await citizen.sign_in(ZHAO.account)
        found = re.search(r'<img src="(/bookings/[^"]+\.jpg)"', await citizen.get(f"/bookings/{booking}"))
        assert found
        async with client.get(found[1]) as answer:
            assert answer.status == 200
            assert (await answer.read())[:2] == b"\xff\xd8"
    finally:
        await client.close()


async def test_the_second_sends_what_is_new(town: Station, tmp_path: Path) -> None:
    """A second backup sends no file again that has not changed, and is whole by itself."""
    await booked_with_photo(town)
    store = str(tmp_path / "store")
    first = await back_up(town, store)
    assert first.objects > 2  # database, keys, photo
    async with town.database.transaction() as work:
        await ensure_citizen(town, work, "13800000000")
    clock = town.clock
    assert isinstance(clock, FixedClock)
    clock.at += timedelta(days=1)
    second = await back_up(town, store)
    assert second.files == first.files
    tables = 6  # of those that this wrote to, with the list of tables, in a dump of PostgreSQL; SQLite is one file
    assert second.objects <= tables
    begun, done = await last_backups(town.database)
    assert begun == done
    assert done is not None
    assert (done.files, done.sent, done.target) == (second.files, second.sent, store)
