"""The table of photos and the folder of their files."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Column, Integer, String, Table, UniqueConstraint, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from station.base.database import Transaction, UtcDateTime, metadata
from station.base.settings import Settings
from station.photos.model import Photo

photos = Table(
    "photos",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("holder", String(60), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("added_by", String(24), nullable=False),
    Column("added_at", UtcDateTime, nullable=False),
    UniqueConstraint("holder", "sha256"),
)


def folder_of(settings: Settings) -> Path:
    """Where the files are; made when there is none."""
    folder = settings.data / "photos"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def file_of(settings: Settings, photo_id: str) -> Path:
    """The file of a photo; its name is the id that we made."""
    return folder_of(settings) / f"{photo_id}.jpg"


async def photos_of(connection: AsyncConnection, holder: str, photo_id: str = "") -> list[Photo]:
    """A holder's photos, or the one with that id, in the order in which they were added."""
    query = select(photos).where(photos.c.holder == holder).order_by(photos.c.added_at, photos.c.id)
    rows = await connection.execute(query.where(photos.c.id == photo_id) if photo_id else query)
    return [Photo(**row._mapping) for row in rows]


async def holders_among(connection: AsyncConnection, holders: list[str]) -> list[str]:
    """The holder of each photo that one of these has."""
    return list((await connection.execute(select(photos.c.holder).where(photos.c.holder.in_(holders)))).scalars())


async def all_ids(connection: AsyncConnection) -> set[str]:
    """The ids of all photos there are."""
    return set((await connection.execute(select(photos.c.id))).scalars())


async def insert_photo(work: Transaction, photo: Photo) -> None:
    """Add the row of a photo."""
    values = {name: getattr(photo, name) for name in photos.c.keys()}  # noqa: SIM118  a table's columns, not a dict
    await work.execute(insert(photos).values(values))


async def delete_photos(work: Transaction, ids: list[str]) -> None:
    """Take rows out."""
    await work.execute(delete(photos).where(photos.c.id.in_(ids)))


async def change_holder(work: Transaction, holder: str, new: str) -> None:
    """Give all photos of one holder to another."""
    await work.execute(update(photos).where(photos.c.holder == holder).values(holder=new))
