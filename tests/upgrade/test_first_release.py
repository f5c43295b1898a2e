"""A data folder of an older release upgrades by itself.

`first_release.db.xz` is the demo's database as `station serve --demo` of commit 44a1de9 left it on 2026-11-30.
"""

from __future__ import annotations

import lzma
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from station.app import close_station
from station.base.clock import FixedClock
from station.base.database import migrate_url
from station.base.station import Station
from station.ledger.verify import verify_chain
from tests.fixtures import open_test_station

FIRST_RELEASE = Path(__file__).with_name("first_release.db.xz")
AFTER = datetime(2026, 11, 30, 4, 0, tzinfo=UTC)  # half an hour after the older release was stopped
KEPT = ("accounts", "deputies", "stations", "units", "bookings", "cases", "case_replies", "slots", "ledger_events")


def counts(file: Path) -> dict[str, int]:
    """Rows by table, of the tables whose rows are people's and never to be lost."""
    with closing(sqlite3.connect(file)) as connection:
        return {t: connection.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in KEPT}


def unpack(tmp_path: Path) -> Path:
    """The older release's data folder, as it lies on the disk before the new program starts."""
    folder = tmp_path / "var"
    folder.mkdir()
    (folder / "station.db").write_bytes(lzma.decompress(FIRST_RELEASE.read_bytes()))
    return folder


@pytest.fixture
def old_folder(tmp_path: Path) -> Path:
    """That folder, for each test."""
    return unpack(tmp_path)


@pytest_asyncio.fixture
async def station(old_folder: Path) -> AsyncIterator[Station]:
    """In place of the fresh one: a station on the upgraded folder; the fixture of people then works on it."""
    migrate_url(f"sqlite+aiosqlite:///{old_folder / 'station.db'}", old_folder)
    made = replace(open_test_station(old_folder), clock=FixedClock(AFTER))
    yield made
    await close_station(made)


def test_no_row_is_lost(old_folder: Path) -> None:
    """The upgrade keeps every account, booking, case, reply, slot and event, and can be begun again."""
    file = old_folder / "station.db"
    before = counts(file)
    assert all(before[table] for table in ("accounts", "deputies", "cases", "ledger_events", "slots"))
    migrate_url(f"sqlite+aiosqlite:///{file}", old_folder)
    migrate_url(f"sqlite+aiosqlite:///{file}", old_folder)
    assert counts(file) == before


async def test_its_ledger_is_still_proven(station: Station) -> None:
    """The chain that the older release wrote is whole under the new program."""
    result = await verify_chain(station.database)
    assert result.broken_at is None
    assert result.events > 100


@pytest.mark.parametrize(
    ("account", "paths"),
    [
        (None, ("/", "/deputies", "/cases", "/live", "/stations")),
        ("ac_demo_citizen", ("/my",)),
        ("ac_demo_clerk", ("/desk", "/desk/cases", "/desk/hearings")),
        ("ac_demo_unit", ("/unit",)),
        ("ac_demo_supervisor", ("/oversight", "/oversight/cards")),
    ],
)
async def test_people_sign_in_and_read_their_pages(new_person, account: str | None, paths: tuple[str, ...]) -> None:  # type: ignore[no-untyped-def]
    """Everybody of the older release signs in as before and finds their pages."""
    person = await new_person(account)
    for path in paths:
        assert "<h1" in await person.get(path)
