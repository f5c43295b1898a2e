"""What `station doctor` looks at: whatever on this machine can keep the station from working."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from station.app import close_station, open_station
from station.backup.model import OUTDATED, BackupFault, BackupState, spell_size
from station.backup.service import last_backups
from station.backup.targets import open_target, refuse_within
from station.base.clock import SystemClock, local
from station.base.database import Database, DatabaseError, newest_revision, stored_revision
from station.base.errors import StationError
from station.base.grants import Grant, GrantSigner, GrantVerifier, Right
from station.base.origin import is_trusted
from station.base.settings import Settings
from station.ledger.service import find_cut
from station.ledger.witness import newest_kept_head
from station.notices.carriers.choice import TEMPLATES, carrier_of, is_carrier
from station.operations.proxy_watch import mark_of
from station.rtc.forwarding.compiled import load
from station.serve.addresses import is_loopback
from station.serve.folder import open_to_others
from station.serve.policies import find_policy_fault
from station.serve.ports import find_fault, needed_ports
from station.setup.missing_service import missing_here
from station.setup.service import load_identity

SAID_ELSEWHERE = {"sms"}
LEAST_FREE_BYTES = 2 * 2**30  # an hour of a meeting of three is about 1 GB


class Verdict(StrEnum):
    """How bad it is: `note` limits something, `fault` keeps the station from working."""

    GOOD = "ok"
    NOTE = "note"
    FAULT = "FAULT"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    verdict: Verdict
    detail: str

    @property
    def blocks(self) -> bool:
        """Whether the station should not be started with it."""
        return self.verdict is Verdict.FAULT

    @property
    def line(self) -> str:
        """The finding as one line of the report."""
        return f"{self.verdict:<6}{self.subject:<12}{self.detail}"


async def examine(settings: Settings) -> list[Finding]:
    """Look at everything; changes nothing."""
    return [
        *_look_at_data(settings.data),
        *_look_at_privacy(settings.data),
        *_look_at_origin(settings),
        *_look_at_ports(settings),
        _look_at_keys(settings.keys),
        await _look_at_database(settings),
        *await _look_at_ledger(settings),
        *await _look_at_backup(settings),
        *await _look_at_redis(settings),
        _look_at_policies(settings),
        _look_at_sms(settings),
        *await _look_at_district(settings),
        _look_at_fonts(),
        _look_at_forwarding(),
    ]


def _look_at_data(data: Path) -> Iterator[Finding]:
    existing = next(p for p in (data.resolve(), *data.resolve().parents) if p.exists())
    writable = existing.is_dir() and os.access(existing, os.W_OK)
    yield Finding("data", Verdict.GOOD if writable else Verdict.FAULT, f"{data}{'' if writable else ': not writable'}")
    free = shutil.disk_usage(existing).free
    verdict = Verdict.GOOD if free >= LEAST_FREE_BYTES else Verdict.FAULT
    yield Finding("disk", verdict, f"{free / 2**30:.1f} GiB free, {LEAST_FREE_BYTES / 2**30:.0f} GiB wanted")


def _look_at_privacy(data: Path) -> Iterator[Finding]:
    """Whether other users of the machine can read what lies in the data folder."""
    if not data.exists():
        return
    found = list(open_to_others(data))
    for path in found:
        mode = stat.S_IMODE(path.stat().st_mode)
        yield Finding("privacy", Verdict.FAULT, f"others may open {path} ({mode:04o}): chmod go= {path}")
    if not found:
        yield Finding("privacy", Verdict.GOOD, f"{data} is closed to other users")


def _look_at_origin(settings: Settings) -> Iterator[Finding]:
    """Whether what visitors and proxies send fits what the settings say of them."""
    mark = mark_of(settings.data)
    peer = mark.read_text(encoding="ascii").strip() if mark.exists() else ""
    if peer and not is_trusted(settings, peer):
        yield Finding(
            "proxy",
            Verdict.FAULT,
            f"a proxy at {peer} is not named, so all visitors count as one address: set STATION_TRUSTED_PROXIES={peer}",
        )
    elif settings.trusted_proxies and not settings.public_origin:
        words = "STATION_PUBLIC_ORIGIN is empty: links and codes follow what each request says"
        yield Finding("origin", Verdict.NOTE, words)
    elif settings.public_origin.startswith("https://") and not (settings.trusted_proxies or settings.tls_cert):
        if is_loopback(settings.host):
            words = "HTTPS comes from a proxy that is not named: set STATION_TRUSTED_PROXIES to its address"
            yield Finding("origin", Verdict.FAULT, words)
    elif settings.public_origin:
        yield Finding("origin", Verdict.GOOD, settings.public_origin)


def _look_at_ports(settings: Settings) -> Iterator[Finding]:
    running = (settings.data / "run" / "web.pid").exists()
    for port in needed_ports(settings):
        fault = find_fault(port)
        what = f"{port.kind} {port.number} for {port.purpose}"
        if fault is None:
            yield Finding("port", Verdict.GOOD, f"{what}: free")
        elif running:
            yield Finding("port", Verdict.GOOD, f"{what}: in use, the station is running")
        else:
            yield Finding("port", Verdict.FAULT, f"{what}: {fault.strerror}; set {port.setting}")


def _look_at_keys(keys: Path) -> Finding:
    private = keys / "grant.key"
    if not private.exists():
        return Finding("keys", Verdict.NOTE, "none yet, made at the first start")
    if stat.S_IMODE(private.stat().st_mode) & 0o077:
        return Finding("keys", Verdict.FAULT, f"others may read {private}: chmod 600 it")
    try:
        token = GrantSigner.load(keys).sign(Grant("doctor", "doctor", "doctor", frozenset({Right.SUBSCRIBE}), 2**40))
        GrantVerifier.load(keys).verify(token)
    except (StationError, ValueError, OSError) as error:
        return Finding("keys", Verdict.FAULT, f"grant.key and grant.pub in {keys} do not fit together ({error})")
    return Finding("keys", Verdict.GOOD, f"{keys}")


async def _look_at_database(settings: Settings) -> Finding:
    if not settings.database_url and not (settings.data / "station.db").exists():
        return Finding("database", Verdict.NOTE, "none yet, made at the first start")
    database = Database(settings.resolved_database_url)
    name = database.engine.url.render_as_string(hide_password=True)
    try:
        async with database.read() as connection:
            revision = await stored_revision(connection)
    except (DatabaseError, StationError, OSError) as error:
        cause = error.__cause__ or error
        return Finding("database", Verdict.FAULT, f"{name}: {(str(cause) or type(cause).__name__).splitlines()[0]}")
    finally:
        await database.close()
    if revision is None:
        return Finding("database", Verdict.NOTE, f"{name} is empty, its tables are made at the first start")
    newest = newest_revision()
    if revision != newest:
        words = f"{name}, revision {revision}: brought to {newest} at the next start, or by `station migrate`"
        return Finding("database", Verdict.NOTE, words)
    return Finding("database", Verdict.GOOD, f"{name}, revision {revision}")


async def _look_at_ledger(settings: Settings) -> list[Finding]:
    """Whether the database still holds the newest event that was noted outside of it."""
    head = newest_kept_head(settings.ledger_heads)
    if head is None:
        return []
    database = Database(settings.resolved_database_url)
    try:
        missing = await find_cut(database, head)
    except (DatabaseError, StationError, OSError):
        return []  # said by the look at the database
    finally:
        await database.close()
    if missing:
        words = f"event {head.seq} is noted in {head.source} and not in the database: was an older one restored?"
        return [Finding("ledger", Verdict.FAULT, words)]
    return [Finding("ledger", Verdict.GOOD, f"holds event {head.seq}, the newest one noted outside of it")]


async def _look_at_backup(settings: Settings) -> list[Finding]:
    """When the last whole backup was made, and what became of the last try."""
    if not settings.database_url and not (settings.data / "station.db").exists():
        return []
    database = Database(settings.resolved_database_url)
    try:
        begun, done = await last_backups(database)
    except (DatabaseError, StationError, OSError):
        return []  # said by the look at the database
    finally:
        await database.close()
    failed: list[Finding] = []
    try:
        if settings.backup_target:
            refuse_within(settings, open_target(settings, settings.backup_target))
    except BackupFault as fault:
        failed.append(Finding("backup", Verdict.FAULT, str(fault)))
    if begun is not None and begun.state is BackupState.FAILED:
        failed.append(Finding("backup", Verdict.NOTE, f"the last try failed: {begun.error}"))
    if done is None:
        words = "none was made: see docs/backup.md, and set STATION_BACKUP_TARGET"
        return failed or ([] if settings.demo else [Finding("backup", Verdict.NOTE, words)])
    verdict = Verdict.NOTE if SystemClock().now() - done.started_at > OUTDATED else Verdict.GOOD
    words = f"the last of {local(done.started_at):%Y-%m-%d %H:%M} to {done.target}, {spell_size(done.size)}"
    found = [Finding("backup", verdict, words)]
    return [*found, *failed]


def _look_at_policies(settings: Settings) -> Finding:
    fault = find_policy_fault(settings)
    return Finding("policy", Verdict.FAULT, fault) if fault else Finding("policy", Verdict.GOOD, "rules can be used")


def _look_at_sms(settings: Settings) -> Finding:
    if is_carrier(settings.sms_url.get_secret_value()):
        return _look_at_carrier(settings)
    if settings.sms_url.get_secret_value():
        return Finding("sms", Verdict.GOOD, "goes to the gateway of STATION_SMS_URL")
    if settings.demo:
        return Finding("sms", Verdict.NOTE, "none is sent: the demo shows them at /demo")
    return Finding("sms", Verdict.NOTE, "none can be sent, so citizens cannot sign in: set STATION_SMS_URL")


def _look_at_carrier(settings: Settings) -> Finding:
    try:
        missing = carrier_of(settings).missing_kinds()
    except (OSError, ValueError):
        return Finding("sms", Verdict.FAULT, "cannot be sent: see policy above")
    if not missing:
        return Finding("sms", Verdict.GOOD, "goes to the carrier of STATION_SMS_URL, each kind by its template")
    said = ", ".join(missing)
    return Finding("sms", Verdict.NOTE, f"policy/{TEMPLATES} has no template for {said}: these are not sent by SMS")


async def _look_at_district(settings: Settings) -> list[Finding]:
    """Whether pages name the district and its telephone, and what the station lacks, as `/admin` says it too."""
    if settings.demo:
        return []
    if not settings.database_url and not (settings.data / "station.db").exists():
        return list(_look_at_names(settings.district, settings.help_phone))
    station = open_station(settings)
    try:
        await load_identity(station)
        missing = await missing_here(station)
    except (DatabaseError, StationError, OSError):
        return list(_look_at_names(settings.district, settings.help_phone))  # the look at the database says why
    finally:
        await close_station(station)
    lacking = [Finding(each.code, Verdict.NOTE, each.words) for each in missing if each.code not in SAID_ELSEWHERE]
    return [*_look_at_names(station.identity.district, station.identity.help_phone), *lacking]


def _look_at_names(district: str, help_phone: str) -> Iterator[Finding]:
    if help_phone:
        yield Finding("telephone", Verdict.GOOD, help_phone)
    else:
        words = "pages name only the stations' own: type one at /admin/district, or set STATION_HELP_PHONE"
        yield Finding("telephone", Verdict.NOTE, words)
    if not district:
        words = "pages name none: run `station setup-link` and open /setup, or set STATION_DISTRICT"
        yield Finding("district", Verdict.NOTE, words)


async def _look_at_redis(settings: Settings) -> list[Finding]:
    if not settings.redis_url:
        return []
    client = Redis.from_url(settings.redis_url)
    try:
        await client.ping()
    except (RedisError, OSError) as error:
        return [Finding("redis", Verdict.FAULT, f"does not answer: {error}")]
    finally:
        await client.aclose()
    return [Finding("redis", Verdict.GOOD, "answers")]


def _look_at_fonts() -> Finding:
    lister = shutil.which("fc-list")
    if lister is None:
        return Finding("fonts", Verdict.NOTE, "fontconfig is not installed: whether a Chinese font is here is unknown")
    found = subprocess.run([lister, ":lang=zh", "family"], capture_output=True, text=True, check=False)  # noqa: S603
    if not found.stdout.strip():
        return Finding("fonts", Verdict.NOTE, "no Chinese font: names in composed videos cannot be drawn")
    return Finding("fonts", Verdict.GOOD, found.stdout.splitlines()[0].split(",")[0])


def _look_at_forwarding() -> Finding:
    if load() is None:
        words = "in plain Python, which costs about twice the processor: install gcc, then run tools/setup.sh again"
        return Finding("forwarding", Verdict.NOTE, words)
    return Finding("forwarding", Verdict.GOOD, "by the compiled loop")
