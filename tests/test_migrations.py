"""The migrations make exactly the tables that the code speaks of."""

from __future__ import annotations

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from station.base.database import metadata, migrate_url


def test_migrations_and_tables_agree(tmp_path: Path) -> None:
    """After all migrations nothing is left to migrate."""
    file = tmp_path / "station.db"
    migrate_url(f"sqlite+aiosqlite:///{file}", tmp_path)
    engine = create_engine(f"sqlite:///{file}")
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()
    assert differences == []


def test_migrating_twice_is_harmless(tmp_path: Path) -> None:
    """A second start finds everything done."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'station.db'}"
    migrate_url(url, tmp_path)
    migrate_url(url, tmp_path)
