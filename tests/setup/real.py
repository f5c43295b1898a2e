"""A real station: no demo, an empty database, set up through its pages."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pyotp
from aiohttp.test_utils import TestClient, TestServer

from station.app import build_app, close_station
from station.base.bus import LocalBus
from station.base.clock import FixedClock
from station.base.database import Database
from station.base.grants import GrantSigner
from station.base.link_keys import hash_key, make_key
from station.base.settings import Settings
from station.base.station import Station
from station.setup.start_service import replace_link
from tests.fixtures import MONDAY_TEN, Person

PASSWORD = "hill-station-2026"
DISTRICT: dict[str, Any] = {
    "district": "青川县",
    "higher_unit": "青川县人大常委会",
    "help_phone": "0839-8882345",
    "english": "yes",
}


@asynccontextmanager
async def real_station(database_url: str, folder: Path) -> AsyncIterator[Station]:
    """A station on an empty migrated database, without --demo."""
    settings = Settings(data=folder, media_processes=1, _env_file=None)
    clock, signer = FixedClock(MONDAY_TEN), GrantSigner.load(settings.keys)
    made = Station(settings, Database(database_url), LocalBus(), clock, signer)
    try:
        yield made
    finally:
        await close_station(made)


@asynccontextmanager
async def browsing(station: Station) -> AsyncIterator[Person]:
    """A browser without a screen, at that station."""
    async with TestServer(build_app(station)) as server:
        client: TestClient = TestClient(server)  # type: ignore[type-arg]
        async with client:
            yield Person(client, station)


async def open_link(person: Person) -> str:
    """Make a link, as a start does, and open it: the first page."""
    key = make_key()
    assert await replace_link(person.station, hash_key(key))
    return await person.get(f"/setup?key={key}")


def secret_on(page: str) -> str:
    """The authenticator's secret, as the page shows it for typing."""
    found = re.search(r'id="secret">([A-Z2-7 ]+)<', page)
    assert found
    return found[1].replace(" ", "")


def code_for(person: Person, secret: str) -> str:
    """What an authenticator with that secret shows."""
    return pyotp.TOTP(secret).at(person.station.clock.now())


async def set_up(person: Person) -> str:
    """All steps through the pages; the administrator's first page."""
    await open_link(person)
    await person.post("/setup/district", **DISTRICT)
    await person.post("/setup/look", accent="#1f4e79")
    page = await person.get("/setup/texts")
    texts: dict[str, Any] = dict(re.findall(r'<textarea[^>]*name="(\w+)"[^>]*>\n(.*?)</textarea>', page, re.DOTALL))
    page = await person.post("/setup/texts", 200, **texts)
    otp = code_for(person, secret_on(page))
    return await person.post("/setup/admin", name="方圆", login="fangyuan", password=PASSWORD, otp=otp)
