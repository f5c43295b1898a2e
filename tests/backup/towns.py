"""A town to back up, and what a restored one is asked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from sqlalchemy import select

from station.app import open_station
from station.backup.vault import make_key
from station.base.settings import Settings
from station.base.station import Station
from station.booking.store import bookings
from tests.servers import ROOT

RECIPIENT, SECRET = make_key()


def settings_of(folder: Path, **values: object) -> Settings:
    """Of a station with its data in `folder`/var, whose backups open with SECRET."""
    given = {"data": folder / "var", "demo": True, "media_processes": 1, "backup_recipient": RECIPIENT, **values}
    return Settings(_env_file=None, **given)  # type: ignore[arg-type]


def open_town(folder: Path, **values: object) -> Station:
    """The parts of that station, with the machine's clock."""
    return open_station(settings_of(folder, **values))


def environment_of(settings: Settings) -> dict[str, str]:
    """What makes the same settings of another process."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("STATION_")}
    return {
        **bare,
        "PYTHONPATH": str(ROOT),
        "STATION_DEMO": "true",
        "STATION_DATA": str(settings.data),
        "STATION_DATABASE_URL": settings.database_url,
        "STATION_BACKUP_RECIPIENT": settings.backup_recipient,
        "STATION_BACKUP_TARGET": settings.backup_target,
    }


def command(settings: Settings, *arguments: str) -> subprocess.Popen[str]:
    """`station …` begun with these settings; text from its pipes."""
    return subprocess.Popen(
        [sys.executable, "-m", "station", *arguments],
        env=environment_of(settings), cwd=settings.data.parent, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def key_file(folder: Path) -> Path:
    """The secret key as somebody would keep it."""
    path = folder / "key.txt"
    path.write_text(f"# public key: {RECIPIENT}\n{SECRET}\n", encoding="ascii")
    return path


async def stored_bookings(station: Station) -> list[tuple[object, ...]]:
    """Every booking's row, its id first."""
    async with station.database.read() as connection:
        return [tuple(row) for row in await connection.execute(select(bookings).order_by(bookings.c.id))]
