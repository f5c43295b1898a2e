"""Seals files into a bag: BagIt 1.0 (RFC 8493) with SHA-256 and SM3 checksums.

Written by hand: bagit-python changes the working directory, which a process with threads must not, and knows no SM3.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import unicodedata
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from zoneinfo import ZoneInfo

from recordings.digests import ALGORITHMS, Arriving, Digests, digest_bytes, digest_files
from recordings.scratch import ScratchFolder
from recordings.whole_file import sync_folder

DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
_CHUNK = 1 << 20
_RANGE = 1 << 30
_WRITERS = 2  # they mostly wait for the disk
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f%\\:*?\"<>|]")
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")


class UnsafeNameError(ValueError):
    """A payload name that could lead out of the bag, or that not every system can keep."""


def seal(bag: Path, payload: Mapping[str, Path | bytes], info: Mapping[str, str]) -> Path:
    """Makes the bag `bag` of `payload` (name within data/ → a file, or its content) and returns it.

    It is built beside its place and renamed when whole, so a half bag never has the name, nor one that two made at
    once. `info` goes into bag-info.txt. Raises FileExistsError when the bag is there already, or was made meanwhile,
    UnsafeNameError, ValueError for an `info` label that is none, and OSError.
    """
    if bag.exists():
        raise FileExistsError(bag)
    _check_names(payload)
    bad = next((label for label in info if not _LABEL.fullmatch(label)), None)
    if bad is not None:
        raise ValueError(f"not a label: {bad!r}")
    scratch = ScratchFolder(bag.parent, bag.name)
    try:
        _fill(scratch.path, payload, info)
        _name(scratch.path, bag)
    finally:
        scratch.remove()
    sync_folder(bag.parent)
    return bag


def _name(scratch: Path, bag: Path) -> None:
    try:
        scratch.rename(bag)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise FileExistsError(bag) from error
        raise


def check_name(name: str) -> None:
    """Raises UnsafeNameError unless `name` is a plain relative path, the same on every system."""
    parts = PurePosixPath(name).parts
    plain = name == "/".join(parts) and name == unicodedata.normalize("NFC", name) and len(name) < 512
    if not plain or not parts or name.startswith("/") or _FORBIDDEN.search(name):
        raise UnsafeNameError(f"not a safe file name: {name!r}")
    if any(part in (".", "..") or part != part.strip() or part.endswith(".") for part in parts):
        raise UnsafeNameError(f"not a safe file name: {name!r}")


def manifest_text(entries: Mapping[str, str]) -> str:
    """A manifest: a line for each path, sorted, in the form `sha256sum -c` reads."""
    return "".join(f"{digest}  {path}\n" for path, digest in sorted(entries.items()))


def _check_names(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        check_name(name)
        if name.casefold() in seen:
            raise UnsafeNameError(f"the same name twice on some systems: {name!r}")
        seen.add(name.casefold())
    for name in seen:
        if any(str(parent) in seen for parent in PurePosixPath(name).parents):
            raise UnsafeNameError(f"both a file and a folder: {name!r}")


def _fill(bag: Path, payload: Mapping[str, Path | bytes], info: Mapping[str, str]) -> None:
    (bag / "data").mkdir()
    places = {bag / "data" / name: source for name, source in payload.items()}
    digests = {path.relative_to(bag).as_posix(): found for path, found in _store_all(places).items()}
    octets = sum(path.stat().st_size for path in places)
    tags = {
        "bagit.txt": DECLARATION,
        "bag-info.txt": _info_text(info, octets, len(payload)).encode(),
        **_manifests("manifest", digests),
    }
    tag_digests = {name: digest_bytes(content) for name, content in tags.items()}
    for name, content in {**tags, **_manifests("tagmanifest", tag_digests)}.items():
        _store(bag / name, content)
    for folder, _, _ in os.walk(bag):
        sync_folder(Path(folder))


def _manifests(kind: str, digests: Mapping[str, Digests]) -> dict[str, bytes]:
    return {
        f"{kind}-{algorithm}.txt": manifest_text({path: found[algorithm] for path, found in digests.items()}).encode()
        for algorithm in ALGORITHMS
    }


def _info_text(info: Mapping[str, str], octets: int, files: int) -> str:
    fields = {
        "Bagging-Date": datetime.now(ZoneInfo("Asia/Shanghai")).date().isoformat(),
        "Bag-Software-Agent": "station recordings",
        **info,
        "Payload-Oxum": f"{octets}.{files}",
    }
    return "".join(f"{label}: {' '.join(value.split())}\n" for label, value in fields.items())


def _store_all(places: Mapping[Path, Path | bytes]) -> dict[Path, Digests]:
    """Store every file and take its digests: of the copy, as soon as it is there, while the disk still writes."""
    arriving = {target: Arriving(_size(source), Future()) for target, source in places.items()}
    with ThreadPoolExecutor(_WRITERS, thread_name_prefix="store") as pool:
        stored = []
        for target in sorted(arriving, key=lambda target: arriving[target].size, reverse=True):
            target.parent.mkdir(parents=True, exist_ok=True)
            stored.append(pool.submit(_store, target, places[target], arriving[target].written))
        found = digest_files(places, arriving=arriving)
        for each in stored:
            each.result()
    for digests in found.values():
        if isinstance(digests, OSError):
            raise digests
    return {path: digests for path, digests in found.items() if not isinstance(digests, OSError)}


def _size(source: Path | bytes) -> int:
    return len(source) if isinstance(source, bytes) else source.stat().st_size


def _store(target: Path, source: Path | bytes, written: Future[None] | None = None) -> None:
    """What is stored lies on the disk when this returns, and is not to be written to. `written` ends when it may be
    read, which is long before."""
    written = written or Future()
    try:
        with target.open("xb") as file:
            if isinstance(source, bytes):
                file.write(source)
            else:
                with source.open("rb") as original:
                    _copy(original, file)
            file.flush()
            written.set_result(None)
            os.fsync(file.fileno())
        target.chmod(0o440)
    except BaseException as error:
        if not written.done():
            written.set_exception(error)
        raise


def _copy(original: BinaryIO, file: BinaryIO) -> None:
    """copy_file_range(2): a file system that can (XFS, Btrfs) shares the blocks until one of the two is changed. That
    is as safe as a copy, and takes no time; a hard link would let a change of one change both."""
    if hasattr(os, "copy_file_range"):
        with contextlib.suppress(OSError):  # two file systems, or one that cannot: what is missing is copied below
            while os.copy_file_range(original.fileno(), file.fileno(), _RANGE):
                pass
    shutil.copyfileobj(original, file, _CHUNK)
