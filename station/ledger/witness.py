"""Heads of the chain kept outside of the database: whoever cuts the ledger's end must also find all of these.

A chain proves that nothing inside of it was changed; it cannot prove that its end is still there, because a shorter
chain is whole as well. So after each commit the newest event's number and hash go into a file, and each sealed bag
holds those of its meeting.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from station.ledger.model import HEAD_LABEL

_TAIL_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Head:
    """What somebody outside of the database saw: event `seq` had this hash. `source` is the file that says so."""

    seq: int
    hash: str
    source: str


def keep_head(path: Path, seq: int, event_hash: str) -> None:
    """Add one line; short enough that several processes can append without a lock (POSIX O_APPEND). Raises OSError."""
    line = json.dumps({"seq": seq, "hash": event_hash}) + "\n"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)


def keep_proved(path: Path, seq: int, event_hash: str) -> None:
    """Note up to which event the whole chain was found to hold. A note torn by a crash is none. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_text(json.dumps({"seq": seq, "hash": event_hash}), encoding="utf-8")


def proved_head(path: Path) -> Head | None:
    """The event up to which the chain was found to hold; None when it never was, or the note cannot be read."""
    with suppress(OSError, ValueError):
        return next(_heads([json.loads(path.read_bytes())], path), None)
    return None


def kept_heads(path: Path) -> Iterator[Head]:
    """Every head of the file, oldest first; a line torn by a crash is passed over.

    What is appended after the call does not count: the caller's look at the database may be older than that.
    """
    return _read_heads(path, path.stat().st_size if path.exists() else 0)


def _read_heads(path: Path, size: int) -> Iterator[Head]:
    with suppress(FileNotFoundError), path.open("rb") as file:
        while file.tell() < size and (line := file.readline()):
            with suppress(ValueError):
                yield from _heads([json.loads(line.decode(errors="replace"))], path)


def newest_kept_head(path: Path) -> Head | None:
    """The head with the highest number among the newest lines; reads the file's end only."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return None
    found: list[Head] = []
    for line in lines:
        with suppress(ValueError):
            found += _heads([json.loads(line)], path)
    return max(found, key=lambda head: head.seq, default=None)


def sealed_heads(bags: Path) -> Iterator[Head]:
    """Every event that a sealed bag holds, and the head each was sealed under; of the bags that are there now."""
    return _read_bags(sorted(path for path in bags.glob("*") if path.is_dir() and not path.name.startswith(".")))


def _read_bags(bags: list[Path]) -> Iterator[Head]:
    for bag in bags:
        with suppress(OSError, ValueError, RecursionError):
            events = json.loads((bag / "data" / "ledger.json").read_bytes())
            yield from _heads(events if isinstance(events, list) else [], bag)
        with suppress(OSError, ValueError):
            yield from _head_of_info((bag / "bag-info.txt").read_text(encoding="utf-8"), bag)


def _heads(events: list[Any], source: Path) -> Iterator[Head]:
    for event in events:
        if isinstance(event, dict) and isinstance(event.get("seq"), int) and isinstance(event.get("hash"), str):
            yield Head(event["seq"], event["hash"], str(source))


def _head_of_info(text: str, bag: Path) -> Iterator[Head]:
    for line in text.splitlines():
        label, _, value = line.partition(": ")
        if label == HEAD_LABEL:
            seq, _, event_hash = value.partition(" ")
            yield Head(int(seq), event_hash, str(bag))
