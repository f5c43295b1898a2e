"""A whole station in memory and in a temporary folder: real database, real application, a clock that stands still."""

from __future__ import annotations

import asyncio
import contextlib
import io
import re
import shutil
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

import pytest
import pytest_asyncio
from aiohttp import FormData
from aiohttp.test_utils import TestClient, TestServer
from argon2 import PasswordHasher
from sqlalchemy import insert

from station.app import build_app, close_station
from station.base.bus import LocalBus
from station.base.calendar import put_in_force
from station.base.clock import FixedClock
from station.base.database import Database, migrate_url
from station.base.grants import GrantSigner
from station.base.settings import Settings
from station.base.station import Station
from station.demo.accounts import seed_accounts
from station.demo.booking import seed_booking
from station.demo.directory import seed_directory
from station.demo.logins import DEMO_ACCOUNTS, PASSWORD
from station.notices.service import list_newest
from station.people.store import accounts
from tests.databases import Fill, NewDatabase

Seed = Callable[[Station], Awaitable[None]]
MONDAY_TEN = datetime(2026, 10, 12, 2, 0, tzinfo=UTC)  # Monday 12 October 2026, 10:00 in Shanghai


def open_test_station(folder: Path) -> Station:
    """A station on the SQLite file of a folder, at Monday 10:00."""
    settings = Settings(data=folder, demo=True, media_processes=1, _env_file=None)
    database = Database(settings.resolved_database_url)
    return Station(settings, database, LocalBus(), FixedClock(MONDAY_TEN), GrantSigner.load(settings.keys))


# What seeds left in the database of a station that was just made, by their names.
_SEEDED: dict[tuple[str, ...], bytes] = {}


async def seed(station: Station, *seeds: Seed) -> None:
    """Run the demo's seeds; where nobody has used the station yet, from the second time on, by a copy of the first."""
    file, names = station.settings.data / "station.db", tuple(f"{one.__module__}.{one.__name__}" for one in seeds)
    in_use = await asyncio.to_thread(file.with_name("station.db-wal").exists)  # by an application that has started
    if names in _SEEDED and not in_use:
        file.write_bytes(_SEEDED[names])
        return
    for one in seeds:
        await one(station)
    if in_use:
        return
    with contextlib.closing(sqlite3.connect(file)) as made:
        _SEEDED[names] = made.serialize()


