"""Writing the directory: rows by id with their version, and what depends on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Table, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from station.base.database import Transaction
from station.directory import store
from station.directory.model import simple_name
from station.directory.pinyin import spell_place

EDITED: Mapping[str, Table] = {
    "station": store.stations,
    "unit": store.units,
    "constituency": store.constituencies,
    "deputy": store.deputies,
}


async def find_row(connection: AsyncConnection, kind: str, identity: str) -> dict[str, Any] | None:
    """One row of a kind as it is now."""
    table = EDITED[kind]
    row = (await connection.execute(select(table).where(table.c.id == identity))).first()
    return None if row is None else dict(row._mapping)


async def all_rows(connection: AsyncConnection, kind: str) -> list[dict[str, Any]]:
    """All rows of a kind."""
    return [dict(row._mapping) for row in await connection.execute(select(EDITED[kind]))]


async def update_row(
    work: Transaction, kind: str, identity: str, seen: int | None, values: Mapping[str, object]
) -> bool:
    """Change a row that still has the version `seen` (None: whichever it has); False where it has not."""
    table = EDITED[kind]
    statement = update(table).where(table.c.id == identity)
    if seen is not None:
        statement = statement.where(table.c.version == seen)
    changed = await work.execute(statement.values(version=table.c.version + 1, **values))
    return changed.rowcount == 1


async def insert_rows(work: Transaction, kind: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Add rows of a kind."""
    if rows:
        await work.execute(insert(EDITED[kind]), [dict(row) for row in rows])


async def first_district(connection: AsyncConnection) -> str | None:
    """The id of the district that this installation serves."""
    found: str | None = await connection.scalar(select(store.districts.c.id).order_by(store.districts.c.id).limit(1))
    return found


async def insert_district(work: Transaction, identity: str, name: str) -> None:
    """Add the district."""
    await work.execute(insert(store.districts).values(id=identity, name=name))


async def receiving_at(connection: AsyncConnection, station_id: str) -> list[str]:
    """The names of the deputies in office who receive at a station."""
    query = store.seated().where(store.deputies.c.station == station_id).order_by(store.deputies.c.letters)
    return [row.name for row in await connection.execute(query)]


async def count_seats(connection: AsyncConnection, constituency_id: str) -> int:
    """How many seats of any term a constituency has."""
    seats = select(func.count()).select_from(store.seats).where(store.seats.c.constituency == constituency_id)
    return int((await connection.execute(seats)).scalar_one())


async def delete_constituency(work: Transaction, identity: str) -> None:
    """Take out a constituency with its places."""
    await replace_places(work, identity, [])
    await work.execute(delete(store.constituencies).where(store.constituencies.c.id == identity))


async def places_with_names(
    connection: AsyncConnection, constituency_ids: Sequence[str] | None = None
) -> list[tuple[Any, list[str]]]:
    """Places in their order, each with its other names; of all constituencies where None."""
    places, spellings = store.places, store.place_spellings
    query = select(places, spellings.c.spelling).join_from(
        places, spellings, spellings.c.place == places.c.id, isouter=True
    )
    if constituency_ids is not None:
        query = query.where(places.c.constituency.in_(constituency_ids))
    found: dict[str, tuple[Any, list[str]]] = {}
    for row in await connection.execute(query.order_by(places.c.constituency, places.c.id, spellings.c.spelling)):
        names = found.setdefault(row.id, (row, []))[1]
        if row.spelling not in (None, simple_name(row.name)):
            names.append(row.spelling)
    return list(found.values())


async def replace_places(work: Transaction, constituency_id: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Set the places of a constituency: rows with id, kind, name and aliases."""
    places = store.places
    await work.execute(
        delete(store.place_spellings).where(
            store.place_spellings.c.place.in_(select(places.c.id).where(places.c.constituency == constituency_id))
        )
    )
    await work.execute(delete(places).where(places.c.constituency == constituency_id))
    if not rows:
        return
    columns = ("id", "kind", "name")
    made = [{column: row[column] for column in columns} | {"constituency": constituency_id} for row in rows]
    await work.execute(insert(places), made)
    await work.execute(
        insert(store.place_spellings),
        [spelling for row in rows for spelling in spellings_of(row["id"], row["name"], row["aliases"])],
    )


def spellings_of(place_id: str, name: str, aliases: Sequence[str] = ()) -> list[dict[str, object]]:
    """The rows by which a place is found: its name and other names, simplified, with pinyin and initials."""
    made: list[dict[str, object]] = []
    for spelling in dict.fromkeys(simple_name(one) for one in (name, *aliases)):
        letters, initials = spell_place(spelling)
        made.append({"place": place_id, "spelling": spelling, "letters": letters, "initials": initials})
    return made


async def current_term(connection: AsyncConnection) -> Any | None:
    """The row of the term that lasts."""
    return (await connection.execute(select(store.terms).where(store.terms.c.ends_on.is_(None)))).first()


async def seats_of_term(connection: AsyncConnection, term_id: str) -> dict[str, Any]:
    """The seats of a term by deputy."""
    rows = await connection.execute(select(store.seats).where(store.seats.c.term == term_id))
    return {row.deputy: row for row in rows}


async def seats_of_deputy(connection: AsyncConnection, deputy_id: str) -> list[Any]:
    """All seats of a deputy with term and constituency, the newest first."""
    query = (
        select(
            store.seats.c.level,
            store.seats.c.constituency.label("constituency_id"),
            store.constituencies.c.name.label("constituency"),
            store.terms.c.name.label("term"),
            store.terms.c.starts_on,
            store.terms.c.ends_on,
        )
        .join(store.terms, store.terms.c.id == store.seats.c.term)
        .join(store.constituencies, store.constituencies.c.id == store.seats.c.constituency)
        .where(store.seats.c.deputy == deputy_id)
        .order_by(store.terms.c.starts_on.desc())
    )
    return list(await connection.execute(query))


async def insert_seats(work: Transaction, rows: Sequence[Mapping[str, object]]) -> None:
    """Add seats."""
    if rows:
        await work.execute(insert(store.seats), [dict(row) for row in rows])


async def update_seat(work: Transaction, deputy_id: str, term_id: str, constituency_id: str, level: str) -> bool:
    """Change the seat that a deputy has in a term; False where there is none."""
    seats = store.seats
    statement = update(seats).where(seats.c.deputy == deputy_id, seats.c.term == term_id)
    return (await work.execute(statement.values(constituency=constituency_id, level=level))).rowcount == 1


async def insert_term(work: Transaction, identity: str, name: str, starts_on: date) -> None:
    """Add the term that lasts from now on."""
    await work.execute(insert(store.terms).values(id=identity, name=name, starts_on=starts_on))
