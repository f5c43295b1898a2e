"""What every service call is given: the parts of one running station."""

from __future__ import annotations

from dataclasses import dataclass, field

from station.base.bus import Bus
from station.base.clock import Clock
from station.base.database import Database
from station.base.grants import GrantSigner
from station.base.identity import Identity, IdentityHolder
from station.base.inner_http import InnerHttp
from station.base.presence import Presence
from station.base.settings import DEMO_DISTRICT, Settings


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
    identities: IdentityHolder = field(default_factory=IdentityHolder)

    @property
    def identity(self) -> Identity:
        """Whose station this is: what the district has set up, else what the settings say."""
        return self.identities.stored or _identity_by_settings(self.settings)


def _identity_by_settings(settings: Settings) -> Identity:
    """What stands in the environment; nothing of the demo's in a real station."""
    return Identity(
        district=settings.district or (DEMO_DISTRICT if settings.demo else ""),
        help_phone=settings.shown_help_phone,
        help_hours=settings.help_hours,
        sms_signature=settings.sms_signature,
    )
