"""The database of a running station as files, and back: SQLite by its backup API, PostgreSQL by pg_dump.

Both copies are of one moment, while others read and write. SQLite's is made in one step (`pages=-1`): a stepwise one
begins anew at each write of another connection, and never ends under load. It keeps every page in its place, and
pg_dump writes a file for each table in the order of its rows; so a second backup finds most parts unchanged.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from station.backup.model import BackupFault
from station.backup.store import ASIDE
from station.base.settings import Settings

SQLITE, POSTGRESQL = "sqlite", "postgresql"
SQLITE_FILE = "station.db"
SPARE_BYTES = 512 * 2**20  # left free beside a copy, so that the station goes on meanwhile
# Parameters of a URL as SQLAlchemy and asyncpg take them, and the variable by which libpq does.
_LIBPQ = {"host": "PGHOST", "port": "PGPORT", "ssl": "PGSSLMODE", "sslmode": "PGSSLMODE", "user": "PGUSER"}


def kind_of(settings: Settings) -> str:
    """Which of the two it is."""
    return POSTGRESQL if settings.resolved_database_url.startswith("postgresql") else SQLITE


def sqlite_path(settings: Settings) -> Path:
    """The file of an SQLite database."""
    return Path(unquote(settings.resolved_database_url.partition(":///")[2].partition("?")[0]))


def copy_database(settings: Settings, folder: Path) -> Iterator[Path]:
    """Copy it into the folder, which is empty, and name the files. Raises BackupFault."""
    if kind_of(settings) == SQLITE:
        yield _copy_sqlite(sqlite_path(settings), folder)
        return
    target = folder / "tables"
    options = ["--format=directory", "--compress=0", "--no-owner", "--no-privileges"]
    # What a restore set aside is no part of the station, and its schema would be in the way of the next restore.
    _run(settings, "pg_dump", [*options, f"--exclude-schema={ASIDE}*", f"--file={target}"])
    yield from sorted(target.iterdir())


def _copy_sqlite(source: Path, folder: Path) -> Path:
    target = folder / SQLITE_FILE
    size = sum(path.stat().st_size for path in (source, source.with_name(f"{source.name}-wal")) if path.exists())
    free = shutil.disk_usage(folder).free
    if free < size + SPARE_BYTES:
        wanted, there = (size + SPARE_BYTES) / 2**30, free / 2**30
        raise BackupFault(f"The copy of the database needs {wanted:.1f} GiB of disk in {folder}; {there:.1f} are free")
    try:
        with closing(sqlite3.connect(source)) as original, closing(sqlite3.connect(target)) as copy:
            original.backup(copy, pages=-1)
            found = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        raise BackupFault(f"The database {source} cannot be copied: {error}") from error
    if found != "ok":
        raise BackupFault(f"The database {source} is damaged ({found}): see `station doctor`, keep the older backups")
    return target


def restore_tables(settings: Settings, folder: Path) -> None:
    """Put what pg_dump wrote into an empty database, all or nothing. Raises BackupFault."""
    options = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
    database = _libpq(settings)["PGDATABASE"]
    # pg_dump says CREATE SCHEMA public only for one that is not as it comes; ours is there.
    _run(settings, "pg_restore", [*options, f"--dbname={database}", str(folder)])


def _run(settings: Settings, program: str, arguments: Sequence[str]) -> None:
    command = [_find(program), *arguments]
    # By the environment: arguments can be read by everybody on the machine, and the URL holds a password.
    environment = {**os.environ, **_libpq(settings)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace", check=False)  # noqa: S603
    if done.returncode != 0:
        words = " ".join(done.stderr.split())[-600:]
        raise BackupFault(f"{program} failed: {words or f'exit status {done.returncode}'}")


def _find(program: str) -> str:
    """The newest one of Debian's, which keeps several; one of another release than the server's may refuse to work."""
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"), key=_release_of, reverse=True)
    found = str(places[0]) if places else shutil.which(program)
    if found is None:
        raise BackupFault(
            f"{program} is not installed: apt install postgresql-client, of the server's release or newer"
        )
    return found


def _release_of(path: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in path.parts[4].split(".") if part.isdigit())


def _libpq(settings: Settings) -> dict[str, str]:
    parts = urlsplit(settings.resolved_database_url)
    named = {
        "PGHOST": parts.hostname or "",
        "PGPORT": str(parts.port or ""),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": unquote(parts.path.lstrip("/")),
    }
    asked = {_LIBPQ[name]: values[-1] for name, values in parse_qs(parts.query).items() if name in _LIBPQ}
    return {name: value for name, value in {**named, **asked}.items() if value}
