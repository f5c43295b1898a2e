"""A broadcast as the web side knows it: what is on air, of which meeting, from whose camera."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from station.base.errors import N_, Conflict


class OnAir(StrEnum):
    """Where a broadcast stands; once ended and reviewed its recording may be public."""

    LIVE = "live"
    ENDED = "ended"


class BroadcastEnded(Conflict):
    code = "broadcast-ended"
    message = N_("这场直播已经停了，不能接着播，可以新开一场")


@dataclass(frozen=True, slots=True)
class Broadcast:
    """One broadcast. `person` is the account whose video and audio are on air.

    `revision` counts what the live role must be told; `published`: reviewed, so that everybody may see the recording.
    """

    id: str
    meeting_id: str
    title: str
    host: str
    state: OnAir
    person: str
    source_name: str
    started_at: datetime
    ended_at: datetime | None
    published: bool = False
    revision: int = 0

    @property
    def public(self) -> bool:
        """Whether everybody may see it now."""
        return self.live or self.published

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
