"""The public list and its search: read from indexes newest number first, whatever there is of cases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from station.base.keyset import Cursor, Order, PagedQuery, Slice, join_key
from station.cases import store
from station.cases.model import pairs_of, parse_number, search_words
from station.cases.numbering import Series, count_newer, count_numbers, number_behind
from station.cases.queries import NEWEST_NUMBER, c
from station.cases.records import Case

w = store.case_words.c
BY_WORD = Order((w.year, w.serial, w.case_id), ("year", "serial", "id"), NEWEST_NUMBER.parsers, True)
COUNTED = 500  # a search that finds more is not counted to its end
WORDS_ASKED = 16  # pairs of signs of a search that are looked at for the rarest
MOST_SKIPPED = 1000
NUMBERS_SHOWN = 20
LAST_SIGN = "\U0010ffff"
_NUMBERS = select(store.case_numbers.c.year, store.case_numbers.c.last)
_ALL_CASES = PagedQuery(select(c.id), NEWEST_NUMBER, whole=store.cases)


@dataclass(frozen=True, slots=True)
class Found:
    """A page of the public list. `total` is None for a search with more than is counted, `page` where none can say."""

    cases: Slice[Case]
    total: int | None
    page: int | None


@dataclass(frozen=True, slots=True)
class _Driver:
    """The part of a search that the fewest titles have, and how many those are (COUNTED + 1: more)."""

    condition: ColumnElement[bool]
    count: int
    is_pair: bool
    is_all: bool  # nothing else is asked for


async def all_cases(connection: AsyncConnection, cursor: Cursor | None, page: int, size: int) -> Found:
    """A page of all cases: behind a case, or, for old addresses, by its number."""
    series = [Series(row.year, row.last) for row in await connection.execute(_NUMBERS)]
    total = count_numbers(series)
    if cursor is None and page > 1:
        year, serial = number_behind(series, (min(page, max(1, -(-total // size))) - 1) * size)
        cursor = Cursor(join_key((year, serial + 1, "")))
    rows = await _ALL_CASES.read(connection, cursor, size)
    newer = count_newer(series, rows.items[0].year, rows.items[0].serial) if rows.items else 0
    return Found(rows.map(store.to_case), total, newer // size + 1)


async def matching_cases(connection: AsyncConnection, words: str, cursor: Cursor | None, page: int, size: int) -> Found:
    """Cases whose published title has all the words; before them, on the first page, those of that number."""
    skip = min((page - 1) * size, MOST_SKIPPED // size * size) if cursor is None else 0
    wanted, numbered = search_words(words), await _cases_numbered(connection, words)
    hits = tuple(case.id for case in numbered)
    driver = await _rarest(connection, wanted)
    query, order = _titles(wanted, driver)
    if hits:
        query = query.where(c.id.not_in(hits))
    found = await PagedQuery(query, order).read(connection, cursor, size, skip=skip)
    total = await _count(connection, query, driver, bool(hits))
    cases = tuple(map(store.to_case, found.items))
    is_first = not skip and not found.before and (bool(cases) or cursor is None)
    if total is None and is_first and not found.after:
        total = len(cases)
    if is_first:
        cases = (*numbered, *cases)
    pages = Slice(cases, found.before, found.after)
    return Found(
        pages,
        None if total is None else total + len(numbered),
        skip // size + 1 if is_first or cursor is None else None,
    )


async def _cases_numbered(connection: AsyncConnection, words: str) -> list[Case]:
    number = parse_number(words)
    if number is None:
        return []
    year, serial = number
    query = select(store.cases).where(c.serial == serial).order_by(c.year.desc(), c.id).limit(NUMBERS_SHOWN)
    return [store.to_case(row) for row in await connection.execute(query.where(c.year == year) if year else query)]


async def _rarest(connection: AsyncConnection, wanted: tuple[str, ...]) -> _Driver:
    parts = list(dict.fromkeys(pair for word in wanted for pair in pairs_of(word)))[:WORDS_ASKED]
    conditions = [w.word == part if len(part) == 2 else w.word.between(part, part + LAST_SIGN) for part in parts]
    counts = [
        select(func.count()).select_from(select(literal(1)).where(each).limit(COUNTED + 1).subquery()).scalar_subquery()
        for each in conditions
    ]
    row = (await connection.execute(select(*counts))).one()
    least = min(range(len(parts)), key=lambda n: row[n])
    return _Driver(conditions[least], row[least], len(parts[least]) == 2, wanted == (parts[least],))


def _titles(wanted: tuple[str, ...], driver: _Driver) -> tuple[Select[Any], Order]:
    """Published titles with all words, read from the index of the rarest; of one sign that many have, from the list."""
    titled = and_(c.published.is_(True), *(c.search_text.contains(word, autoescape=True) for word in wanted))
    if driver.is_pair:
        query = select(store.cases).join(store.case_words, w.case_id == c.id).where(driver.condition)
        return query if driver.is_all else query.where(titled), BY_WORD
    query = select(store.cases).where(titled)
    if driver.count <= COUNTED:
        query = query.where(c.id.in_(select(w.case_id).where(driver.condition)))
    return query, NEWEST_NUMBER


async def _count(connection: AsyncConnection, query: Select[Any], driver: _Driver, has_hits: bool) -> int | None:
    if driver.count > COUNTED:
        return None
    if driver.is_pair and driver.is_all and not has_hits:
        return driver.count
    counted = query.with_only_columns(func.count(), maintain_column_froms=True)
    return int((await connection.execute(counted)).scalar_one())
