"""Bookings and the rota of any checkout, timed in a process of its own; prints JSON.

Run as a program with PYTHONPATH set to that checkout: `booking_run.py DATA URL book ONE_BY_ONE RACERS AT_ONCE` books
on a city's database, `booking_run.py DATA URL rota DEPUTIES` lays a rota out on an empty one. It uses nothing but the
station's outer parts, so that older checkouts run it too.
"""

from __future__ import annotations

import asyncio
import json
import runpy
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import event, insert, select

from station.app import close_station
from station.base.principal import SYSTEM, Principal, Role
from station.base.station import Station
from station.booking.model import Matter, Mode, RotaRule, SlotTaken
from station.booking.rota import extend_slots, set_rules
from station.booking.service import book_slot
from station.booking.store import bookings, slots
from station.people.store import accounts

_SERVER = runpy.run_path(str(Path(__file__).with_name("page_server.py")))  # the other checkout's `bench` is another one
NOW, open_station, count_statements = _SERVER["NOW"], _SERVER["open_station"], _SERVER["count_statements"]
MATTER = Matter(Mode.VIDEO, "望江路路灯不亮", "晚上看不见路。")
WARM_UP = 5
WORKERS = 20


async def add_citizens(station: Station, count: int) -> Iterator[Principal]:
    """Citizens who have booked nothing yet."""
    rows = [
        {"id": f"bc{n:05}", "role": "citizen", "name": f"来访{n}", "scope": "", "phone": f"137{n:08}"}
        for n in range(count)
    ]
    async with station.database.transaction() as work:
        await work.execute(insert(accounts), [{**row, "created_at": NOW} for row in rows])
    return iter([Principal(row["id"], Role.CITIZEN, row["name"]) for row in rows])


async def free_slots(station: Station, count: int) -> Iterator[str]:
    """Times ahead that nobody has booked, each for one."""
    taken = select(bookings.c.slot)
    query = select(slots.c.id).where(slots.c.starts_at > NOW + timedelta(hours=1), slots.c.id.not_in(taken))
    async with station.database.read() as connection:
        found = list((await connection.execute(query.order_by(slots.c.starts_at, slots.c.id).limit(count))).scalars())
    if len(found) < count:
        raise RuntimeError(f"{len(found)} free times, {count} wanted")
    return iter(found)


async def book(station: Station, who: Principal, slot: str) -> tuple[float, bool]:
    """Milliseconds, and whether the place was had."""
    began = time.perf_counter()
    try:
        await book_slot(station, who, slot, MATTER, f"fk-{who.account}")
    except SlotTaken:
        return (time.perf_counter() - began) * 1000, False
    return (time.perf_counter() - began) * 1000, True


async def time_bookings(station: Station, one_by_one: int, racers: int, at_once: int) -> dict[str, Any]:
    """One after another; all for one place; and as many as go, by WORKERS people at a time."""
    counted = count_statements(station)
    who = await add_citizens(station, WARM_UP + one_by_one + racers + at_once)
    free = await free_slots(station, WARM_UP + one_by_one + 1 + at_once)
    for _ in range(WARM_UP):
        await book(station, next(who), next(free))
    counted.clear()
    cpu = time.process_time()
    single = [(await book(station, next(who), next(free)))[0] for _ in range(one_by_one)]
    single_cpu = (time.process_time() - cpu) * 1000 / one_by_one
    statements, writes = counted["statements"] / one_by_one, counted["writes"] / one_by_one
    last = next(free)
    cpu = time.process_time()
    race = await asyncio.gather(*(book(station, next(who), last) for _ in range(racers)))
    race_cpu = (time.process_time() - cpu) * 1000
    pairs = iter([(next(who), next(free)) for _ in range(at_once)])

    async def keep_booking() -> None:
        for person, slot in pairs:
            await book(station, person, slot)

    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(keep_booking() for _ in range(WORKERS)))
    return {
        "single_ms": sorted(single),
        "single_cpu_ms": single_cpu,
        "statements": statements,
        "writes": writes,
        "race_ms": sorted(ms for ms, _ in race),
        "race_cpu_ms": race_cpu,
        "winners": sum(won for _, won in race),
        "rate": at_once / (time.perf_counter() - began),
        "rate_cpu_ms": (time.process_time() - cpu) * 1000 / at_once,
    }


class LockTimes:
    """How long each write transaction was open, in milliseconds."""

    def __init__(self, station: Station) -> None:
        self.longest = 0.0
        self._begun = 0.0
        engine = station.database.engine.sync_engine
        event.listen(engine, "begin", self._begin)
        event.listen(engine, "commit", self._end)
        event.listen(engine, "rollback", self._end)

    def _begin(self, connection: Any) -> None:
        is_write = connection.get_execution_options().get("station_write", False)
        self._begun = time.perf_counter() if is_write else 0.0

    def _end(self, _connection: Any) -> None:
        if self._begun:
            self.longest = max(self.longest, (time.perf_counter() - self._begun) * 1000)
        self._begun = 0.0


async def time_rota(station: Station, deputies: int) -> dict[str, Any]:
    """Laying out two weeks for deputies who receive on two afternoons a week: all new, and then nothing new."""
    rules = [
        RotaRule(f"rr{n:05}-{turn}", f"dp{n:05}", "st00", (n + 2 * turn) % 5, None, 840, 1020, 20, (Mode.VIDEO,))
        for n in range(deputies)
        for turn in range(2)
    ]
    for at in range(0, len(rules), 500):
        await set_rules(station, SYSTEM, rules[at : at + 500])
    locks, found = LockTimes(station), Counter[str]()
    told: dict[str, Any] = {}
    for name in ("new", "again"):
        locks.longest = 0.0
        began, cpu = time.perf_counter(), time.process_time()
        found[name] = await extend_slots(station)
        told[f"{name}_ms"] = (time.perf_counter() - began) * 1000
        told[f"{name}_cpu_ms"] = (time.process_time() - cpu) * 1000
        told[f"{name}_lock_ms"] = locks.longest
    return told | {"slots": found["new"], "slots_again": found["again"]}


async def main(data: Path, url: str, task: str, *numbers: str) -> None:
    """Print what the task took."""
    station = open_station(data, url)
    do = time_bookings if task == "book" else time_rota
    print(json.dumps(await do(station, *map(int, numbers))))
    await close_station(station)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), *sys.argv[2:]))
