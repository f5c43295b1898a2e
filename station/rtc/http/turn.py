"""Short-lived TURN credentials, as coturn checks them with its shared secret (draft-uberti-behave-turn-rest-00)."""

from __future__ import annotations

import base64
import hmac
import time
from dataclasses import dataclass, field

from station.rtc.rooms.messages import IceServer

LIFETIME_S = 6 * 3600  # a meeting's length: the allocation must outlive it


@dataclass(frozen=True, slots=True)
class TurnServer:
    """The configured server: its URLs, separated by commas; none when that is empty."""

    url: str
    secret: str = field(repr=False)

    def servers_for(self, person: str) -> list[IceServer]:
        """What a browser is given at joining: one entry a URL, all with the same credentials."""
        urls = [url.strip() for url in self.url.split(",") if url.strip()]
        username = f"{int(time.time()) + LIFETIME_S}:{person}"
        digest = hmac.digest(self.secret.encode(), username.encode(), "sha1")
        return [IceServer(url, username, base64.b64encode(digest).decode()) for url in urls]


def link_header(servers: list[IceServer]) -> str:
    """The servers as a Link header (RFC 9725 section 4.6)."""
    return ", ".join(
        f'<{server.urls}>; rel="ice-server"; username="{_quoted(server.username)}"; '
        f'credential="{_quoted(server.credential)}"; credential-type="password"'
        for server in servers
    )


def _quoted(text: str) -> str:
    plain = "".join(c for c in text if " " <= c <= "~")
    return plain.replace("\\", "\\\\").replace('"', '\\"')
