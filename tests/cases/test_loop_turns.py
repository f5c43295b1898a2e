"""Nobody waits for another one's page: none keeps the event loop for long, on a city's rows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer

from bench.city import TOKENS
from bench.pages import pages_for
from station import work
from station.app import build_app, close_station
from station.base.station import Station
from station.people.pages import SESSION_COOKIE
from tests.cases.test_list_costs import MANY, open_city
from tests.databases import NewDatabase
from tests.loop_watch import LONGEST_TURN_S, LoopWatch

TRIES = 3  # the first view compiles templates; of the others the best counts


@pytest_asyncio.fixture
async def city(new_database: NewDatabase, tmp_path: Path) -> AsyncIterator[Station]:
    """A thousand cases, on SQLite and on PostgreSQL."""
    made = await open_city(new_database, tmp_path, MANY)
    yield made
    await close_station(made)


async def longest_turn(act: Callable[[], Awaitable[object]]) -> tuple[float, str]:
    """Of the best try: CPU seconds of its longest turn, and whose turn it was."""
    found = []
    for _ in range(TRIES):
        with LoopWatch() as watch:
            await act()
        found.append((watch.longest_s, watch.longest))
    return min(found)


async def test_no_page_keeps_the_loop(city: Station) -> None:
    """Each page of each role lets others have a turn within 50 ms of its own work."""
    async with TestClient(TestServer(build_app(city))) as client:
        for page in pages_for(MANY):
            cookies = {SESSION_COOKIE: TOKENS[page.role]} if page.role else {}

            async def view(path: str = page.path, cookies: dict[str, str] = cookies) -> None:
                async with client.get(path, cookies=cookies) as answer:
                    assert answer.status == 200
                    await answer.read()

            took_s, whose = await longest_turn(view)
            assert took_s < LONGEST_TURN_S, (page.path, took_s, whose)


async def test_no_chore_keeps_the_loop(city: Station) -> None:
    """What the work role does by the clock stops neither notices nor jobs."""
    for _, chore in work.CHORES:
        took_s, whose = await longest_turn(lambda chore=chore: chore(city))  # type: ignore[misc]
        assert took_s < LONGEST_TURN_S, (chore.__name__, took_s, whose)


async def test_a_turn_that_is_too_long_is_seen() -> None:
    """The watch itself: a second's share of counting between two waits is found, whoever does it."""
    with LoopWatch() as watch:
        await asyncio.sleep(0)
        sum(range(3_000_000))
        await asyncio.sleep(0)
    assert watch.longest_s > 0.01 and "test_a_turn_that_is_too_long_is_seen" in watch.longest
