"""The database at the edge: one metadata, short transactions, reads apart from writes.

SQLite (WAL) on one machine, PostgreSQL by setting; every query must run on both.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import DateTime, Dialect, Executable, MetaData, event, inspect, text
from sqlalchemy.engine import Connection, CursorResult
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.types import TypeDecorator

from station.base.brief_reads import BriefConnections
from station.base.errors import DatabaseAway, StationError, StorageFull, is_full
from station.base.settings import Settings
from station.base.sqlite_driver import BUSY_TIMEOUT_MS, CONNECT_ARGUMENTS, SqliteConnection, SqliteDriver

if TYPE_CHECKING:
    from alembic.config import Config

log = structlog.get_logger()

# A database beside us that does not answer holds nobody up: seconds for a connection, and for one statement.
CONNECT_TIMEOUT_S = 5
STATEMENT_TIMEOUT_S = 30
WRITE_TURN_S = 10  # as long as SQLite waits for the writers of other processes
MIGRATIONS = Path(__file__).parent / "migrations"
_REVISION = re.compile(r"""^(revision|down_revision) = ["'](.+)["']$""", re.MULTILINE)
# SQLITE_FULL, SQLITE_READONLY and SQLITE_IOERR with its kinds; disk_full and its class of PostgreSQL; read-only server.
_SQLITE_UNWRITABLE = ("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY")
_POSTGRES_UNWRITABLE = ("53100", "25006")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Named here so that rooms above the stores need no SQLAlchemy.
ReadConnection = AsyncConnection
DatabaseError = SQLAlchemyError

AfterCommit = Callable[[], Awaitable[None]]


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime, always UTC in the database and always aware in Python."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the database, in UTC. Raises ValueError for a naive one."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From the database; SQLite keeps no zone, so it is given back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Transaction:
    """One unit of work. What is put into `after_commit` runs once the change is durable."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection
        self.before_commit: list[AfterCommit] = []  # in the transaction still: what fails here undoes it
        self.after_commit: list[AfterCommit] = []
        self.kept: dict[object, Any] = {}  # what a part of the program keeps for this unit of work, by a key of its own

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """Run one statement inside this unit of work."""
        result = await self.connection.execute(statement, parameters)
        assert isinstance(result, CursorResult)
        return result


def explain(error: Exception) -> StationError | None:
    """What a failure of the database is to the caller; None for what is our own mistake."""
    if isinstance(error, DBAPIError):
        driver_error = error.orig
        name = str(getattr(driver_error, "sqlite_errorname", ""))
        state = str(getattr(driver_error, "sqlstate", "") or "")
        if name.startswith(_SQLITE_UNWRITABLE) or state in _POSTGRES_UNWRITABLE:
            return StorageFull()
        away = error.connection_invalidated or state.startswith(("08", "57"))
        busy = name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_CANTOPEN"))
        return DatabaseAway() if away or busy or (isinstance(error, OperationalError) and not name) else None
    if isinstance(error, OSError) and is_full(error):
        return StorageFull()
    return DatabaseAway() if isinstance(error, OSError | TimeoutError | PoolTimeout) else None


def is_unfit(error: Exception) -> bool:
    """Whether what the caller gave is at fault, and would be however often it were tried (SQLSTATE class 22: too long
    for its column, out of range, a sign that no text holds).
    """
    if isinstance(error, DBAPIError):
        return str(getattr(error.orig, "sqlstate", "") or "").startswith("22")
    return isinstance(error, ValueError | TypeError | LookupError | OverflowError)


@contextmanager
def _explained() -> Iterator[None]:
    """Around statements: what the driver raises becomes an error that can be told, where it is one."""
    try:
        yield
    except DBAPIError as error:
        told = explain(error)
        if told is None:
            raise
        log.warning("database_failed", error=str(error.orig), told=told.code)
        raise told from error


@contextmanager
def _connecting() -> Iterator[None]:
    """Around the beginning of a connection."""
    try:
        yield
    except (OSError, PoolTimeout, DBAPIError) as error:  # asyncpg's own are not wrapped while it connects
        told = explain(error)
        if told is None:
            raise
        log.warning("database_away", error=f"{type(error).__name__}: {error}"[:300])
        raise told from error


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """A connection that the reads of one task share."""

    database: Database
    task: asyncio.Task[object] | None
    connection: AsyncConnection


_SNAPSHOT: ContextVar[_Snapshot | None] = ContextVar("snapshot", default=None)


class Database:
    """Engine and units of work. `close()` may be called twice."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.changes = 0  # rises with each commit of this process
        self.engine: AsyncEngine = create_async_engine(url, **_engine_options(url))
        self._writing: asyncio.Lock | None = None
        self._brief: BriefConnections | None = None
        if self.engine.dialect.name == "sqlite":
            event.listen(self.engine.sync_engine, "connect", _prepare_sqlite)
            event.listen(self.engine.sync_engine, "begin", _begin_sqlite)
            self._writing = asyncio.Lock()
            self._brief = BriefConnections(self.engine)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """A write: commits at the end of the block, rolls back on any exception. Raises DatabaseAway, StorageFull.

        What follows the commit cannot fail the caller: each step is guarded, as the change is already done. A caller
        who gives up during the commit or after it is told so once everybody has been told of the change.
        Not within a `snapshot`, whose later reads would not see it (RuntimeError).
        """
        if self._snapshot() is not None:
            raise RuntimeError("a change within a snapshot")
        with _explained():
            async with self._turn(), self._connect() as plain:
                connection = await plain.execution_options(station_write=True)
                async with connection.begin() as begun:
                    work = Transaction(connection)
                    yield work
                    for step in work.before_commit:
                        await step()
                    given_up = await _finish(begun.commit())
        self.changes += 1
        if (work.after_commit and await _finish(_tell(work.after_commit))) or given_up:
            raise asyncio.CancelledError

    @asynccontextmanager
    async def read(self, *, brief: bool = False) -> AsyncIterator[AsyncConnection]:
        """A consistent read; nothing in it may change a row. Raises DatabaseAway.

        A `brief` one consists of a few lookups by key, of a bounded number of rows (`base/brief_reads.py`).
        """
        connection = self._snapshot()
        if connection is not None:
            yield connection
            return
        with _explained():
            async with self._connect_briefly(self._brief) if self._brief and brief else self._connect() as connection:
                yield connection

    @asynccontextmanager
    async def snapshot(self, *, brief: bool = False) -> AsyncIterator[None]:
        """What this task reads within the block is read over one connection, on SQLite as of one moment.

        For a page that asks several services: a connection of its own costs each of them as much as a statement does.
        It ends before the page is rendered, and before anybody else is asked: a connection is held meanwhile.
        """
        async with self.read(brief=brief) as connection:
            token = _SNAPSHOT.set(_Snapshot(self, asyncio.current_task(), connection))
            try:
                yield
            finally:
                _SNAPSHOT.reset(token)

    def _snapshot(self) -> AsyncConnection | None:
        """The connection of the snapshot that this task is in. What it starts has a copy of its context, and reads on
        its own: a connection answers one statement at a time.
        """
        shared = _SNAPSHOT.get()
        is_ours = shared is not None and shared.database is self and shared.task is asyncio.current_task()
        return shared.connection if shared is not None and is_ours else None

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """One writer of this process at a time, in the order of their coming.

        SQLite has one writer anyway, but lets whoever asks at the right moment go first: of many some waited until
        they failed. Those who wait here hold no connection, so reading goes on.
        """
        if self._writing is None:
            yield
            return
        try:
            async with asyncio.timeout(WRITE_TURN_S):
                await self._writing.acquire()
        except TimeoutError:
            log.warning("database_busy", waited_s=WRITE_TURN_S)
            raise DatabaseAway from None
        try:
            yield
        finally:
            self._writing.release()

    @asynccontextmanager
    async def _connect(self) -> AsyncIterator[AsyncConnection]:
        connection = self.engine.connect()
        with _connecting():
            await connection.start()
        try:
            yield connection
        finally:
            if _ends_at_once(connection):
                await connection.close()
            else:  # in a task of its own, which nobody's giving up interrupts
                await connection.__aexit__(None, None, None)

    @asynccontextmanager
    async def _connect_briefly(self, kept: BriefConnections) -> AsyncIterator[AsyncConnection]:
        with _connecting():
            connection = await kept.take()
        if connection is None:
            async with self._connect() as plain:
                yield plain
            return
        try:
            yield connection
        finally:
            await kept.give_back(connection)

    async def close(self) -> None:
        """Close all connections."""
        if self._brief is not None:
            await self._brief.close()
        await self.engine.dispose()


async def _finish(step: Awaitable[object]) -> bool:
    """Do a step to its end, also when the caller is cancelled meanwhile; returns whether that happened."""
    task = asyncio.ensure_future(step)
    given_up = False
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            given_up = True
    if given_up and task.exception() is not None:  # whoever is told to stop stops, also when the step failed
        raise asyncio.CancelledError from task.exception()
    task.result()
    return given_up


async def _tell(steps: Sequence[AfterCommit]) -> None:
    for step in steps:
        try:
            await step()
        except Exception:
            log.exception("after_commit_failed", step=step.__qualname__)


def _ends_at_once(connection: AsyncConnection) -> bool:
    """Whether giving a connection back waits for nothing, as after a read or a commit of SQLite."""
    plain = connection.sync_connection
    if plain is None or plain.closed or plain.invalidated:
        return False
    driver_connection = plain.connection.dbapi_connection
    return isinstance(driver_connection, SqliteConnection) and driver_connection.ends_at_once


def _engine_options(url: str) -> dict[str, Any]:
    # What a statement was given are people's own words, names and hashes of codes: no traceback in a log shows them.
    options: dict[str, Any] = {"hide_parameters": True}
    if not url.startswith("postgresql"):
        return options | {"module": SqliteDriver(), "connect_args": CONNECT_ARGUMENTS}
    timeouts = {"timeout": CONNECT_TIMEOUT_S, "command_timeout": STATEMENT_TIMEOUT_S}
    return options | {"pool_pre_ping": True, "pool_timeout": CONNECT_TIMEOUT_S, "connect_args": timeouts}


def _prepare_sqlite(connection: DBAPIConnection, _record: object) -> None:
    # The driver's own BEGIN comes too late for BEGIN IMMEDIATE, so it is switched off here.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", f"busy_timeout={BUSY_TIMEOUT_MS}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A write takes the lock with its first statement: two writers then wait for each other instead of failing half-way.
    driver_connection = connection.connection.dbapi_connection
    assert isinstance(driver_connection, SqliteConnection)
    driver_connection.begin(write=connection.get_execution_options().get("station_write", False))


def migrate(settings: Settings) -> None:
    """Bring the database to the newest revision. Harmless when it is there already."""
    migrate_url(settings.resolved_database_url, settings.data)


def migrate_url(url: str, folder: Path | None = None) -> None:
    """`migrate` for a bare URL (tests)."""
    from alembic import command  # noqa: PLC0415  alembic is slow to import and needed once

    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    config = _migrations()
    config.attributes["url"] = url
    command.upgrade(config, "head")


def newest_revision() -> str:
    """The revision that this release wants. Read from the files, as alembic is slow to load."""
    revisions = dict(_read_revision(path) for path in MIGRATIONS.glob("versions/*.py"))
    (newest,) = revisions.keys() - revisions.values()
    return newest


def _read_revision(path: Path) -> tuple[str, str]:
    """A migration's revision, and the one that it follows; "" for the first."""
    found = dict(_REVISION.findall(path.read_text(encoding="utf-8")))
    return found["revision"], found.get("down_revision", "")


async def is_current(database: Database) -> bool:
    """Whether the database is at the newest revision. Raises DatabaseAway."""
    async with database.read() as connection:
        return await stored_revision(connection) == newest_revision()


async def stored_revision(connection: AsyncConnection) -> str | None:
    """The revision that the database is at; None for an empty one."""
    begun = await connection.run_sync(lambda sync: inspect(sync).has_table("alembic_version"))
    if not begun:
        return None
    revision: str | None = await connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision


def _migrations() -> Config:
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config
