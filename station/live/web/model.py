"""A broadcast as the web side knows it: what is on air, of which meeting, from whose camera."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from station.base.errors import N_, Conflict


class OnAir(StrEnum):
    """Where a broadcast stands; once ended it is the replay of itself."""

    LIVE = "live"
    ENDED = "ended"


class BroadcastEnded(Conflict):
    code = "broadcast-ended"
    message = N_("这场直播已经停了，可以看回放")


@dataclass(frozen=True, slots=True)
class Broadcast:
    """One broadcast. `person` is the account whose picture and sound are on air."""

    id: str
    meeting_id: str
    title: str
    host: str
    state: OnAir
    person: str
    source_name: str
    started_at: datetime
    ended_at: datetime | None

    @property
    def live(self) -> bool:
        """Whether it is on air now."""
        return self.state is OnAir.LIVE

    @property
    def subject(self) -> str:
        """The name in the ledger and on the bus."""
        return f"broadcast:{self.id}"


@dataclass(frozen=True, slots=True)
class LiveStatus:
    """What the live role says about a broadcast: seconds on air, people watching."""

    state: str
    duration_s: float
    viewers: int
