"""Watching: what is on air and what was, for everybody without signing in."""

from __future__ import annotations

from aiohttp import web

from station.base.web import answer_json, render, station_of
from station.live.web import service
from station.live.web.model import OnAir


async def list_live(request: web.Request) -> web.StreamResponse:
    """What is on air now, and the recordings that are public."""
    found = await service.list_public_broadcasts(station_of(request))
    on_air = [b for b in found if b.live]
    return render(request, "live/list.html", on_air=on_air, ended=[b for b in found if not b.live])


async def show_live(request: web.Request) -> web.StreamResponse:
    """The player; afterwards the same page shows the recording, once that has been reviewed and published."""
    station = station_of(request)
    broadcast = await service.get_broadcast(station, request.match_info["broadcast"])
    if not broadcast.public:
        return render(request, "live/closed.html", 404, broadcast=broadcast)
    going = await service.get_status(station, broadcast.id)
    return render(request, "live/show.html", broadcast=broadcast, going=going)


async def show_status(request: web.Request) -> web.StreamResponse:
    """For the page's script: on air or over, how long, how many are watching."""
    station = station_of(request)
    broadcast = await service.get_broadcast(station, request.match_info["broadcast"])
    status = await service.get_status(station, broadcast.id) if broadcast.public else None
    return answer_json(
        {
            "live": broadcast.state is OnAir.LIVE,
            "public": broadcast.public,
            "state": status.state if status else None,
            "source": broadcast.source_name if broadcast.public else "",
            "duration_s": status.duration_s if status else None,
            "viewers": status.viewers if status else None,
        }
    )
