"""Brief reads of SQLite on the event loop itself, for the few lookups by key that nearly every page makes.

Going to a connection's thread and back costs more than such a statement does: it takes some tens of microseconds from
the page cache, and readers wait for no writer (WAL). The rare moment at which they would (another process recovers the
file, or has it for itself) is waited for in the connection's thread, as all other reads are. For what may look at many
rows this is no way: everybody else would wait meanwhile.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Executable
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from station.base.sqlite_driver import SqliteConnection

MOST = 8  # each has a thread and files of its own


class BriefConnection(AsyncConnection):
    """A connection whose statements run where they are asked for, until one of them would have to wait."""

    async def execute(self, statement: Executable, parameters: Any = None, **options: Any) -> CursorResult[Any]:
        """Run one statement; all its rows are here when it returns."""
        assert self.sync_connection is not None
        driver_connection = driver_of(self)
        if driver_connection.is_inline:
            try:
                return self.sync_connection.execute(statement, parameters, **options)
            except OperationalError as error:
                if not str(getattr(error.orig, "sqlite_errorname", "")).startswith("SQLITE_BUSY"):
                    raise
                driver_connection.run_inline(False)
        return await super().execute(statement, parameters, **options)


class BriefConnections:
    """Connections kept for brief reads, each for one unit of work at a time. `close()` may be called twice."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._idle: list[BriefConnection] = []
        self._in_use = 0

    async def take(self) -> BriefConnection | None:
        """One that nobody uses; None while all of them wait for somebody: what comes then is a read like any other."""
        if self._in_use >= MOST:
            return None
        self._in_use += 1
        try:
            return self._idle.pop() if self._idle else await self._open()
        except BaseException:
            self._in_use -= 1
            raise

    async def _open(self) -> BriefConnection:
        plain = await self._engine.connect()
        try:
            await plain.run_sync(lambda connection: connection.detach())  # the pool's own are for everything else
            assert plain.sync_connection is not None
            connection = BriefConnection(self._engine, plain.sync_connection)
            driver_of(connection).run_inline(True)
        except BaseException:
            await plain.close()
            raise
        return connection

    async def give_back(self, connection: BriefConnection) -> None:
        """End the read."""
        self._in_use -= 1
        plain = connection.sync_connection
        assert plain is not None
        driver_connection = None if plain.closed or plain.invalidated else driver_of(connection)
        if driver_connection is None or not driver_connection.ends_at_once:
            await connection.__aexit__(None, None, None)
            return
        plain.rollback()
        driver_connection.run_inline(True)
        self._idle.append(connection)

    async def close(self) -> None:
        """Close those that are kept."""
        while self._idle:
            await self._idle.pop().close()


def driver_of(connection: AsyncConnection) -> SqliteConnection:
    """The driver's connection beneath one of SQLAlchemy's."""
    assert connection.sync_connection is not None
    driver_connection = connection.sync_connection.connection.dbapi_connection
    assert isinstance(driver_connection, SqliteConnection)
    return driver_connection
