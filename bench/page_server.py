"""The web role of any checkout, at the city's moment, telling with each answer what the database was asked.

Run as a program with PYTHONPATH set to that checkout: `page_server.py DATA URL PORT` serves its pages, `page_server.py
DATA URL cards TIMES` runs the clock's chore of cards and prints what it took. It uses nothing but the station's outer
parts, so that older checkouts run it too.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvloop
from aiohttp import web
from sqlalchemy import event

from station.app import build_app, close_station
from station.base.bus import LocalBus
from station.base.clock import FixedClock
from station.base.database import Database
from station.base.grants import GrantSigner
from station.base.settings import Settings
from station.base.station import Station
from station.cases.service import issue_due_cards

NOW = datetime(2026, 11, 30, 2, 0, tzinfo=UTC)  # as bench.city has it; importing that would need its tables
STATEMENTS, WRITES, CPU = "X-Statements", "X-Writes", "X-Cpu-Ms"


def open_station(data: Path, url: str) -> Station:
    """A station on that database whose clock stands at the city's moment."""
    settings = Settings(data=data, database_url=url, _env_file=None)
    database = Database(settings.resolved_database_url)
    return Station(settings, database, LocalBus(), FixedClock(NOW), GrantSigner.load(settings.keys))


def count_statements(station: Station) -> Counter[str]:
    """A count that goes on rising: all statements, and write transactions among the beginnings."""
    counted: Counter[str] = Counter()
    engine = station.database.engine.sync_engine

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith("BEGIN"):
            counted["statements"] += 1

    def begin(connection: Any) -> None:
        counted["writes"] += bool(connection.get_execution_options().get("station_write", False))

    event.listen(engine, "before_cursor_execute", note)
    event.listen(engine, "begin", begin)
    return counted


async def serve(data: Path, url: str, port: int) -> None:
    """Serve the checkout's pages until the process is ended; requests must come one at a time."""
    station = open_station(data, url)
    counted = count_statements(station)
    app = build_app(station)

    async def tell(request: web.Request, response: web.StreamResponse) -> None:
        response.headers[STATEMENTS] = str(counted["statements"])
        response.headers[WRITES] = str(counted["writes"])
        response.headers[CPU] = f"{time.process_time() * 1000:.3f}"

    app.on_response_prepare.append(tell)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


async def time_cards(data: Path, url: str, times: int) -> list[dict[str, float]]:
    """What each run of the chore took: milliseconds, CPU milliseconds, statements, write transactions, cards."""
    station = open_station(data, url)
    counted = count_statements(station)
    taken = []
    for _ in range(times):
        counted.clear()
        began, cpu = time.perf_counter(), time.process_time()
        cards = await issue_due_cards(station)
        taken.append(
            {
                "ms": (time.perf_counter() - began) * 1000,
                "cpu_ms": (time.process_time() - cpu) * 1000,
                "statements": counted["statements"],
                "writes": counted["writes"],
                "cards": cards,
            }
        )
    await close_station(station)
    return taken


if __name__ == "__main__":
    folder, where, what = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    if what == "cards":
        print(json.dumps(asyncio.run(time_cards(folder, where, int(sys.argv[4])))))
    else:
        uvloop.run(serve(folder, where, int(what)))  # as `station serve` runs it
