"""Lists of cases on a city's rows: complete, read from indexes, by as many statements for ten as for a thousand."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import event, func, select, text

from bench.city import NOW, TOKENS, Size, fill
from bench.pages import Page, pages_for
from station.app import build_app, close_station
from station.base.bus import LocalBus
from station.base.clock import FixedClock
from station.base.database import Database
from station.base.grants import GrantSigner
from station.base.keyset import Cursor, Slice
from station.base.principal import Principal, Role
from station.base.settings import Settings
from station.base.station import Station
from station.cases import service
from station.cases.desk_queries import DeskList
from station.cases.reads.overview import cards_page, desk_lists, unit_desk
from station.cases.store import case_cards, cases
from station.people.pages import SESSION_COOKIE
from tests.databases import Fill, NewDatabase

MANY = Size(cases=1000, citizens=40, deputies=6)
FEW = Size(cases=10, citizens=10, deputies=6)
CLERK = Principal("ac_clerk", Role.CLERK, "何晓雯")
UNIT = Principal("ac_unit", Role.UNIT, "许志远", "un00")
SUPERVISOR = Principal("ac_supervisor", Role.SUPERVISOR, "高敏")
# The most that a page may take, with the session and the notices of who is signed in; the same for ten rows and more.
MOST = {
    "/": 7, "/deputies/dp000": 5, "/cases": 4, "/cases/cs": 11, "/api/v1/cases": 1, "/desk": 16, "/desk/cases": 11,
    "/unit": 14, "/oversight": 13, "/oversight/cards": 9, "/deputy": 20, "/my": 8,
}  # fmt: skip
MOST_KIB = 40
SEARCHES = ["路灯", "灯", "望江路 井盖松动", "井盖松动", "号", "1", "炎龙", "路灯 不亮 柳荫", "2026-3"]
BIG = "cases|case_words|case_replies|case_ratings|case_cards|bookings|slots"


@cache  # one step of `new_database` for each size
def filling(size: Size) -> Fill:
    """Puts a city of this size into a database."""

    async def fill_city(url: str) -> None:
        database = Database(url)
        await fill(database, size)
        await database.close()

    return fill_city


async def open_city(new_database: NewDatabase, folder: Path, size: Size) -> Station:
    """A station whose clock stands at the city's moment."""
    settings = Settings(data=folder, _env_file=None)
    database = Database(await asyncio.to_thread(new_database, filling(size)))
    return Station(settings, database, LocalBus(), FixedClock(NOW), GrantSigner.load(settings.keys))


@pytest_asyncio.fixture
async def city(new_database: NewDatabase, tmp_path: Path) -> AsyncIterator[Station]:
    """A thousand cases, on SQLite and on PostgreSQL."""
    made = await open_city(new_database, tmp_path, MANY)
    yield made
    await close_station(made)


class Statements:
    """What the database is asked while it is listened to."""

    def __init__(self, station: Station) -> None:
        self.engine = station.database.engine.sync_engine
        self.seen: list[tuple[str, Any]] = []

    def __enter__(self) -> Statements:
        event.listen(self.engine, "before_cursor_execute", self._note)
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(self.engine, "before_cursor_execute", self._note)

    def _note(self, _connection: object, _cursor: object, statement: str, parameters: Any, *_rest: object) -> None:
        if not statement.startswith("BEGIN"):
            self.seen.append((statement, parameters))


async def ask(station: Station, page: Page) -> tuple[str, list[tuple[str, Any]]]:
    """A page's text, and what it asked the database."""
    cookies = {SESSION_COOKIE: TOKENS[page.role]} if page.role else {}
    async with TestClient(TestServer(build_app(station)), cookies=cookies) as client:
        with Statements(station) as asked:
            async with client.get(page.path) as answer:
                body = await answer.text()
                assert answer.status == 200, (page.path, body[:2000])
    return body, asked.seen


@pytest.mark.parametrize("size", [FEW, MANY], ids=["few", "many"])
async def test_pages_take_as_many_statements_for_ten_cases_as_for_a_thousand(
    new_database: NewDatabase, tmp_path: Path, size: Size
) -> None:
    """No query in a loop, no write; and no page is longer than a telephone likes to load."""
    city = await open_city(new_database, tmp_path, size)
    for page in pages_for(size):
        body, asked = await ask(city, page)
        kind = re.sub(r"\?.*|/2026-.*|(?<=/cs)\d+$", "", page.path)
        most = MOST[kind] + 2 * ("q=" in page.path)
        assert len(asked) <= most, (page, len(asked), [statement[:90] for statement, _ in asked])
        assert len(body.encode()) <= MOST_KIB * 1024, (page, len(body.encode()))
        assert not [each for each, _ in asked if re.match("INSERT|UPDATE|DELETE", each)]
    await close_station(city)


async def test_every_list_is_read_from_an_index(city: Station) -> None:
    """No page and no chore reads one of the large tables from end to end, on either database."""
    asked: dict[str, Any] = {}
    for page in pages_for(MANY):
        asked |= dict((await ask(city, page))[1])
    with Statements(city) as of_chore:
        await service.issue_due_cards(city)
    asked |= dict(of_chore.seen)
    async with city.database.engine.connect() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        if not is_sqlite:
            await connection.execute(text("SET enable_seqscan = off"))  # a thousand rows are too few to use an index
        for statement, parameters in asked.items():
            if not statement.startswith("SELECT"):
                continue
            explain = "EXPLAIN QUERY PLAN " if is_sqlite else "EXPLAIN "
            plan = "\n".join(str(row[-1]) for row in await connection.exec_driver_sql(explain + statement, parameters))
            whole = rf"^SCAN ({BIG})$" if is_sqlite else rf"Seq Scan on ({BIG})\b"
            assert not re.search(whole, plan, re.MULTILINE), f"{statement}\n{plan}"


