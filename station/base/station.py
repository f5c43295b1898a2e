"""What every service call is given: the parts of one running station."""

from __future__ import annotations

from dataclasses import dataclass, field

from station.base.bus import Bus
from station.base.clock import Clock
from station.base.database import Database
from station.base.grants import GrantSigner
from station.base.inner_http import InnerHttp
from station.base.presence import Presence
from station.base.settings import Settings


@dataclass(frozen=True, slots=True)
class Station:
    """The composition root's product; frozen, so a test can replace one part and keep the others."""

    settings: Settings
    database: Database
    bus: Bus
    clock: Clock
    signer: GrantSigner
    presence: Presence = field(default_factory=Presence)
    inner_http: InnerHttp = field(default_factory=InnerHttp)
