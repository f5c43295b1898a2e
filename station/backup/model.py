"""What a backup is called, what is said of it, and when the next one is due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum

from station.base.clock import local

PART_BYTES = 8 * 2**20  # a file's parts: what changes within one costs the sending of one

OUTDATED = timedelta(hours=50)  # two nights have brought none


class BackupFault(Exception):
    """What keeps a backup or a restore from being done, as a sentence for who runs the station."""


class BackupState(StrEnum):
    """How a backup stands. One that was killed stays `running`; nothing else ever follows it."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Backup:
    """One try, as the database remembers it. `size` is what was to be copied, `sent` what was new, in bytes."""

    id: str
    target: str
    state: BackupState
    started_at: datetime
    ended_at: datetime | None
    files: int
    size: int
    sent: int
    error: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is, in bytes of what is copied (not of what is sent)."""

    done: int
    size: int
    files: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What a backup holds (`files`, `size`), what of it was new (`sent`), and files that went meanwhile (`gone`)."""

    id: str
    files: int
    size: int
    objects: int
    sent: int
    gone: tuple[str, ...]


def backup_id(moment: datetime, salt: str) -> str:
    """A name that sorts by time: 20261130T193000Z-1f2e3d4c."""
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}-{salt}"


def is_due(now: datetime, at: time, last_begun: datetime | None) -> bool:
    """Whether none has begun since the last time that the clock of here showed `at`. One that failed waits a day."""
    here = local(now)
    planned = datetime.combine(here.date(), at, here.tzinfo)
    if planned > here:
        planned -= timedelta(days=1)
    return last_begun is None or last_begun < planned


def made_at(identifier: str) -> datetime | None:
    """The moment in such a name; None for what is no name of a backup."""
    try:
        return datetime.strptime(identifier.partition("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def spell_size(size: int) -> str:
    """Bytes as people read them."""
    value = float(size)
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"
