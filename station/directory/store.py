"""Tables and queries of the directory."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Date,
    ForeignKey,
    Index,
    Integer,
    Select,
    String,
    Table,
    Text,
    bindparam,
    false,
    func,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from station.base.database import Transaction, metadata
from station.directory.model import (
    PAGE_SIZE,
    Deputy,
    DirectoryCounts,
    LiaisonStation,
    NameQuery,
    Place,
    PlaceKind,
    Tier,
    Unit,
)

districts = Table(
    "districts",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("name", String(60), nullable=False),
)

stations = Table(
    "stations",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("district", ForeignKey("districts.id"), nullable=False),
    Column("parent", ForeignKey("stations.id")),
    Column("tier", String(8), nullable=False),
    Column("name", String(60), nullable=False),
    Column("address", String(120), nullable=False),
    Column("phone", String(30), nullable=False),
    Column("hours", String(120), nullable=False, server_default=""),
    Column("directions", String(400), nullable=False, server_default=""),  # the way there, in words
    Column("accessibility", String(200), nullable=False, server_default=""),
    Column("closed", Boolean, nullable=False, server_default=false()),
    Column("version", Integer, nullable=False, server_default="1"),  # rises with each edit
)

terms = Table(
    "terms",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("name", String(40), nullable=False),
    Column("starts_on", Date, nullable=False),
    Column("ends_on", Date),
)

constituencies = Table(
    "constituencies",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("district", ForeignKey("districts.id"), nullable=False),
    Column("name", String(60), nullable=False),
    Column("whole_district", Boolean, nullable=False),
    Column("version", Integer, nullable=False, server_default="1"),  # its places count as part of it
)

places = Table(
    "places",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("name", String(60), nullable=False, index=True),
    Column("kind", String(10), nullable=False),
    Column("constituency", ForeignKey("constituencies.id"), nullable=False, index=True),
)

# How a place is called: its name and other names, in simplified characters, each with its pinyin and initials.
place_spellings = Table(
    "place_spellings",
    metadata,
    Column("place", ForeignKey("places.id", ondelete="CASCADE"), primary_key=True),
    Column("spelling", String(60), primary_key=True),
    Column("letters", String(200), nullable=False),
    Column("initials", String(60), nullable=False),
)

deputies = Table(
    "deputies",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("code", String(12), nullable=False, unique=True),
    Column("name", String(40), nullable=False),
    Column("latin", String(60), nullable=False),
    Column("letters", String(60), nullable=False),  # the latin name in small letters without spaces, for searching
    Column("initials", String(12), nullable=False),
    Column("station", ForeignKey("stations.id"), nullable=False),
    Column("job", String(80), nullable=False),
    Column("concerns", String(120), nullable=False),
    Column("bio", Text, nullable=False),
    Column("syllables", String(80), nullable=False, server_default=""),  # `lin xiu lan`
    Column("receiving", Boolean, nullable=False, server_default=true()),
    Column("version", Integer, nullable=False, server_default="1"),
)

seats = Table(
    "seats",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("deputy", ForeignKey("deputies.id"), nullable=False),
    Column("term", ForeignKey("terms.id"), nullable=False),
    Column("constituency", ForeignKey("constituencies.id"), nullable=False, index=True),
    Column("level", String(10), nullable=False),
    Index("uq_seats_deputy_term", "deputy", "term", unique=True),
)

units = Table(
    "units",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("name", String(60), nullable=False),
    Column("phone", String(30), nullable=False),
    Column("contacts", String(400), nullable=False, server_default=""),  # a person a line
    Column("retired", Boolean, nullable=False, server_default=false()),
    Column("version", Integer, nullable=False, server_default="1"),
)


def with_seats() -> Select[Any]:
    """Deputies with each of their seats, and their station."""
    return (
        select(
            deputies,
            constituencies.c.name.label("constituency_name"),
            constituencies.c.id.label("constituency_id"),
            seats.c.level,
            stations.c.name.label("station_name"),
            stations.c.address.label("station_address"),
            terms.c.name.label("term_name"),
            terms.c.starts_on,
            terms.c.ends_on,
        )
        .join(seats, seats.c.deputy == deputies.c.id)
        .join(terms, terms.c.id == seats.c.term)
        .join(constituencies, constituencies.c.id == seats.c.constituency)
        .join(stations, stations.c.id == deputies.c.station)
    )


def seated() -> Select[Any]:
    """Deputies with the seat of the term that lasts, and their station."""
    return with_seats().where(terms.c.ends_on.is_(None))


# Built once: building a statement takes longer than running it. A deputy outlives the term: the last seat counts.
_LAST_SEAT_FIRST = (terms.c.ends_on.is_(None).desc(), terms.c.starts_on.desc())
_DEPUTY_BY_ID = with_seats().where(deputies.c.id == bindparam("deputy_id")).order_by(*_LAST_SEAT_FIRST).limit(1)
_DEPUTIES_BY_ID = seated().where(deputies.c.id.in_(bindparam("deputy_ids", expanding=True)))
_STATION_OF = select(deputies.c.station).where(deputies.c.id == bindparam("deputy_id"))
_DEPUTIES_AT = select(deputies.c.id).where(deputies.c.station.in_(bindparam("station_ids", expanding=True)))
_STATIONS = select(stations).order_by(stations.c.id)
_UNITS = select(units).order_by(units.c.name)
_UNIT = select(units).where(units.c.id == bindparam("unit_id"))


async def deputy_by_id(connection: AsyncConnection, deputy_id: str) -> Deputy | None:
    """The deputy with that id, in office or not any more."""
    row = (await connection.execute(_DEPUTY_BY_ID, {"deputy_id": deputy_id})).first()
    return None if row is None else to_deputy(row)


async def deputy_by_code(connection: AsyncConnection, code: str) -> Deputy | None:
    """The deputy whose printed code it is."""
    row = (await connection.execute(seated().where(deputies.c.code == code))).first()
    return None if row is None else to_deputy(row)


async def deputies_by_id(connection: AsyncConnection, ids: list[str]) -> list[Deputy]:
    """Several deputies at once."""
    if not ids:
        return []
    return [to_deputy(row) for row in await connection.execute(_DEPUTIES_BY_ID, {"deputy_ids": ids})]


async def all_deputies(connection: AsyncConnection) -> list[Deputy]:
    """Every deputy with a seat in the term that lasts, by latin name."""
    return [to_deputy(row) for row in await connection.execute(seated().order_by(deputies.c.letters, deputies.c.id))]


async def station_of(connection: AsyncConnection, deputy_id: str) -> str | None:
    """Where a deputy receives."""
    return (await connection.execute(_STATION_OF, {"deputy_id": deputy_id})).scalar()


async def lock_deputy(work: Transaction, deputy_id: str) -> None:
    """Hold a deputy's row until the end of the transaction: what must be there once for a deputy is looked for, and
    made, by one caller after another. Rows that refer to the deputy may be made meanwhile.
    """
    await work.execute(select(deputies.c.id).where(deputies.c.id == deputy_id).with_for_update(key_share=True))


async def deputies_at(connection: AsyncConnection, station_ids: Iterable[str]) -> list[str]:
    """The ids of the deputies who receive at these stations."""
    return list((await connection.execute(_DEPUTIES_AT, {"station_ids": sorted(station_ids)})).scalars())


async def places_like(connection: AsyncConnection, query: str) -> list[Place]:
    """Places with a spelling that holds the query or stands in it, or whose pinyin begins with it; initials too."""
    spelling = place_spellings.c.spelling
    matches = [spelling.contains(query, autoescape=True), literal(query).contains(spelling)]
    if query.isascii():
        letters = query.lower()
        for typed in {letters, re.sub("(?<=[ln])yu", "v", letters)}:  # lyuyuan, as passports have it
            matches += [place_spellings.c.letters.startswith(typed, autoescape=True)]
        matches += [place_spellings.c.initials == letters]
    statement = (
        select(places, spelling)
        .join(place_spellings, place_spellings.c.place == places.c.id)
        .where(or_(*matches))
        .order_by(places.c.name, places.c.id, func.length(spelling).desc())
        .limit(200)
    )
    return [to_place(row) for row in await connection.execute(statement)]


async def place_names(connection: AsyncConnection) -> list[str]:
    """All spellings of places, for suggesting the closest."""
    spelling = place_spellings.c.spelling
    return list((await connection.execute(select(spelling).distinct().order_by(spelling))).scalars())


async def search(
    connection: AsyncConnection, name: NameQuery, constituency_ids: list[str] | None, page: int
) -> tuple[list[Deputy], int]:
    """One page of deputies and how many there are; deputies of the whole district answer for every place."""
    query = seated()
    if constituency_ids is not None:
        query = query.where(or_(seats.c.constituency.in_(constituency_ids), constituencies.c.whole_district.is_(True)))
    if not name.empty:
        query = query.where(or_(*called(name)))
    total = (await connection.execute(select(func.count()).select_from(query.subquery()))).scalar_one()
    ordered = query.order_by(constituencies.c.whole_district, constituencies.c.id, deputies.c.id)
    rows = await connection.execute(ordered.limit(PAGE_SIZE).offset((page - 1) * PAGE_SIZE))
    return [to_deputy(row) for row in rows], int(total)


def called(name: NameQuery) -> Iterator[ColumnElement[bool]]:
    """The conditions of which one must hold of a deputy who is called so."""
    plain = func.replace(deputies.c.name, "·", "")
    if name.chinese:
        yield (
            plain.startswith(name.chinese, autoescape=True)
            if name.titled
            else plain.contains(name.chinese, autoescape=True)
        )
    for letters in name.letters:
        yield deputies.c.letters.startswith(letters, autoescape=True)
        yield func.lower(deputies.c.latin).contains(f" {letters}", autoescape=True)  # the given name alone
        yield deputies.c.initials == letters
        yield deputies.c.code == letters


async def all_stations(connection: AsyncConnection) -> list[LiaisonStation]:
    """Every station, in the order of their ids."""
    return [
        LiaisonStation(
            id=r.id,
            district=r.district,
            parent=r.parent,
            tier=Tier(r.tier),
            name=r.name,
            address=r.address,
            phone=r.phone,
            hours=r.hours,
            directions=r.directions,
            accessibility=r.accessibility,
            closed=r.closed,
            version=r.version,
        )
        for r in await connection.execute(_STATIONS)
    ]


async def all_units(connection: AsyncConnection) -> list[Unit]:
    """Every unit, by name."""
    return [_to_unit(row) for row in await connection.execute(_UNITS)]


async def unit_row(connection: AsyncConnection, unit_id: str) -> Unit | None:
    """One unit."""
    row = (await connection.execute(_UNIT, {"unit_id": unit_id})).first()
    return None if row is None else _to_unit(row)


def _to_unit(row: Any) -> Unit:
    return Unit(
        id=row.id, name=row.name, phone=row.phone, contacts=row.contacts, retired=row.retired, version=row.version
    )


async def count_all(connection: AsyncConnection) -> DirectoryCounts:
    """How much the directory holds."""
    tiers = await connection.execute(
        select(stations.c.tier, func.count()).where(~stations.c.closed).group_by(stations.c.tier)
    )
    seats_held = select(func.count()).select_from(seated().subquery())
    return DirectoryCounts(
        stations={Tier(tier): count for tier, count in tiers},
        deputies=int((await connection.execute(seats_held)).scalar_one()),
        constituencies=await _count(connection, constituencies),
        places=await _count(connection, places),
        units=await _count(connection, units, ~units.c.retired),
    )


async def _count(connection: AsyncConnection, table: Table, *which: ColumnElement[bool]) -> int:
    return int((await connection.execute(select(func.count()).select_from(table).where(*which))).scalar_one())


def to_deputy(row: Any) -> Deputy:
    """A deputy from a row of `with_seats()`."""
    return Deputy(
        id=row.id,
        code=row.code,
        name=row.name,
        latin=row.latin,
        constituency=row.constituency_name,
        constituency_id=row.constituency_id,
        level=row.level,
        station_id=row.station,
        station_name=row.station_name,
        station_address=row.station_address,
        job=row.job,
        concerns=row.concerns,
        bio=row.bio,
        term=row.term_name,
        since=row.starts_on.year,
        in_office=row.ends_on is None,
        receiving=row.receiving,
    )


def to_place(row: Any) -> Place:
    """A place from its row with the spelling by which it was found."""
    return Place(row.id, row.name, PlaceKind(row.kind), row.constituency, row.spelling)