async def walk(read: Callable[[Cursor | None], Coroutine[Any, Any, Slice[Any]]]) -> list[Any]:
    """All items of a list, page by page to its end; and back again, by the same pages."""
    pages = [await read(None)]
    while pages[-1].after:
        pages.append(await read(Cursor(pages[-1].after)))
    for before, page in zip(pages[-2::-1], pages[:0:-1], strict=True):
        assert (await read(Cursor(page.before, backwards=True))).items == before.items
    assert not pages[0].before
    return [item for page in pages for item in page.items]


async def test_every_list_of_the_desks_is_complete(city: Station) -> None:
    """What is counted is there to be leafed through, each once; and the counts are those of the rows."""
    async with city.database.read() as connection:
        counts = await connection.execute(select(cases.c.state, func.count()).group_by(cases.c.state))
        by_state = {str(state): int(count) for state, count in counts}
        late = await connection.scalar(
            select(func.count()).where(cases.c.state == "assigned", cases.c.due_at <= NOW).select_from(cases)
        )
        cards = await connection.scalar(select(func.count()).select_from(case_cards))
    expected = {
        DeskList.ACCEPT: by_state["noted"],
        DeskList.ASSIGN: by_state["accepted"] + by_state["returned"],
        DeskList.UNITS: by_state["assigned"],
    }
    for which in DeskList:

        async def page_of(cursor: Cursor | None, which: DeskList = which) -> Slice[Any]:
            [shown] = (await desk_lists(city, CLERK, which, cursor)).lists
            return shown.lines

        found = [line.id for line in await walk(page_of)]
        [counted] = (await desk_lists(city, CLERK, which)).lists
        assert len(found) == len(set(found)) == counted.total == expected.get(which, counted.total), which
        assert found, which

    async def late_page(cursor: Cursor | None) -> Slice[Any]:
        return (await cards_page(city, SUPERVISOR, cursor)).late_lines

    async def card_page(cursor: Cursor | None) -> Slice[Any]:
        return (await cards_page(city, SUPERVISOR, None, cursor)).cards

    assert len({line.id for line in await walk(late_page)}) == late == (await cards_page(city, SUPERVISOR)).late
    assert len({card.id for card, _ in await walk(card_page)}) == cards == (await cards_page(city, SUPERVISOR)).issued


async def test_a_units_desk_is_complete(city: Station) -> None:
    """What it has to answer and what it has answered are all its open cases; its place is that of the league."""

    async def mine(cursor: Cursor | None) -> Slice[Any]:
        return (await unit_desk(city, UNIT, cursor)).mine

    async def beside(cursor: Cursor | None) -> Slice[Any]:
        return (await unit_desk(city, UNIT, None, cursor)).beside

    found = [line.id for line in [*await walk(mine), *await walk(beside)]]
    own = select(cases.c.id).where(cases.c.unit_id == UNIT.scope, cases.c.state.in_(["assigned", "replied", "rated"]))
    async with city.database.read() as connection:
        assert sorted(found) == sorted((await connection.execute(own)).scalars())
    desk = await unit_desk(city, UNIT)
    assert desk.figures and 1 <= desk.figures.rank <= desk.units and desk.late <= desk.total


async def test_the_public_list_and_its_old_addresses_reach_every_case(city: Station) -> None:
    """Page by page all thousand, newest number first; a page's number still leads to the same cases."""

    async def page_of(cursor: Cursor | None, words: str = "") -> Slice[Any]:
        found = await service.list_public(city, words, cursor=cursor)
        return Slice(found.lines, found.before, found.after)

    every = [(line.case.year, line.case.serial) for line in await walk(page_of)]
    assert len(every) == len(set(every)) == MANY.cases and every == sorted(every, reverse=True)
    for number in (1, 2, 31, 50):
        found = await service.list_public(city, page=number)
        assert (found.page, found.pages, found.total) == (number, 50, MANY.cases)
        assert [(k.case.year, k.case.serial) for k in found.lines] == every[(number - 1) * 20 : number * 20]
    assert (await service.list_public(city, page=100_000)).lines == (await service.list_public(city, page=50)).lines


@pytest.mark.parametrize("words", SEARCHES)
async def test_a_search_finds_all_that_reading_every_title_finds(city: Station, words: str) -> None:
    """Two signs, one sign, several words, a number: the pages together hold each title with all of them, no other."""

    async def page_of(cursor: Cursor | None) -> Slice[Any]:
        found = await service.list_public(city, words, cursor=cursor)
        return Slice(found.lines, found.before, found.after)

    async with city.database.read() as connection:
        rows = (await connection.execute(select(cases).order_by(cases.c.year.desc(), cases.c.serial.desc()))).all()
    titled = [r.id for r in rows if r.published and all(word in r.search_text for word in words.split())]
    numbered = {"1": [r.id for r in rows if r.serial == 1], "2026-3": [r.id for r in rows if r.serial == 3][:1]}
    hits = numbered.get(words, [])
    found = [line.id for line in await walk(page_of)]
    assert found == hits + [each for each in titled if each not in hits]
    first = await service.list_public(city, words)
    assert first.total in (len(found), None) and (first.total is not None or len(found) > 400)
    deep = await service.list_public(city, words, page=2)
    assert [line.id for line in deep.lines] == [each for each in titled if each not in hits][20:40]
