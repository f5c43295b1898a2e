"""Whose key a backup is encrypted for, and where the key to open it comes from."""

from __future__ import annotations

import hashlib
import hmac
import json
from contextlib import suppress
from pathlib import Path

from recordings.whole_file import write_whole
from station.backup.model import BackupFault
from station.backup.targets import Target
from station.backup.vault import (
    Opener,
    Sealer,
    lock_with_passphrase,
    make_key,
    read_key_file,
    recipient_of,
    unlock_with_passphrase,
)
from station.base.key_files import load_secret
from station.base.settings import Settings

LOCKED_KEY = "key.age"
MARK = "station-backup.json"
NO_KEY = (
    "Say for whom to encrypt: make a key with `station backup-key` and set STATION_BACKUP_RECIPIENT to its public "
    "half, or set STATION_BACKUP_PASSPHRASE"
)


def names_key(settings: Settings) -> bytes:
    """The key of the objects' names; it is in each backup, so that a restored station goes on with the same names."""
    return load_secret(settings.keys / "backup-names.key")


def sealer_for(settings: Settings, target: Target) -> Sealer:
    """For the recipients of the settings, and for whoever knows the passphrase. Raises BackupFault."""
    recipients = [each.strip() for each in settings.backup_recipient.split(",") if each.strip()]
    passphrase = settings.backup_passphrase.get_secret_value()
    if passphrase:
        recipients.append(_recipient_by_passphrase(settings, target, passphrase))
    if not recipients:
        raise BackupFault(NO_KEY)
    return Sealer(tuple(recipients), names_key(settings))


def opener_for(settings: Settings, target: Target, key_file: Path | None) -> Opener:
    """By a key file, or by the passphrase of the settings. Raises BackupFault."""
    if key_file is not None:
        return read_key_file(key_file)
    passphrase = settings.backup_passphrase.get_secret_value()
    if not passphrase:
        raise BackupFault("Say what opens the backup: --key FILE, or STATION_BACKUP_PASSPHRASE")
    locked = target.get(LOCKED_KEY)
    if locked is None:
        raise BackupFault(f"{target.shown} has no {LOCKED_KEY}: its backups open with a key file (--key), not by words")
    return Opener(unlock_with_passphrase(locked, passphrase))


def claim_target(settings: Settings, target: Target) -> None:
    """See that the target is this station's, or nobody's yet. Raises BackupFault."""
    ours = hmac.new(names_key(settings), b"station", hashlib.sha256).hexdigest()[:16]
    mark = json.dumps({"format": 1, "station": ours}).encode()
    if target.put_new(MARK, mark):
        return
    there = target.get(MARK) or b""
    with suppress(ValueError, AttributeError):
        if json.loads(there).get("station") == ours:
            return
    raise BackupFault(f"{target.shown} holds the backups of another station: name another folder or prefix")


def _recipient_by_passphrase(settings: Settings, target: Target, passphrase: str) -> str:
    """The recipient of the target's locked key, which the first backup puts there. Unlocking takes seconds and 0.6 GB,
    so what it found is kept, under a name that only the same key and the same passphrase have.
    """
    recipient = ""
    locked = target.get(LOCKED_KEY)
    if locked is None:
        new, secret = make_key()
        locked = lock_with_passphrase(secret, passphrase)
        if target.put_new(LOCKED_KEY, locked):
            recipient = new
        else:
            locked = target.get(LOCKED_KEY) or b""
    kept = settings.data / "backup" / "recipient.json"
    proof = hmac.new(names_key(settings), locked + b"\n" + passphrase.encode(), hashlib.sha256).hexdigest()
    with suppress(OSError, ValueError, KeyError, TypeError):
        return str(json.loads(kept.read_bytes())[proof])
    recipient = recipient or recipient_of(unlock_with_passphrase(locked, passphrase))
    kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_whole(kept, json.dumps({proof: recipient}).encode(), durable=False)
    return recipient
