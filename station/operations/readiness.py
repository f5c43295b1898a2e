"""Whether the station can do all it is for: each part is asked for what the next request would need of it."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from aiohttp import ClientError, ClientSession, ClientTimeout

from station.base.errors import StorageFull, is_full
from station.base.heartbeats import beat, last_beat
from station.base.station import Station
from station.nodes.placement import all_nodes

ANSWER_S = 2.0
DATABASE_S = 6.0  # a little longer than the time that a connection may take
WORK_SILENT = timedelta(seconds=60)
KEPT_FOR_S = 1.0  # strangers may ask as often as they like: it costs one look a second
LEAST_FREE_BYTES = 64 * 2**20
PROBE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Readiness:
    """What works, part by part, and in one phrase why what does not."""

    parts: dict[str, bool]
    problems: dict[str, str]

    @property
    def ready(self) -> bool:
        """All that pages, meetings and broadcasts need; of the media processes one is enough."""
        media = [works for name, works in self.parts.items() if name.startswith("media-")]
        needed = [works for name, works in self.parts.items() if not name.startswith("media-") and name != "work"]
        return all(needed) and any(media)


@dataclass(slots=True)
class ReadinessCheck:
    """Looks at most once a second, however often it is asked."""

    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _newest: Readiness | None = None
    _looked_at: float = 0.0

    async def look(self, station: Station, http: ClientSession) -> Readiness:
        """How things are now."""
        async with self._lock:
            if self._newest is None or time.monotonic() - self._looked_at > KEPT_FOR_S:
                self._newest = await _look(station, http)
                self._looked_at = time.monotonic()
            return self._newest


async def _look(station: Station, http: ClientSession) -> Readiness:
    asked: dict[str, Awaitable[str]] = {
        "database": _database_problem(station),
        "disk": asyncio.to_thread(disk_problem, station.settings.data),
        "bus": _bus_problem(station),
        "work": _work_problem(station),
        "live": _http_problem(http, station.settings.live_url),
        **{f"media-{node.name}": _http_problem(http, node.url) for node in all_nodes(station)},
    }
    found = dict(zip(asked, await asyncio.gather(*asked.values()), strict=True))
    problems = {name: problem for name, problem in found.items() if problem}
    return Readiness({name: not problem for name, problem in found.items()}, problems)


async def _database_problem(station: Station) -> str:
    try:
        async with asyncio.timeout(DATABASE_S):
            await beat(station.database, "web", station.clock.now())
    except StorageFull:
        return "cannot be written to: its disk is full"
    except Exception as error:  # whatever it is, the next request would meet it
        return f"does not answer ({type(error).__name__})"
    return ""


async def _work_problem(station: Station) -> str:
    try:
        async with asyncio.timeout(DATABASE_S):
            seen = await last_beat(station.database, "work")
    except Exception as error:
        return f"unknown, the database does not answer ({type(error).__name__})"
    silent = seen is None or station.clock.now() - seen > WORK_SILENT
    return "the work role has given no sign for a minute" if silent else ""


def disk_problem(folder: Path) -> str:
    """Why nothing can be kept in the data folder; "" if something was written there a moment ago."""
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(PROBE_BYTES))
            probe.flush()
            os.fsync(probe.fileno())
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return "the disk is full" if is_full(error) else f"cannot be written to ({error.strerror})"
    return "" if free >= LEAST_FREE_BYTES else "the disk is full"


async def _bus_problem(station: Station) -> str:
    return (
        "" if await station.bus.answers() else "Redis does not answer: pages learn of changes late, limits are looser"
    )


async def _http_problem(http: ClientSession, url: str) -> str:
    try:
        async with http.get(url + "/healthz", timeout=ClientTimeout(total=ANSWER_S)) as answer:
            return "" if answer.status == 200 else f"answers {answer.status}"
    except (ClientError, TimeoutError, OSError):
        return "does not answer"
