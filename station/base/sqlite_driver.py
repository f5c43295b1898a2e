"""SQLite for the event loop in few visits to the connection's thread.

SQLAlchemy's adapter of aiosqlite goes to that thread and back for each call of the database API: a cursor, a statement,
its rows, the cursor's end, and again for BEGIN and ROLLBACK. A read of one statement makes nine such visits, and they
cost more than the statement. Here a statement and all its rows are one visit, BEGIN goes with the first statement, and
a read ends without a visit.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import aiosqlite
from sqlalchemy.dialects.sqlite.aiosqlite import AsyncAdapt_aiosqlite_connection, AsyncAdapt_aiosqlite_dbapi
from sqlalchemy.util.concurrency import await_

# A read is ended from the loop's own thread; sqlite3 is compiled to be used from several (threadsafety 3).
CONNECT_ARGUMENTS = {"check_same_thread": False}
BUSY_TIMEOUT_MS = 10_000


class SqliteCursor:
    """A cursor of PEP 249 whose rows are all here once its statement has run."""

    server_side = False
    arraysize = 1

    def __init__(self, connection: SqliteConnection) -> None:
        self._connection = connection
        self._rows: deque[Any] = deque()
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    def execute(self, statement: str, parameters: Sequence[Any] | None = None) -> None:
        """Run a statement and fetch its rows."""
        self._take(self._connection.run(lambda connection: _ended(connection.execute(statement, parameters or ()))))

    def executemany(self, statement: str, parameters: Sequence[Sequence[Any]]) -> None:
        """Run a statement once for each set of parameters."""
        self._take(self._connection.run(lambda connection: _ended(connection.executemany(statement, parameters))))

    def _take(self, outcome: tuple[list[Any], Any, int, int | None]) -> None:
        rows, self.description, self.rowcount, self.lastrowid = outcome
        self._rows = deque(rows)

    def fetchone(self) -> Any:
        """The next row; None behind the last one."""
        return self._rows.popleft() if self._rows else None

    def fetchmany(self, size: int | None = None) -> list[Any]:
        """The next rows."""
        return [self._rows.popleft() for _ in range(min(size or self.arraysize, len(self._rows)))]

    def fetchall(self) -> list[Any]:
        """All rows that are left."""
        rows = list(self._rows)
        self._rows.clear()
        return rows

    def __iter__(self) -> Iterator[Any]:
        while self._rows:
            yield self._rows.popleft()

    def setinputsizes(self, *_sizes: Any) -> None:
        """Nothing: SQLite has no use for it (PEP 249 wants the method)."""

    def close(self) -> None:
        """Forget the rows."""
        self._rows.clear()

    async def _async_soft_close(self) -> None:
        """Nothing is open: SQLAlchemy calls this before it hands the rows on."""


def _ended(cursor: sqlite3.Cursor) -> tuple[list[Any], Any, int, int | None]:
    rows = cursor.fetchall() if cursor.description else []
    outcome = (rows, cursor.description, cursor.rowcount, cursor.lastrowid)
    cursor.close()
    return outcome


class SqliteConnection(AsyncAdapt_aiosqlite_connection):
    """aiosqlite's connection, of which nothing but its thread is used."""

    def __init__(self, dbapi: AsyncAdapt_aiosqlite_dbapi, connection: aiosqlite.Connection) -> None:
        super().__init__(dbapi, connection)  # type: ignore[arg-type]
        self._begin_with = ""
        self._is_write = False
        self.is_inline = False
        self._sent = self._done = 0  # counted by the loop's thread, and by the connection's

    def begin(self, write: bool) -> None:
        """Open a transaction with the next statement; a write takes the writers' lock then."""
        self._is_write = write
        self._begin_with = "BEGIN IMMEDIATE" if write else "BEGIN"

    def run_inline(self, inline: bool) -> None:
        """Run what follows where it is asked for, without waiting for anybody; or in the thread again, as at first."""
        if inline is not self.is_inline:
            self.is_inline = inline
            self._sqlite.execute(f"PRAGMA busy_timeout={0 if inline else BUSY_TIMEOUT_MS}")

    def run(self, work: Callable[[sqlite3.Connection], Any]) -> Any:
        """What `work` returns, done by the connection's thread inside of the transaction."""
        self._sent += 1
        try:
            if self.is_inline:
                return self._do(work)
            return await_(self._connection._execute(self._do, work))
        except Exception as error:
            self._handle_exception(error)

    def _do(self, work: Callable[[sqlite3.Connection], Any]) -> Any:
        try:
            if self._begin_with:
                self._sqlite.execute(self._begin_with)
                self._begin_with = (
                    ""  # not before: a statement after a failed BEGIN must not run outside of a transaction
                )
            return work(self._sqlite)
        finally:
            self._done += 1

    @property
    def _sqlite(self) -> sqlite3.Connection:
        connection: sqlite3.Connection = self._connection._conn
        return connection

    def cursor(self, server_side: bool = False) -> Any:
        """A cursor. Rows are never left at the database: every list is read a page at a time."""
        return SqliteCursor(self)

    def commit(self) -> None:
        """Make the transaction durable."""
        if not self._is_unbegun():
            self.run(sqlite3.Connection.commit)

    def rollback(self) -> None:
        """Give the transaction up. For a read that only frees its snapshot, which waits for nothing."""
        if self._is_unbegun() or self._connection._connection is None:
            return
        if self._sent != self._done:  # what a cancelled caller asked for may still be running
            self.run(sqlite3.Connection.rollback)
        elif self._sqlite.in_transaction:
            if self._is_write:
                self.run(sqlite3.Connection.rollback)
            else:
                self._sqlite.rollback()

    @property
    def ends_at_once(self) -> bool:
        """Whether `rollback` makes no visit."""
        if self._sent != self._done or self._connection._connection is None:
            return False
        return not self._is_write or not self._sqlite.in_transaction

    def _is_unbegun(self) -> bool:
        unbegun = bool(self._begin_with) and self._sent == self._done
        if unbegun:
            self._begin_with = ""
        return unbegun


class SqliteDriver(AsyncAdapt_aiosqlite_dbapi):
    """The module of PEP 249 that SQLAlchemy is given instead of its own adapter."""

    def __init__(self) -> None:
        super().__init__(aiosqlite, sqlite3)

    def connect(self, *arguments: Any, **named: Any) -> SqliteConnection:
        """A connection with a thread of its own."""
        return SqliteConnection(self, super().connect(*arguments, **named)._connection)  # type: ignore[arg-type]
