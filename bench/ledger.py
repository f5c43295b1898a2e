"""Proving a long ledger, beside nothing but sqlite3 and hashlib over the same rows.

`python -m bench ledger --events 200000`: a million if not said, on SQLite.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from station.base.database import Database, migrate_url
from station.ledger.model import GENESIS, Event, canonical, chain_hash, hashed_fields
from station.ledger.verify import verify_chain

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
_INSERT = "INSERT INTO ledger_events VALUES (?,?,?,?,?,?,?,?,?,?,?,?)"


def main() -> None:
    """Prints seconds and events a second for each way."""
    options = argparse.ArgumentParser()
    options.add_argument("--events", type=int, default=1_000_000)
    events = options.parse_args().events
    with tempfile.TemporaryDirectory() as name:
        for text, seconds in measure(Path(name), events):
            print(f"{text:<48} {seconds:7.1f} s {events / seconds:9.0f}/s", flush=True)


def measure(folder: Path, events: int) -> Iterator[tuple[str, float]]:
    """What was done, and how many seconds it took."""
    file = folder / "station.db"
    url = f"sqlite+aiosqlite:///{file}"
    migrate_url(url, folder)
    fill(file, events)
    for processes in dict.fromkeys((1, len(os.sched_getaffinity(0)))):
        yield f"ledger verify, {processes} process(es)", _seconds(partial(_verify, url, processes, events))
    yield "sqlite3 and hashlib alone, one process", _seconds(lambda: _floor(file))


def fill(file: Path, events: int) -> None:
    """A chain of so many events in a new database."""
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.executemany(_INSERT, _chain(events))
        last = connection.execute("SELECT hash FROM ledger_events ORDER BY seq DESC LIMIT 1").fetchone()[0]
        connection.execute("DELETE FROM ledger_head")
        connection.execute("INSERT INTO ledger_head VALUES (1, ?, ?)", (events, last))


def _chain(events: int) -> Iterator[tuple[object, ...]]:
    previous = GENESIS
    for seq in range(1, events + 1):
        event = Event(
            seq=seq,
            at=BEGAN + timedelta(seconds=seq),
            actor=f"ac_{seq % 20_000}",
            actor_name="居民",
            role="citizen",
            action="booking.confirmed",
            subject=f"booking:bk_{seq:x}",
            chained_reason="",
            origin="127.0.0.1",
            data={"deputy": f"dp_{seq % 300}", "slot": f"sl_{seq % 200_000}"},
            previous=previous,
            hash="",
        )
        previous, before = chain_hash(previous, hashed_fields(event)), previous
        at = event.at.strftime("%Y-%m-%d %H:%M:%S.%f")
        named = (event.actor, event.actor_name, event.role, event.action, event.subject)
        yield (seq, at, *named, "", event.origin, canonical(event.data), before, previous)


def _verify(url: str, processes: int, events: int) -> None:
    async def run() -> None:
        database = Database(url)
        result = await verify_chain(database, processes=processes)
        await database.close()
        if not result.ok or result.events != events:
            raise RuntimeError(f"the ledger should be whole: {result}")

    asyncio.run(run())


def _floor(file: Path) -> None:
    """The least that any walk has to do: every row read, every byte of it hashed."""
    with closing(sqlite3.connect(file)) as connection:
        for row in connection.execute("SELECT * FROM ledger_events ORDER BY seq"):
            hashlib.sha256("".join(map(str, row)).encode()).hexdigest()


def _seconds(way: Callable[[], object]) -> float:
    began = time.perf_counter()
    way()
    return time.perf_counter() - began
