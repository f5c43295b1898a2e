"""Databases for tests, on SQLite and on PostgreSQL: each state that tests begin with is made once, then copied."""

from __future__ import annotations

import asyncio
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Protocol

import asyncpg
import pytest

from station.base.database import migrate_url
from tests.servers import end_process, pick_port, wait_until

Fill = Callable[[str], Awaitable[None]]  # puts rows into the database of this URL
# What a crash would lose is lost with the test; each database lives for a moment, so nothing tidies up behind it.
POSTGRES_OPTIONS = [
    "fsync=off", "full_page_writes=off", "synchronous_commit=off", "autovacuum=off", "listen_addresses=127.0.0.1",
]  # fmt: skip


def _postgres_program(name: str) -> str:
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    found = shutil.which(name) or (str(places[0]) if places else None)
    if found is None:
        raise RuntimeError(f"{name} was not found: run make test, which installs PostgreSQL")
    return found


def _database_user() -> str | None:
    # PostgreSQL refuses to run as root; its package brings a user for it.
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server of our own; the URL names its maintenance database."""
    folder = Path(tempfile.mkdtemp(prefix="station-postgres-"))
    user, port = _database_user(), pick_port()
    if user is not None:
        shutil.chown(folder, user)
    cluster = folder / "cluster"
    with (folder / "log").open("wb") as log:
        subprocess.run(
            [_postgres_program("initdb"), "-D", cluster, "-U", "station", "-A", "trust", "-E", "UTF8", "--no-sync"],
            user=user, extra_groups=[] if user else None, cwd=folder, stdout=log, stderr=log, check=True,
        )  # fmt: skip
        server = subprocess.Popen(
            [_postgres_program("postgres"), "-D", str(cluster), "-p", str(port), "-k", str(folder)]
            + [part for option in POSTGRES_OPTIONS for part in ("-c", option)],
            user=user, extra_groups=[] if user else None, cwd=folder, stdout=log, stderr=log,
        )  # fmt: skip
    url = f"postgresql://station@127.0.0.1:{port}/postgres"
    try:
        wait_until(lambda: server.poll() is not None or _accepts(url), f"PostgreSQL, see {folder}/log")
        yield url
    finally:
        end_process(server, signal.SIGINT)  # its "fast shutdown"
        shutil.rmtree(folder, ignore_errors=True)


def _accepts(url: str) -> bool:
    try:
        asyncio.run(_run_sql(url, "SELECT 1"))
    except (OSError, asyncpg.PostgresError):
        return False
    return True


async def _run_sql(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


class Databases(Protocol):
    """Databases of one kind, by name."""

    def url(self, name: str) -> str:
        """How the application names it."""

    def create(self, name: str, template: str | None) -> None:
        """Make one: empty, or a copy of another that nobody is connected to."""

    def drop(self, name: str) -> None:
        """Remove one, whoever is connected to it."""


class PostgresDatabases:
    """Those of a server."""

    def __init__(self, server: str) -> None:
        self.server = server

    def url(self, name: str) -> str:
        return self.server.replace("postgresql://", "postgresql+asyncpg://", 1).rsplit("/", 1)[0] + f"/{name}"

    def create(self, name: str, template: str | None) -> None:
        asyncio.run(self._create(name, template))

    async def _create(self, name: str, template: str | None) -> None:
        connection = await asyncpg.connect(self.server)
        try:
            source = f" TEMPLATE {template}" if template else ""
            # Files are copied as they are: by the log of changes, the default, it takes twice the processor.
            if template and connection.get_server_version().major >= 15:
                source += " STRATEGY file_copy"
            await connection.execute(f"CREATE DATABASE {name}{source}")
        finally:
            await connection.close()

    def drop(self, name: str) -> None:
        asyncio.run(_run_sql(self.server, f"DROP DATABASE {name} WITH (FORCE)"))


class SqliteDatabases:
    """Files in a folder, each in one of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def url(self, name: str) -> str:
        return f"sqlite+aiosqlite:///{self.folder / name / 'station.db'}"

    def create(self, name: str, template: str | None) -> None:
        if template is None:
            (self.folder / name).mkdir()
        else:
            shutil.copytree(self.folder / template, self.folder / name)

    def drop(self, name: str) -> None:
        shutil.rmtree(self.folder / name)


class Copies:
    """Copies of a migrated database, empty or filled in steps; what several tests begin with is filled once."""

    def __init__(self, databases: Databases) -> None:
        self.databases = databases
        self.made: dict[tuple[Fill, ...], str] = {}

    def template(self, *fills: Fill) -> str:
        """The name of the database after these steps, to be copied and not to be used."""
        if fills not in self.made:
            source = self.template(*fills[:-1]) if fills else None
            name = f"template_{len(self.made)}"
            self.databases.create(name, source)
            if fills:
                asyncio.run(_awaited(fills[-1](self.databases.url(name))))
            else:
                migrate_url(self.databases.url(name))
            self.made[fills] = name
        return self.made[fills]


async def _awaited(step: Awaitable[None]) -> None:
    await step


NewDatabase = Callable[..., str]


def _copying(copies: Copies) -> Iterator[NewDatabase]:
    made: list[str] = []

    def copy(*fills: Fill) -> str:
        name = f"test_{secrets.token_hex(6)}"
        copies.databases.create(name, copies.template(*fills))
        made.append(name)
        return copies.databases.url(name)

    yield copy
    for name in made:
        copies.databases.drop(name)


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an SQLite file with all tables and no rows, to be copied."""
    databases = SqliteDatabases(tmp_path_factory.mktemp("databases"))
    return databases.folder / Copies(databases).template()


@pytest.fixture(scope="session")
def sqlite_copies(migrated_sqlite: Path) -> Copies:
    """Copies of that file."""
    copies = Copies(SqliteDatabases(migrated_sqlite.parent))
    copies.made[()] = migrated_sqlite.name
    return copies


@pytest.fixture(scope="session")
def postgres_copies(postgres_url: str) -> Copies:
    """Databases of a PostgreSQL server."""
    return Copies(PostgresDatabases(postgres_url))


@pytest.fixture
def new_postgres(postgres_copies: Copies) -> Iterator[NewDatabase]:
    """Call it with the steps that fill a database (none: all tables and no rows) for the URL of a fresh one."""
    yield from _copying(postgres_copies)


@pytest.fixture
def new_sqlite(sqlite_copies: Copies) -> Iterator[NewDatabase]:
    """The same as a file."""
    yield from _copying(sqlite_copies)


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest) -> NewDatabase:
    """The same on either; the test runs on SQLite and on PostgreSQL."""
    made: NewDatabase = request.getfixturevalue("new_sqlite" if request.param == "sqlite" else "new_postgres")
    return made


@pytest.fixture
def postgres_database_url(new_postgres: NewDatabase) -> str:
    """A fresh, migrated PostgreSQL database."""
    return new_postgres()


@pytest.fixture
def sqlite_database_url(new_sqlite: NewDatabase) -> str:
    """A fresh, migrated SQLite database."""
    return new_sqlite()


@pytest.fixture
def database_url(new_database: NewDatabase) -> str:
    """A fresh, migrated database; the test runs on SQLite and on PostgreSQL."""
    return new_database()
