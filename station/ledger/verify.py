"""Prove the whole chain, on all cores, and compare it with what was kept outside of the database.

Each event holds the hash of the one before it, so that any stretch can be checked by itself; that stretches follow each
other is checked by the first event of each against the last one before it.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import AsyncGenerator, Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass

from station.base.database import Database, ReadConnection
from station.ledger import store
from station.ledger.model import GENESIS, Stretch, VerifyResult, batches, check_stretch
from station.ledger.witness import Head

PAGE = 5_000  # events read at once: memory stays flat
TASK = 50_000  # events that a process is given at once; fewer are not worth a process

Progress = Callable[[int, int], None]  # events that are checked, events there are


@dataclass(frozen=True, slots=True)
class _End:
    """Where the chain ends in the table, and where its head says that it should."""

    last: int
    head_seq: int
    head_hash: str


async def verify_chain(
    database: Database,
    outside: Iterable[Head] = (),
    *,
    processes: int = 1,
    after: Head | None = None,
    tell: Progress = lambda _done, _all: None,
) -> VerifyResult:
    """Recompute every hash; then compare the chain with heads kept outside of the database.

    `after`: an event up to which the chain was proved before; it must still be there, and only what follows is checked.
    """
    async with database.read() as connection:
        end = _End(await store.last_number(connection), *await store.head_of(connection))
        known = after.seq if after is not None else 0
        if after is not None and (await store.hashes_of(connection, [known])).get(known) != after.hash:
            return VerifyResult(min(known, end.last), "", known, after.source)
    found = Stretch(known, after.hash if after is not None else GENESIS, None)
    async with aclosing(_stretches(database, known + 1, end.last, processes)) as stretches:
        async for part in stretches:
            found = Stretch(found.events + part.events, part.head, part.broken_at)
            if part.broken_at is not None:
                return VerifyResult(found.events, found.head, part.broken_at)
            tell(found.events, end.last)
    if (found.events, found.head) != (end.head_seq, end.head_hash):
        return VerifyResult(found.events, found.head, max(end.head_seq, found.events))
    return await _compare(database, found, outside)


async def _stretches(database: Database, first: int, last: int, processes: int) -> AsyncGenerator[Stretch, None]:
    """What was found of each stretch, in their order."""
    if processes < 2 or last - first < TASK:
        async with database.read() as connection:
            for begin in range(first, last + 1, PAGE):
                yield await _check(connection, begin, min(begin + PAGE - 1, last))
        return
    # Spawned, not forked: this process has threads and connections.
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        tasks = [
            asyncio.wrap_future(pool.submit(_check_apart, database.url, begin, min(begin + TASK - 1, last)))
            for begin in range(first, last + 1, TASK)
        ]
        try:
            for task in tasks:
                yield await task
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _check_apart(url: str, first: int, last: int) -> Stretch:
    """In a process of its own."""

    async def check() -> Stretch:
        database = Database(url)
        found = Stretch(0, "", None)
        try:
            async with aclosing(_stretches(database, first, last, 1)) as stretches:
                async for part in stretches:
                    found = Stretch(found.events + part.events, part.head, part.broken_at)
                    if part.broken_at is not None:
                        break
        finally:
            await database.close()
        return found

    return asyncio.run(check())


async def _check(connection: ReadConnection, first: int, last: int) -> Stretch:
    before = GENESIS if first == 1 else (await store.hashes_of(connection, [first - 1])).get(first - 1)
    return check_stretch(before, first, await store.stored_events(connection, first, last))


async def _compare(database: Database, found: Stretch, outside: Iterable[Head]) -> VerifyResult:
    compared = 0
    async with database.read() as connection:
        for heads in batches(outside):
            hashes = await store.hashes_of(connection, [head.seq for head in heads])
            wrong = min((h for h in heads if hashes.get(h.seq) != h.hash), key=lambda h: h.seq, default=None)
            if wrong is not None:
                return VerifyResult(found.events, found.head, wrong.seq, wrong.source, compared)
            compared += len(heads)
    return VerifyResult(found.events, found.head, None, "", compared)