async def seed_cheap_accounts(station: Station) -> None:
    """The demo's accounts, with a password that is quick to check: a hash says itself what it cost."""
    with patch("station.people.passwords._hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)):
        await seed_accounts(station)


@pytest.fixture(scope="session")
def station_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database with the demo's accounts, made once."""
    folder = tmp_path_factory.mktemp("station")

    async def make() -> None:
        made = open_test_station(folder)
        await seed_cheap_accounts(made)
        await made.database.close()

    migrate_url(f"sqlite+aiosqlite:///{folder / 'station.db'}", folder)
    asyncio.run(make())
    return folder


@pytest.fixture(autouse=True)
def _calendar_as_packaged() -> Iterator[None]:
    """A notice that one test puts in does not count in the next."""
    yield
    put_in_force({})


@pytest_asyncio.fixture
async def station(tmp_path: Path, station_folder: Path) -> AsyncIterator[Station]:
    """A station of its own with the demo's accounts, at Monday 10:00."""
    shutil.copytree(station_folder, tmp_path / "var")
    made = open_test_station(tmp_path / "var")
    yield made
    await close_station(made)


def open_bare_station(url: str, folder: Path) -> Station:
    """A station on a database of its own, at Monday 10:00."""
    settings = Settings(data=folder, demo=True, _env_file=None)
    return Station(settings, Database(url), LocalBus(), FixedClock(MONDAY_TEN), GrantSigner.load(settings.keys))


def seeding(*seeds: Seed) -> Fill:
    """The demo's seeds as a step of `new_database`; keep it, as each call makes another step."""

    async def fill(url: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            made = open_bare_station(url, Path(folder))
            for seed in seeds:
                await seed(made)
            await close_station(made)

    return fill


async def _add_demo_accounts(station: Station) -> None:
    rows = [
        {"id": a.id, "role": a.role, "name": a.name, "phone": a.phone, "scope": a.scope, "created_at": MONDAY_TEN}
        for a in DEMO_ACCOUNTS
    ]
    async with station.database.transaction() as work:
        await work.execute(insert(accounts), rows)


ACCOUNTS_AND_DIRECTORY, CALENDAR = seeding(_add_demo_accounts, seed_directory), seeding(seed_booking)


@pytest_asyncio.fixture
async def bare_town(new_database: NewDatabase, tmp_path: Path) -> AsyncIterator[Station]:
    """The same without a calendar, on SQLite and on PostgreSQL; nobody signs in, so no password is hashed."""
    made = open_bare_station(await asyncio.to_thread(new_database, ACCOUNTS_AND_DIRECTORY), tmp_path)
    yield made
    await close_station(made)


@pytest_asyncio.fixture
async def both_towns(new_database: NewDatabase, tmp_path: Path) -> AsyncIterator[Station]:
    """The town with its calendar, on SQLite and on PostgreSQL."""
    made = open_bare_station(await asyncio.to_thread(new_database, ACCOUNTS_AND_DIRECTORY, CALENDAR), tmp_path)
    yield made
    await close_station(made)


class Person:
    """A browser without a screen: keeps cookies, sends forms with their CSRF token."""

    def __init__(self, client: TestClient, station: Station) -> None:  # type: ignore[type-arg]
        self.client, self.station = client, station
        self.headers = {"Accept-Language": "zh-CN"}

    async def get(self, path: str, status: int = 200) -> str:
        """The page's text; follows redirects."""
        async with self.client.get(path, headers=self.headers) as answer:
            text = await answer.text()
            assert answer.status == status, (answer.status, text[:2000])
            return text

    async def token(self) -> str:
        """The CSRF token of this visitor."""
        found = re.search(r'name="csrf-token" content="([0-9a-f]+)"', await self.get("/signin"))
        assert found
        return found[1]

    async def post(self, path: str, status: int = 200, **fields: str) -> str:
        """Send a form; follows redirects."""
        data = {**fields, "csrf": await self.token()}
        async with self.client.post(path, data=data, headers=self.headers) as answer:
            text = await answer.text()
            assert answer.status == status, (answer.status, text[:2000])
            return text

    async def upload(
        self, path: str, files: list[tuple[str, bytes]], status: int = 200, token: str = "", **fields: str
    ) -> str:
        """Send a form with files (name, content) as a browser does: the token first, then what was typed; follows."""
        form = FormData({"csrf": token or await self.token(), **fields}, default_to_multipart=True)
        for name, content in files:
            form.add_field("photos", io.BytesIO(content), filename=name, content_type="image/jpeg")
        async with self.client.post(path, data=form, headers=self.headers) as answer:
            text = await answer.text()
            assert answer.status == status, (answer.status, text[:2000])
            return text

    async def post_json(self, path: str, body: object, status: int = 200) -> object:
        """Send JSON as a script of ours would."""
        headers = {**self.headers, "X-CSRF-Token": await self.token()}
        async with self.client.post(path, json=body, headers=headers) as answer:
            assert answer.status == status, (answer.status, await answer.text())
            return await answer.json(content_type=None)

    async def sign_in(self, account_id: str) -> None:
        """Sign in as one of the demo's accounts, by SMS code or by password and dynamic code."""
        account = next(a for a in DEMO_ACCOUNTS if a.id == account_id)
        if account.phone:
            await self.post("/signin", phone=account.phone)
            sent = [n.text for n in await list_newest(self.station) if n.address == account.phone]
            code = re.search(r"\d{6}(?= 是您的登录数字)", "\n".join(sent))
            assert code
            await self.post("/signin/code", status=200, phone=account.phone, code=code[0], next="/privacy")
        else:
            otp = account.otp_now(self.station.clock.now().timestamp())
            await self.post("/signin/staff", login=account.login, password=PASSWORD, otp=otp, next="/privacy")


@pytest_asyncio.fixture
async def new_person(station: Station) -> AsyncIterator[object]:
    """Call it for each person of a test: `citizen = await new_person("ac_demo_citizen")`, or without id for a guest."""
    server = TestServer(build_app(station))
    await server.start_server()
    clients: list[TestClient] = []  # type: ignore[type-arg]

    async def make(account_id: str | None = None) -> Person:
        client = TestClient(server)
        clients.append(client)
        person = Person(client, station)
        if account_id is not None:
            await person.sign_in(account_id)
        return person

    yield make
    for client in clients:
        await client.close()
    await server.close()
