"""Ways in: the code on a deputy's poster, the poster itself, and the list of stations."""

from __future__ import annotations

import io

import segno
from aiohttp import web

from station.base.origin import public_origin
from station.base.web import render, see_other, station_of
from station.directory.service import deputy_of_code, get_deputy, station_tree


async def follow_code(request: web.Request) -> web.StreamResponse:
    """From a QR code to the deputy's times."""
    deputy = await deputy_of_code(station_of(request), request.match_info["code"])
    return see_other(f"/deputies/{deputy.id}")


async def show_qr(request: web.Request) -> web.StreamResponse:
    """The deputy's QR code (ISO/IEC 18004) as SVG; error correction M stands a scratch on a poster."""
    deputy = await get_deputy(station_of(request), request.match_info["deputy"])
    target = io.BytesIO()
    code = segno.make(str(public_origin(request) / "d" / deputy.code), error="m", micro=False)
    code.save(target, kind="svg", scale=8, border=4, title=deputy.name, dark="#000", light="#fff")
    return web.Response(body=target.getvalue(), content_type="image/svg+xml")


async def show_poster(request: web.Request) -> web.StreamResponse:
    """A page to print and hang up: name, constituency, code."""
    deputy = await get_deputy(station_of(request), request.match_info["deputy"])
    address = f"{public_origin(request).host_port_subcomponent}/d/{deputy.code}"
    return render(request, "directory/poster.html", deputy=deputy, address=address)


async def list_stations(request: web.Request) -> web.StreamResponse:
    """The stations in their three tiers, with address and telephone."""
    return render(request, "directory/stations.html", tree=await station_tree(station_of(request)))
