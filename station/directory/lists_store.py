"""The administrator's lists, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from station.base.keyset import Cursor, Order, PagedQuery, Slice
from station.directory import store
from station.directory.model import clean_query, narrowest, read_name

ADMIN_PAGE = 50


@dataclass(frozen=True, slots=True)
class DeputyFilter:
    """Which deputies are wanted: by name or place, at one station, and how they stand."""

    query: str = ""
    station: str = ""
    standing: str = ""  # "receiving", "paused" or "left"


async def page_of_stations(connection: AsyncConnection, query: str, cursor: Cursor | None) -> tuple[Slice[Any], int]:
    """Stations by name, with the name of the one above; and how many there are."""
    table, above = store.stations, store.stations.alias("above")
    statement = select(table, above.c.name.label("parent_name")).join(above, above.c.id == table.c.parent, isouter=True)
    return await _page(connection, _named(statement, table, query), table, cursor)


async def page_of_units(connection: AsyncConnection, query: str, cursor: Cursor | None) -> tuple[Slice[Any], int]:
    """Units by name."""
    return await _page(connection, _named(select(store.units), store.units, query), store.units, cursor)


async def page_of_constituencies(
    connection: AsyncConnection, query: str, cursor: Cursor | None
) -> tuple[Slice[Any], int]:
    """Constituencies by name, with how many places and seats of the term that lasts they have; found by places too."""
    table, places = store.constituencies, store.places
    seats = (
        select(func.count())
        .select_from(store.seats.join(store.terms, store.terms.c.id == store.seats.c.term))
        .where(store.seats.c.constituency == table.c.id, store.terms.c.ends_on.is_(None))
        .scalar_subquery()
    )
    count = select(func.count()).select_from(places).where(places.c.constituency == table.c.id).scalar_subquery()
    statement = select(table, count.label("places"), seats.label("seats"))
    plain = clean_query(query)
    if plain:
        found = [place.constituency for place in narrowest(plain, await store.places_like(connection, plain))]
        statement = statement.where(or_(table.c.name.contains(plain, autoescape=True), table.c.id.in_(found)))
    return await _page(connection, statement, table, cursor)


async def page_of_deputies(
    connection: AsyncConnection, wanted: DeputyFilter, cursor: Cursor | None
) -> tuple[Slice[Any], int]:
    """Deputies by pinyin, in office or not, with constituency and station; found by name or by place."""
    table = store.deputies
    seat = _current_seats()
    statement = (
        select(
            table,
            seat.c.constituency_name,
            seat.c.constituency_id,
            seat.c.level,
            store.stations.c.name.label("station_name"),
        )
        .join(store.stations, store.stations.c.id == table.c.station)
        .join(seat, seat.c.deputy == table.c.id, isouter=True)
    )
    if wanted.query:
        statement = statement.where(or_(*await _meant(connection, wanted.query, seat.c.constituency_id)))
    if wanted.station:
        statement = statement.where(table.c.station == wanted.station)
    standing = {
        "receiving": and_(seat.c.deputy.is_not(None), table.c.receiving),
        "paused": and_(seat.c.deputy.is_not(None), ~table.c.receiving),
        "left": seat.c.deputy.is_(None),
    }.get(wanted.standing)
    if standing is not None:
        statement = statement.where(standing)
    order = Order((table.c.letters, table.c.id), ("letters", "id"), (str, str))
    return await _page(connection, statement, table, cursor, order)


def _current_seats() -> Any:
    return (
        select(
            store.seats.c.deputy,
            store.seats.c.level,
            store.constituencies.c.id.label("constituency_id"),
            store.constituencies.c.name.label("constituency_name"),
        )
        .join(store.terms, store.terms.c.id == store.seats.c.term)
        .join(store.constituencies, store.constituencies.c.id == store.seats.c.constituency)
        .where(store.terms.c.ends_on.is_(None))
        .subquery()
    )


async def _meant(
    connection: AsyncConnection, query: str, constituency_id: ColumnElement[Any]
) -> list[ColumnElement[bool]]:
    plain = clean_query(query)
    found = narrowest(plain, await store.places_like(connection, plain)) if plain else ()
    conditions = list(store.called(read_name(query)))
    return [*conditions, constituency_id.in_([place.constituency for place in found])]


def _named(statement: Select[Any], table: Any, query: str) -> Select[Any]:
    plain = clean_query(query)
    return statement.where(table.c.name.contains(plain, autoescape=True)) if plain else statement


async def _page(
    connection: AsyncConnection, statement: Select[Any], table: Any, cursor: Cursor | None, order: Order | None = None
) -> tuple[Slice[Any], int]:
    total = int((await connection.execute(select(func.count()).select_from(statement.subquery()))).scalar_one())
    order = order or Order((table.c.name, table.c.id), ("name", "id"), (str, str))
    return await PagedQuery(statement, order).read(connection, cursor, ADMIN_PAGE), total
