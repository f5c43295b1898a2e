"""What other packages bring to the home page: the hearing that is on air now."""

from __future__ import annotations

from aiohttp import web

from station.base.web import station_of
from station.booking.find_pages import HomeBlock
from station.live.web.model import OnAir
from station.live.web.service import list_broadcasts


async def live_card(request: web.Request) -> HomeBlock | None:
    """A card for the newest broadcast; nothing while none is on air."""
    on_air = await list_broadcasts(station_of(request), OnAir.LIVE)
    return HomeBlock("live/_home.html", {"broadcast": on_air[0]}) if on_air else None
