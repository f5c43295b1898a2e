"""Paging by key: a page begins behind a row, not after a count of rows, so that the last one costs what the first does.

A page that was open while rows came or went leads on to what follows its last row: nothing is shown twice or left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Integer, Select, Table, bindparam, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

T = TypeVar("T")
U = TypeVar("U")
SEPARATOR = "~"  # stands in no id, number or moment, and is not escaped in an address
MAX_CURSOR = 120


@dataclass(frozen=True, slots=True)
class Cursor:
    """A row's key as an address holds it, and on which side of that row the page lies."""

    key: str
    backwards: bool = False


@dataclass(frozen=True, slots=True)
class Slice(Generic[T]):
    """A page of a list. `before` and `after` are the keys that lead to its neighbours, "" where there is none."""

    items: tuple[T, ...]
    before: str = ""
    after: str = ""

    def map(self, make: Callable[[T], U]) -> Slice[U]:
        """The same page of what is made from each of these."""
        return Slice(tuple(make(item) for item in self.items), self.before, self.after)


@dataclass(frozen=True, slots=True)
class Order:
    """What a list is sorted by: columns of one index, all in one direction, the last one different in every row.

    `names` are those columns in the rows that are read, `parsers` make each part of a key what its column compares.
    """

    columns: tuple[ColumnElement[Any], ...]
    names: tuple[str, ...]
    parsers: tuple[Callable[[str], object], ...]
    descending: bool = False

    def key_of(self, row: Any) -> str:
        """A row's key as text."""
        return join_key(getattr(row, name) for name in self.names)

    def parse(self, key: str) -> tuple[object, ...] | None:
        """The values of a key that came with an address; None for what cannot be one."""
        parts = key[:MAX_CURSOR].split(SEPARATOR)
        if len(parts) != len(self.parsers):
            return None
        try:
            return tuple(parse(part) for parse, part in zip(self.parsers, parts, strict=True))
        except ValueError:
            return None


def join_key(values: Iterable[object]) -> str:
    """The values of a key as text for an address."""
    return SEPARATOR.join(v.isoformat().replace("+00:00", "Z") if isinstance(v, datetime) else str(v) for v in values)


def parse_moment(text: str) -> datetime:
    """A moment with its zone. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or not 2000 <= moment.year <= 2200:
        raise ValueError("no moment that a row has")
    return moment


def parse_small(text: str) -> int:
    """A whole number that every database column of numbers holds. Raises ValueError."""
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise ValueError("no small number")
    return int(text)


class PagedQuery:
    """A list that is read a page at a time. Its statements are built once, so that one made for each page would be no
    better than `select` itself: where conditions vary, keep one for each kind of them.

    Values that vary are bind parameters of `query`, under names that do not begin with `key_` or `page_`. With `whole`,
    the query selects that table's ids alone, from an index that covers it, and whole rows are read only for those
    shown.
    """

    def __init__(self, query: Select[Any], order: Order, whole: Table | None = None) -> None:
        self._query = query
        self._order = order
        self._whole = whole
        self._built: dict[tuple[bool, bool, bool], Select[Any]] = {}

    async def read(
        self,
        connection: AsyncConnection,
        cursor: Cursor | None,
        size: int,
        parameters: Mapping[str, object] | None = None,
        skip: int = 0,
    ) -> Slice[Any]:
        """A page of at most `size` rows; the first one where the cursor is None or says nothing.

        `skip` rows are left out from the beginning: for a few only, as they are read all the same.
        """
        order = self._order
        values = {**(parameters or {}), "page_size": size + 1}
        key = order.parse(cursor.key) if cursor is not None else None
        if cursor is not None and cursor.backwards and key is not None:
            rows = await self._read(connection, values, key, backwards=True)
            if len(rows) > size:
                return _slice(order, rows[size - 1 :: -1], is_first=False, is_last=False)
            key = None  # the beginning is reached: a whole page of it
        rows = await self._read(connection, values, key, skip=skip)
        return _slice(order, rows[:size], is_first=key is None and not skip, is_last=len(rows) <= size)

    async def _read(
        self,
        connection: AsyncConnection,
        values: dict[str, object],
        key: tuple[object, ...] | None,
        backwards: bool = False,
        skip: int = 0,
    ) -> Sequence[Any]:
        shape = (key is not None, backwards, bool(skip))
        if shape not in self._built:
            self._built[shape] = self._build(*shape)
        bound = {f"key_{place}": part for place, part in enumerate(key or ())}
        skipped = {"page_skip": skip} if skip else {}
        found: Sequence[Any] = (await connection.execute(self._built[shape], {**values, **bound, **skipped})).all()
        return found

    def _build(self, has_key: bool, backwards: bool, skips: bool) -> Select[Any]:
        query, order = self._query, self._order
        falling = order.descending is not backwards
        if has_key:
            here = tuple_(*order.columns)
            there = tuple_(*(bindparam(f"key_{n}", type_=c.type) for n, c in enumerate(order.columns)))
            query = query.where(here < there if falling else here > there)
        sorting = [c.desc() if falling else c.asc() for c in order.columns]
        query = query.order_by(*sorting).limit(bindparam("page_size", type_=Integer))
        if skips:
            query = query.offset(bindparam("page_skip", type_=Integer))
        if self._whole is not None:
            whole = self._whole
            query = select(whole).where(whole.c.id.in_(select(query.subquery().c.id))).order_by(*sorting)
        return query


def _slice(order: Order, rows: Sequence[Any], *, is_first: bool, is_last: bool) -> Slice[Any]:
    if not rows:
        return Slice(())
    return Slice(tuple(rows), "" if is_first else order.key_of(rows[0]), "" if is_last else order.key_of(rows[-1]))
