"""The digests of many files at once, on all cores: each file and algorithm is a task of its own, the longest first.

SM3 takes five times as long as SHA-256, for which processors have instructions: both of one file in one thread, or
file after file, would leave a core idle while another has all to do.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from cryptography.hazmat.primitives import hashes

ALGORITHMS = ("sha256", "sm3")
_CHUNK = 1 << 20
_COST = {"sm3": 5}  # of a byte; others 1
_FREE_CORES = 1  # of more than two: meetings may be going on

Digests = dict[str, str]  # algorithm → hexadecimal digest
Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Arriving:
    """A file that another thread is writing: what size it will have, and what ends when it may be read."""

    size: int
    written: Future[None]


class _Running(Protocol):
    def update(self, data: Any, /) -> None: ...  # whatever has the buffer protocol
    def hexdigest(self) -> str: ...


class _Sm3:
    """For a Python whose OpenSSL was built without SM3."""

    def __init__(self) -> None:
        self._hash = hashes.Hash(hashes.SM3())
        self.update = self._hash.update

    def hexdigest(self) -> str:
        return self._hash.finalize().hex()


def digest_bytes(content: bytes) -> Digests:
    """The digests of some bytes, by every algorithm."""
    found = {}
    for algorithm in ALGORITHMS:
        running = _start(algorithm)
        running.update(content)
        found[algorithm] = running.hexdigest()
    return found


def digest_files(
    files: Iterable[Path],
    algorithms: Collection[str] = ALGORITHMS,
    tell: Progress = lambda _done: None,
    arriving: Mapping[Path, Arriving] = MappingProxyType({}),
) -> dict[Path, Digests | OSError]:
    """The digests of every file; an OSError in place of those of one that cannot be read.

    `tell` hears what part is done, 0 to 1, in the caller's thread. Those of `arriving` are waited for, in the order
    of their size; an error other than OSError from whoever writes them is raised.
    """
    sizes = {path: arriving[path].size if path in arriving else _size(path) for path in files}
    tasks = [(path, algorithm) for path in sizes for algorithm in algorithms]
    costs = {task: sizes[task[0]] * _COST.get(task[1], 1) for task in tasks}
    tasks.sort(key=costs.__getitem__, reverse=True)
    whole, done = sum(costs.values()) or 1, 0
    found: dict[Path, Digests | OSError] = {path: {} for path in sizes}
    with ThreadPoolExecutor(_threads(), thread_name_prefix="digest") as pool:
        digests = pool.map(lambda task: _digest(task[0], task[1], arriving.get(task[0])), tasks)
        for (path, algorithm), digest in zip(tasks, digests, strict=True):
            so_far = found[path]
            if isinstance(digest, OSError):
                found[path] = digest
            elif not isinstance(so_far, OSError):
                so_far[algorithm] = digest
            done += costs[path, algorithm]
            tell(done / whole)
    return found


def _digest(path: Path, algorithm: str, arriving: Arriving | None) -> str | OSError:
    running = _start(algorithm)
    buffer = bytearray(_CHUNK)
    view = memoryview(buffer)
    try:
        if arriving is not None:
            arriving.written.result()
        with path.open("rb", buffering=0) as file:
            while size := file.readinto(buffer):
                running.update(view[:size])
    except OSError as error:
        return error
    return running.hexdigest()


def _start(algorithm: str) -> _Running:
    try:
        return hashlib.new(algorithm)
    except ValueError:
        if algorithm != "sm3":
            raise
        return _Sm3()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _threads() -> int:
    # Not every system tells which cores a process may use (macOS).
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores if cores <= 2 else cores - _FREE_CORES
