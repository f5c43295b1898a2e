"""Notices a proxy on this machine that the settings do not name: everybody would count as one visitor."""

from __future__ import annotations

from pathlib import Path

import structlog
from aiohttp import web

from station.base.origin import is_loopback_address, is_trusted
from station.base.settings import Settings
from station.base.web import Handler

log = structlog.get_logger()


def mark_of(data: Path) -> Path:
    """The file by which web tells `station doctor`: the address of the proxy, one line."""
    return data / "run" / "unnamed-proxy"


class ProxyWatch:
    """Says it once in the log, and leaves a mark for `station doctor`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._told = False

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Looks at each request until one came so."""
        peer = request.remote or ""
        if not self._told and "X-Forwarded-For" in request.headers and is_loopback_address(peer):
            self._look_at(peer)
        return await handler(request)

    def _look_at(self, peer: str) -> None:
        if is_trusted(self._settings, peer):
            return
        self._told = True
        log.warning("proxy_not_named", peer=peer, remedy=f"set STATION_TRUSTED_PROXIES={peer}")
        try:
            mark = mark_of(self._settings.data)
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.write_text(f"{peer}\n", encoding="ascii")
        except OSError as error:
            log.warning("mark_not_written", error=str(error))
