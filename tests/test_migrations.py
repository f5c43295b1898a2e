"""The migrations make exactly the tables that the code speaks of."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from station.base.database import MIGRATIONS, metadata, migrate_url, newest_revision


def test_migrations_and_tables_agree(tmp_path: Path) -> None:
    """After all migrations nothing is left to migrate."""
    file = tmp_path / "station.db"
    migrate_url(f"sqlite+aiosqlite:///{file}", tmp_path)
    engine = create_engine(f"sqlite:///{file}")
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()
    assert differences == []


def test_the_newest_revision_is_alembics() -> None:
    """What a start reads from the files is what alembic would make the database."""
    assert newest_revision() == ScriptDirectory(str(MIGRATIONS)).get_current_head()


def test_migrating_twice_is_harmless(tmp_path: Path) -> None:
    """A second start finds everything done: tables, indexes and the revision are as they were."""
    file = tmp_path / "station.db"
    found = []
    for _ in range(2):
        migrate_url(f"sqlite+aiosqlite:///{file}", tmp_path)
        with closing(sqlite3.connect(file)) as database:
            [revision] = database.execute("SELECT version_num FROM alembic_version").fetchall()
            found.append((revision, database.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()))
    assert found[0] == found[1] and len(found[0][1]) > 40
