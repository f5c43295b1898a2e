"""Taking photos in, handing them on, letting them go: a file and its row stand together or not at all."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from station.base.database import Transaction
from station.base.errors import DatabaseAway, NotFound
from station.base.ids import new_id
from station.base.principal import Principal
from station.base.station import Station
from station.ledger.service import append
from station.photos import store
from station.photos.decoding import Decoded, decode
from station.photos.model import MAX_PHOTOS, Photo, PhotoNotKept, TooManyPhotos

STRAY_AFTER_S = 3600.0  # a file without a row: longer than any transaction takes


@dataclass(slots=True)
class Prepared:
    """A picture made anew whose row is still to come; `kept` once the row is durable."""

    id: str
    part: Path
    picture: Decoded
    kept: bool = False


@asynccontextmanager
async def prepare(station: Station, sent: IO[bytes]) -> AsyncIterator[Prepared]:
    """Make the picture anew, outside of any transaction; what is not attached inside the block is gone after it.

    Raises NotAPhoto, TooManyPixels, PhotoTooLong, PhotoNotKept.
    """
    photo_id = new_id("ph")
    file = store.file_of(station.settings, photo_id)
    part = file.with_suffix(".part")
    prepared: Prepared | None = None
    unsure = False
    try:
        prepared = Prepared(photo_id, part, await decode(sent, part))
        yield prepared
    except DatabaseAway:
        unsure = True  # the commit may stand, and only its answer be lost: `delete_orphaned_files` sees
        raise
    finally:
        part.unlink(missing_ok=True)
        if not unsure and (prepared is None or not prepared.kept):
            file.unlink(missing_ok=True)


async def attach(station: Station, work: Transaction, who: Principal, holder: str, prepared: Prepared) -> Photo:
    """Give a prepared picture to a holder, which the caller has locked. The same picture twice is one photo.

    Raises TooManyPhotos, PhotoNotKept.
    """
    present = await store.photos_of(work.connection, holder)
    picture = prepared.picture
    twin = next((photo for photo in present if photo.sha256 == picture.sha256), None)
    if twin is not None:
        return twin
    if len(present) >= MAX_PHOTOS:
        raise TooManyPhotos(n=MAX_PHOTOS)
    photo = Photo(
        id=prepared.id,
        holder=holder,
        sha256=picture.sha256,
        size_bytes=picture.size_bytes,
        width=picture.width,
        height=picture.height,
        added_by=who.account,
        added_at=station.clock.now(),
    )
    await store.insert_photo(work, photo)
    data = {"holder": holder, "sha256": photo.sha256, "size_bytes": photo.size_bytes}
    await append(station, work, who, "photo.added", f"photo:{photo.id}", data)
    try:
        prepared.part.rename(store.file_of(station.settings, photo.id))
    except OSError as error:
        raise PhotoNotKept from error

    async def keep() -> None:
        prepared.kept = True

    work.after_commit.insert(0, keep)
    return photo


async def hand_on(work: Transaction, holder: str, new_holder: str) -> list[Photo]:
    """Give a holder's photos to the next one; returns them as they now are."""
    await store.change_holder(work, holder, new_holder)
    return await store.photos_of(work.connection, new_holder)


async def remove(station: Station, work: Transaction, who: Principal, holder: str, photo_id: str = "") -> None:
    """Delete one photo of a holder, or all of them; the files go once the change is durable."""
    gone = await store.photos_of(work.connection, holder, photo_id)
    if not gone:
        return
    await store.delete_photos(work, [photo.id for photo in gone])
    for photo in gone:
        await append(station, work, who, "photo.removed", f"photo:{photo.id}", {"holder": holder})

    async def unlink() -> None:
        for photo in gone:
            store.file_of(station.settings, photo.id).unlink(missing_ok=True)

    work.after_commit.append(unlink)


async def list_photos(station: Station, holder: str) -> list[Photo]:
    """The photos of a holder. Whether the caller may see them is for the holder's package to say."""
    async with station.database.read() as connection:
        return await store.photos_of(connection, holder)


async def count_photos(station: Station, holders: list[str]) -> Counter[str]:
    """How many photos each of several holders has."""
    async with station.database.read() as connection:
        return Counter(await store.holders_among(connection, holders))


async def open_photo(station: Station, holder: str, photo_id: str) -> Path:
    """The file of a photo that this holder has. Raises NotFound."""
    async with station.database.read() as connection:
        found = await store.photos_of(connection, holder, photo_id) if photo_id else []
    path = store.file_of(station.settings, found[0].id) if found else None
    if path is None or not path.is_file():
        raise NotFound
    return path


async def delete_orphaned_files(station: Station) -> None:
    """Delete files that have no row: a process that was killed half-way could not tidy up after itself."""
    # The file system's clock counts here, not the station's: it is what the files' times were taken from.
    now = time.time()
    old = [
        path
        for path in store.folder_of(station.settings).iterdir()
        if path.suffix in (".jpg", ".part") and path.stat().st_mtime < now - STRAY_AFTER_S
    ]
    async with station.database.read() as connection:
        known = await store.all_ids(connection) if old else set()
    for path in old:
        if path.stem not in known or path.suffix == ".part":
            path.unlink(missing_ok=True)
