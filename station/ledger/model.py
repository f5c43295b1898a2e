"""The ledger's rules: what an event is, how the chain is computed, what of people's words it holds."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, NamedTuple, TypeVar

GENESIS = "0" * 64
HEAD_LABEL = "Ledger-Head"  # in a bag's bag-info.txt: number and hash of the newest event when it was sealed
T = TypeVar("T")
_NAMED_AT_ONCE = 500
_CHAINED_REASON = 7  # among the hashed fields
_WORDS_HASH = re.compile(r"^hmac-sha256:[0-9a-f]{64}$")


@dataclass(frozen=True, slots=True)
class Event:
    """Who did what to what, when, why, from where. `subject` reads "case:cs_…".

    `reason` is what somebody typed, while it is kept; clearing it leaves the chain whole. `chained_reason` is what the
    chain holds of it: a salted hash, or in events older than such hashes the words themselves.
    """

    seq: int
    at: datetime
    actor: str
    actor_name: str
    role: str
    action: str
    subject: str
    chained_reason: str
    origin: str
    data: dict[str, Any]
    previous: str
    hash: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """What a walk over the whole chain found.

    `broken_at` is the first event that does not fit. `witness` names the file outside of the database that holds
    another hash for it, or holds it although it is missing; empty when the chain contradicts itself. `compared` heads
    from outside were looked at.
    """

    events: int
    head: str
    broken_at: int | None
    witness: str = ""
    compared: int = 0

    @property
    def ok(self) -> bool:
        """Whether the whole chain holds."""
        return self.broken_at is None

    @property
    def cut(self) -> bool:
        """Whether the end of the chain is missing."""
        return self.broken_at is not None and self.broken_at > self.events


@dataclass(frozen=True, slots=True)
class Stretch:
    """What checking some neighbouring events found: how many there are, the last one's hash, the first at fault."""

    events: int
    head: str
    broken_at: int | None


class StoredEvent(NamedTuple):
    """An event as the database holds it, with its words if they are kept. `fields` are as `hashed_fields` has them."""

    seq: int
    previous: str
    hash: str
    words: str | None
    salt: str | None
    fields: tuple[str, ...]


def check_stretch(before: str | None, first: int, events: Iterable[StoredEvent]) -> Stretch:
    """Recompute the hashes of events that should begin with number `first`, the hash before them being `before`."""
    previous, count = before, 0
    for event in events:
        count += 1
        whole = event.seq == first + count - 1 and event.previous == previous
        if not whole or chain_hash(event.previous, event.fields) != event.hash or not _fits_words(event):
            return Stretch(count, previous or "", event.seq)
        previous = event.hash
    return Stretch(count, previous or "", None)


def _fits_words(event: StoredEvent) -> bool:
    return event.salt is None or hash_words(event.salt, event.words or "") == event.fields[_CHAINED_REASON]


def batches(items: Iterable[T]) -> Iterator[list[T]]:
    """The items, as many at once as one statement may name."""
    waiting = iter(items)
    while batch := list(islice(waiting, _NAMED_AT_ONCE)):
        yield batch


def head_line(seq: int, event_hash: str) -> str:
    """What a bag says under HEAD_LABEL."""
    return f"{seq} {event_hash}"


def canonical(data: dict[str, Any]) -> str:
    """The one spelling of an event's data that is hashed (sorted keys, no spaces)."""
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def hash_words(salt: str, words: str) -> str:
    """What the chain holds of people's words (HMAC, RFC 2104): with the salt gone nobody can guess them back."""
    return "hmac-sha256:" + hmac.new(salt.encode(), words.encode(), hashlib.sha256).hexdigest()


def is_words_hash(reason: str) -> bool:
    """Whether an event's reason is a hash of words, not words of an older release."""
    return _WORDS_HASH.match(reason) is not None


def chain_hash(previous: str, fields: Sequence[str]) -> str:
    """SHA-256 over the previous hash and the event's fields; lengths are hashed too, so fields cannot run together."""
    parts = [previous.encode()]
    for field in fields:
        raw = field.encode()
        parts += (len(raw).to_bytes(8, "big"), raw)
    return hashlib.sha256(b"".join(parts)).hexdigest()


def spell_time(at: datetime) -> str:
    """The one spelling of a moment that is hashed."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def hashed_fields(event: Event) -> list[str]:
    """What of an event the chain protects: everything but the words of its reason."""
    return [
        str(event.seq),
        spell_time(event.at),
        event.actor,
        event.actor_name,
        event.role,
        event.action,
        event.subject,
        event.chained_reason,
        event.origin,
        canonical(event.data),
    ]
