"""What pages of all kinds load to look like the district's: its colours and its mark."""

from __future__ import annotations

import hashlib

from aiohttp import ETag, web

from station.base.errors import NotFound
from station.base.web import station_of
from station.setup.colours import stylesheet_of

# A mark is shapes, written by us; should it be opened as a page of its own, it still runs and loads nothing.
SEALED = "default-src 'none'; frame-ancestors 'none'; sandbox"
LONG = "public, max-age=31536000, immutable"  # an address with `v` names this very content


async def send_stylesheet(request: web.Request) -> web.StreamResponse:
    """The tokens that the accent colour changes."""
    return _kept(request, stylesheet_of(station_of(request).identity.accent).encode(), "text/css")


async def send_svg(request: web.Request) -> web.StreamResponse:
    """The mark, where it is an SVG."""
    return _send_mark(request, "svg", "image/svg+xml")


async def send_png(request: web.Request) -> web.StreamResponse:
    """The mark, where it is a PNG."""
    return _send_mark(request, "png", "image/png")


def _send_mark(request: web.Request, kind: str, content_type: str) -> web.Response:
    mark = station_of(request).identity.mark
    if mark is None or mark.kind != kind:
        raise NotFound
    response = _kept(request, mark.body, content_type)
    response.headers["Content-Security-Policy"] = SEALED
    return response


def _kept(request: web.Request, body: bytes, content_type: str) -> web.Response:
    """304 to who has it already. Only an address that names the look as it is now may be kept without asking."""
    identity = station_of(request).identity
    version = request.query.get("v", "")
    is_named = bool(version) and version in (identity.look, identity.mark.digest[:12] if identity.mark else "")
    tag = ETag(hashlib.sha256(body).hexdigest()[:32])
    has_it = request.if_none_match is not None and tag in request.if_none_match
    response = web.Response(status=304) if has_it else web.Response(body=body, content_type=content_type)
    response.etag = tag
    response.headers["Cache-Control"] = LONG if is_named else "no-cache"
    return response
