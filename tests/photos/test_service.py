"""A file and its row stand together or not at all, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import io
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from station.app import close_station
from station.base.bus import LocalBus
from station.base.clock import FixedClock
from station.base.database import Database
from station.base.errors import DatabaseAway, NotFound
from station.base.grants import GrantSigner
from station.base.principal import Principal, Role
from station.base.settings import Settings
from station.base.station import Station
from station.ledger.service import timeline
from station.ledger.verify import verify_chain
from station.photos import service
from station.photos.model import NotAPhoto, Photo, TooManyPhotos
from tests.fixtures import MONDAY_TEN
from tests.photos.pictures import PROGRAM, phone_photo, picture

ZHAO = Principal("ac_demo_citizen", Role.CITIZEN, "赵玉梅")
HOLDER = "draft:ac_demo_citizen"


@pytest_asyncio.fixture
async def bare(database_url: str, tmp_path: Path) -> AsyncIterator[Station]:
    """A station with tables and nothing in them."""
    settings = Settings(data=tmp_path / "var", _env_file=None)
    clock = FixedClock(MONDAY_TEN)
    made = Station(settings, Database(database_url), LocalBus(), clock, GrantSigner.load(settings.keys))
    yield made
    await close_station(made)


def files(station: Station) -> list[str]:
    return sorted(path.name for path in (station.settings.data / "photos").iterdir())


async def add(station: Station, content: bytes, holder: str = HOLDER) -> Photo:
    async with service.prepare(station, io.BytesIO(content)) as prepared, station.database.transaction() as work:
        return await service.attach(station, work, ZHAO, holder, prepared)


async def test_a_photo_is_kept_with_its_checksum(bare: Station) -> None:
    """One file of our own naming, one row, one line in the ledger with the same checksum."""
    photo = await add(bare, phone_photo())
    assert files(bare) == [f"{photo.id}.jpg"]
    assert await service.list_photos(bare, HOLDER) == [photo]
    path = await service.open_photo(bare, HOLDER, photo.id)
    assert path.stat().st_size == photo.size_bytes
    (event,) = await timeline(bare, f"photo:{photo.id}")
    assert (event.action, event.data["sha256"]) == ("photo.added", photo.sha256)
    assert (await verify_chain(bare.database)).ok


async def test_only_its_holder_opens_it(bare: Station) -> None:
    """The id alone opens nothing; neither does another's holder, nor a path."""
    photo = await add(bare, picture())
    for holder, photo_id in (("draft:ac_other", photo.id), (HOLDER, "ph_other"), (HOLDER, f"../photos/{photo.id}")):
        with pytest.raises(NotFound):
            await service.open_photo(bare, holder, photo_id)


async def test_the_same_picture_twice_is_one(bare: Station) -> None:
    """A double press adds nothing, and no second file lies about."""
    first, second = await add(bare, picture()), await add(bare, picture())
    assert first == second
    assert files(bare) == [f"{first.id}.jpg"]


async def test_the_fifth_is_refused(bare: Station) -> None:
    """Four stay, and of the fifth neither file nor row; another holder has room of its own."""
    for shade in ("navy", "olive", "gray", "black"):
        await add(bare, picture(colour=shade))
    with pytest.raises(TooManyPhotos):
        await add(bare, picture(colour="white"))
    assert len(files(bare)) == len(await service.list_photos(bare, HOLDER)) == 4
    await add(bare, picture(colour="white"), "draft:ac_other")


async def test_what_is_no_picture_leaves_nothing(bare: Station) -> None:
    """No file, not even a part of one."""
    with pytest.raises(NotAPhoto):
        await add(bare, PROGRAM)
    assert files(bare) == []


async def test_a_transaction_that_fails_takes_the_file_with_it(bare: Station) -> None:
    """Whatever goes wrong after attaching, row and file are both gone."""
    with pytest.raises(asyncio.CancelledError):
        async with (
            service.prepare(bare, io.BytesIO(picture())) as prepared,
            bare.database.transaction() as work,
        ):
            await service.attach(bare, work, ZHAO, HOLDER, prepared)
            assert len(files(bare)) == 1
            raise asyncio.CancelledError
    assert files(bare) == []
    assert await service.list_photos(bare, HOLDER) == []


async def test_a_photo_whose_commit_had_no_answer_keeps_its_file(bare: Station) -> None:
    """The line to the database breaks at the commit, which stands: so does the picture."""
    with pytest.raises(DatabaseAway):
        async with service.prepare(bare, io.BytesIO(picture())) as prepared:
            async with bare.database.transaction() as work:
                photo = await service.attach(bare, work, ZHAO, HOLDER, prepared)
                work.after_commit.clear()  # nobody hears of it
            raise DatabaseAway
    await service.delete_orphaned_files(bare)
    assert (await service.open_photo(bare, HOLDER, photo.id)).is_file()


async def test_removing_deletes_the_file_after_the_row(bare: Station) -> None:
    """A removal that is rolled back keeps both; one that holds deletes both and says so in the ledger."""
    one, two = await add(bare, picture()), await add(bare, picture(colour="olive"))
    with pytest.raises(RuntimeError):
        async with bare.database.transaction() as work:
            await service.remove(bare, work, ZHAO, HOLDER)
            raise RuntimeError
    assert len(files(bare)) == 2
    async with bare.database.transaction() as work:
        await service.remove(bare, work, ZHAO, HOLDER, one.id)
    assert files(bare) == [f"{two.id}.jpg"]
    assert [e.action for e in await timeline(bare, f"photo:{one.id}")] == ["photo.added", "photo.removed"]


async def test_handing_on_moves_all(bare: Station) -> None:
    """After it the old holder has none and opens none."""
    photo = await add(bare, picture())
    async with bare.database.transaction() as work:
        (moved,) = await service.hand_on(work, HOLDER, "booking:bk_one")
    assert (moved.id, moved.holder) == (photo.id, "booking:bk_one")
    assert await service.list_photos(bare, HOLDER) == []
    assert (await service.open_photo(bare, "booking:bk_one", photo.id)).exists()
    assert await service.count_photos(bare, [HOLDER, "booking:bk_one"]) == {"booking:bk_one": 1}


async def test_files_that_a_crash_left_are_swept(bare: Station) -> None:
    """Old files without a row go; those with a row stay, and so does what is being written just now."""
    photo = await add(bare, picture())
    folder = bare.settings.data / "photos"
    for name in ("ph_left.jpg", "ph_left.part", "ph_now.part"):
        (folder / name).write_bytes(b"half")
    long_ago = time.time() - 2 * service.STRAY_AFTER_S
    for name in ("ph_left.jpg", "ph_left.part", f"{photo.id}.jpg"):
        os.utime(folder / name, (long_ago, long_ago))
    await service.delete_orphaned_files(bare)
    assert files(bare) == sorted([f"{photo.id}.jpg", "ph_now.part"])
