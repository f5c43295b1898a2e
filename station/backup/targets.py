"""Where backups are kept: a folder, or a store that speaks S3. What is there is never overwritten."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError, PreconditionError
from obstore.store import S3Store

from recordings.whole_file import sync_folder
from station.backup.model import BackupFault
from station.base.settings import Settings

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config

RETRIES: RetryConfig = {"max_retries": 5, "retry_timeout": timedelta(minutes=2)}


class Target(Protocol):
    """Objects by name, slashes in it. Everything raises BackupFault when the place cannot be used."""

    shown: str

    def put_new(self, name: str, content: bytes) -> bool:
        """Keep the content, whole or not at all; False if the name is taken, which stays as it is."""

    def get(self, name: str) -> bytes | None:
        """The content; None if there is no such object."""

    def names(self, under: str) -> Iterator[str]:
        """All names that begin with `under/`."""

    def settle(self) -> None:
        """Return once all that was put outlives a power cut."""


def open_target(settings: Settings, words: str) -> Target:
    """A folder's path, or s3://bucket/prefix with STATION_BACKUP_S3_*. Raises BackupFault."""
    if not words:
        raise BackupFault("Say where to: a folder or s3://bucket/prefix, or set STATION_BACKUP_TARGET")
    parts = urlsplit(words)
    if parts.scheme == "s3" and parts.netloc:
        return S3Target(settings, parts.netloc, parts.path.strip("/"))
    if "://" in words:
        raise BackupFault(f"“{words}” is neither a folder nor s3://bucket/prefix")
    return FolderTarget(Path(words).expanduser().resolve())


def refuse_within(settings: Settings, target: Target) -> None:
    """Raises BackupFault for a folder that would be lost with the data folder, or with a disk linked into it."""
    if not isinstance(target, FolderTarget) or not settings.data.is_dir():
        return
    places = {settings.data.resolve(), *(path.resolve() for path in settings.data.iterdir() if path.is_symlink())}
    if any(target.root.is_relative_to(place) for place in places):
        raise BackupFault(f"The target {target.shown} lies in the data folder: name another disk")


class FolderTarget:
    """A folder, which is made when missing: a disk, a network share."""

    def __init__(self, root: Path) -> None:
        self.shown = str(root)
        self.root = root
        self._touched: set[Path] = set()

    def put_new(self, name: str, content: bytes) -> bool:
        """Into a file of another name first, which then gets its own in one step (link(2), rename(2))."""
        path = self.root / name
        if path.exists():
            return False
        scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                try:
                    os.link(scratch, path)
                except FileExistsError:
                    return False
                except OSError:  # a file system without hard links: exFAT, some network shares
                    scratch.replace(path)
            finally:
                scratch.unlink(missing_ok=True)
        except OSError as error:
            raise BackupFault(f"{self.shown} cannot be written to: {error.strerror or error}") from error
        self._touched.add(path.parent)
        return True

    def get(self, name: str) -> bytes | None:
        """The file's content."""
        try:
            return (self.root / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise BackupFault(f"{self.shown}/{name} cannot be read: {error.strerror or error}") from error

    def names(self, under: str) -> Iterator[str]:
        """Hidden files are what a killed backup left."""
        for folder, _, files in os.walk(self.root / under):
            for file in files:
                if not file.startswith("."):
                    yield (Path(folder) / file).relative_to(self.root).as_posix()

    def settle(self) -> None:
        """Put the folders' lists of names on the disk."""
        for folder in sorted(self._touched | {folder.parent for folder in self._touched}):
            with suppress(OSError):  # network shares that cannot do it
                sync_folder(folder)
        self._touched.clear()


class S3Target:
    """A bucket; what is below the prefix is ours. Puts ask the store to refuse a name that is taken (If-None-Match)."""

    def __init__(self, settings: Settings, bucket: str, prefix: str) -> None:
        self.shown = f"s3://{bucket}/{prefix}" if prefix else f"s3://{bucket}"
        endpoint = settings.backup_s3_endpoint.rstrip("/")
        config: S3Config = {"region": settings.backup_s3_region}
        if endpoint and settings.backup_s3_virtual_host:  # the library wants the whole host then
            endpoint = endpoint.replace("://", f"://{bucket}.", 1)
            config["virtual_hosted_style_request"] = True
        if endpoint:
            config["endpoint"] = endpoint
        if settings.backup_s3_key:
            config["access_key_id"] = settings.backup_s3_key
            config["secret_access_key"] = settings.backup_s3_secret.get_secret_value()
        options: ClientConfig = {"allow_http": endpoint.startswith("http://"), "timeout": "120s"}
        try:
            self._store = S3Store(
                bucket, prefix=prefix or None, config=config, client_options=options, retry_config=RETRIES
            )
        except BaseError as error:
            raise self._fault(error) from error

    def put_new(self, name: str, content: bytes) -> bool:
        """One request, so that a store never shows half of it."""
        try:
            obstore.put(self._store, name, content, mode="create", use_multipart=False)
        except (AlreadyExistsError, PreconditionError):
            return False
        except BaseError as error:
            raise self._fault(error) from error
        return True

    def get(self, name: str) -> bytes | None:
        """The object's content."""
        try:
            return bytes(obstore.get(self._store, name).bytes())
        except (NotFoundError, FileNotFoundError):
            return None
        except BaseError as error:
            raise self._fault(error) from error

    def names(self, under: str) -> Iterator[str]:
        """Asked a thousand at a time."""
        try:
            for batch in obstore.list(self._store, under):
                for found in batch:
                    yield found["path"]
        except BaseError as error:
            raise self._fault(error) from error

    def settle(self) -> None:
        """Nothing: a store answers once it has the object."""

    def _fault(self, error: Exception) -> BackupFault:
        words = " ".join(str(error).split("\n\nDebug source")[0].split())
        return BackupFault(f"{self.shown} cannot be used: {words[:400]}")
