"""Short-lived TURN credentials, as coturn checks them with its shared secret (draft-uberti-behave-turn-rest-00)."""

from __future__ import annotations

import base64
import hmac
import time
from dataclasses import dataclass, field

from station.rtc.messages import IceServer

LIFETIME_S = 6 * 3600  # a meeting's length: the allocation must outlive it


@dataclass(frozen=True, slots=True)
class TurnServer:
    """The configured server; none when its URL is empty."""

    url: str
    secret: str = field(repr=False)

    def servers_for(self, person: str) -> list[IceServer]:
        """What a browser is given at joining."""
        if not self.url:
            return []
        username = f"{int(time.time()) + LIFETIME_S}:{person}"
        digest = hmac.digest(self.secret.encode(), username.encode(), "sha1")
        return [IceServer(self.url, username, base64.b64encode(digest).decode())]
