"""What is said of a restored station: whether its ledger is whole, and its sealed bags."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from recordings.verify import verify
from station.backup.manifest import Manifest
from station.base.settings import usable_cores
from station.base.station import Station
from station.ledger.model import VerifyResult
from station.ledger.service import timeline
from station.ledger.verify import verify_chain
from station.ledger.witness import Head, kept_heads, sealed_heads


@dataclass(frozen=True, slots=True)
class Proof:
    """`faults` are those of bags, one line each. `later` is the newest event that a witness outside of the data folder
    knows and the backup is older than; 0 if there is none.
    """

    ledger: VerifyResult
    bags: int
    faults: tuple[str, ...]
    later: int

    @property
    def ok(self) -> bool:
        """Whether everything that the backup was made of is there and unchanged."""
        return self.ledger.ok and not self.faults


async def prove(station: Station, manifest: Manifest) -> Proof:
    """Recompute the chain, look for every head that the backup brought, and check every bag's checksums."""
    data = station.settings.data
    own = data / "ledger" / "heads.jsonl"
    listed = Head(manifest.ledger_seq, manifest.ledger_hash, "the backup's list")
    outside = chain([listed] if manifest.ledger_seq else [], kept_heads(own), sealed_heads(data / "bags"))
    found = await verify_chain(station.database, outside, processes=usable_cores())
    bags, faults = 0, list[str]()
    for bag in sorted((data / "bags").glob("[!.]*")):
        noted = await _noted_hash(station, bag.name)
        report = await asyncio.to_thread(verify, bag, noted, ("sha256",))
        bags += 1
        faults += [f"{bag.name}/{fault.path}: {fault.kind}: {fault.text}" for fault in report.faults]
    elsewhere = station.settings.ledger_heads
    later = _newest(kept_heads(elsewhere)) if elsewhere != own else 0
    return Proof(found, bags, tuple(faults), later if later > found.events else 0)


async def _noted_hash(station: Station, meeting_id: str) -> str | None:
    events = await timeline(station, f"meeting:{meeting_id}")
    return next((str(e.data["manifest-sha256"]) for e in events if e.action == "archive.sealed"), None)


def _newest(heads: Iterator[Head]) -> int:
    return max((head.seq for head in heads), default=0)
