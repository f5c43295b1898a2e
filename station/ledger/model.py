"""The ledger's rules: what an event is and how the chain is computed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class Event:
    """Who did what to what, when, why, from where. `subject` reads "case:cs_…"."""

    seq: int
    at: datetime
    actor: str
    actor_name: str
    role: str
    action: str
    subject: str
    reason: str
    origin: str
    data: dict[str, Any]
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """What a walk over the whole chain found; `broken_at` is the first event that does not fit."""

    events: int
    head: str
    broken_at: int | None

    @property
    def ok(self) -> bool:
        return self.broken_at is None


def canonical(data: dict[str, Any]) -> str:
    """The one spelling of an event's data that is hashed (sorted keys, no spaces)."""
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def chain_hash(previous: str, fields: list[str]) -> str:
    """SHA-256 over the previous hash and the event's fields; lengths are hashed too, so fields cannot run together."""
    digest = hashlib.sha256(previous.encode())
    for field in fields:
        raw = field.encode()
        digest.update(len(raw).to_bytes(8, "big"))
        digest.update(raw)
    return digest.hexdigest()


def hashed_fields(event: Event) -> list[str]:
    """What of an event the chain protects: everything."""
    at = event.at.astimezone(UTC).isoformat(timespec="microseconds")
    return [
        str(event.seq), at, event.actor, event.actor_name, event.role, event.action,
        event.subject, event.reason, event.origin, canonical(event.data),
    ]  # fmt: skip
