"""What viewers fetch: playlists that wait for the next part (RFC 8216bis, 6.2.5), parts, segments, init segments."""

from __future__ import annotations

import re

from aiohttp import web

from station.base.errors import N_, NotFound, StationError, Unavailable
from station.base.problems import problem
from station.live.origin.access import is_service
from station.live.origin.broadcast import Broadcast
from station.live.origin.registry import NoSuchBroadcast, Registry
from station.live.packaging.playlist import init_name, segment_name
from station.live.viewing.requests import takes_gzip

REGISTRY = web.AppKey("registry", Registry)
PLAYLIST = "application/vnd.apple.mpegurl"
_NUMBER = r"(0|[1-9][0-9]{0,7})"
_SEGMENT = re.compile(rf"s{_NUMBER}\.mp4")
_PART = re.compile(rf"s{_NUMBER}\.p{_NUMBER}\.mp4")
_INIT = re.compile(r"init([1-9][0-9]{0,5})?\.mp4")
_DIRECTIVE = re.compile(_NUMBER)
# Anybody's page may play a public broadcast (docs/decisions/players-on-other-sites.md); no cookie is asked for.
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "Range",
    "Access-Control-Expose-Headers": "Content-Length, Content-Range, Date",
    "Access-Control-Max-Age": "86400",
}
# A recall must reach the caches: what they hold is asked for anew after a few seconds, and never handed on stale.
SHARED = "public, max-age=5, must-revalidate"
BLOCKING = "public, max-age=1, must-revalidate"
_REVIEW = "private, no-store"


class BadDirective(StationError):
    """A delivery directive that 6.2.5.2 answers with 400."""

    code = "bad-directive"
    message = N_("播放器要的直播片段编号不对，请刷新页面")


class NothingNew(Unavailable):
    """Three target durations without news: the player asks again."""

    code = "nothing-new"
    message = N_("直播画面还没有新内容，请稍等再试")
    retry_after_s = 1


async def serve_file(request: web.Request) -> web.StreamResponse:
    """`GET /live/{broadcast}/{file}`: everything a player asks for; 404 for any other name."""
    name = request.match_info["file"]
    try:
        broadcast = await request.app[REGISTRY].get(request.match_info["broadcast"])
    except NoSuchBroadcast:
        return _missing()
    if broadcast.is_public:
        return await _serve(request, broadcast, name)
    if not is_service(request):
        return _missing()
    answer = await _serve(request, broadcast, name)  # to somebody who reviews it
    answer.headers["Cache-Control"] = _REVIEW
    return answer


async def _serve(request: web.Request, broadcast: Broadcast, name: str) -> web.StreamResponse:
    if name == "main.m3u8":
        return await _media_playlist(request, broadcast)
    if name == "index.m3u8":
        return await _multivariant(broadcast)
    if match := _PART.fullmatch(name):
        return await _part(broadcast, int(match[1]), int(match[2]))
    return _stored_file(broadcast, name)


async def allow_players(_request: web.Request) -> web.Response:
    """`OPTIONS /live/{broadcast}/{file}`: what a player on another site may ask for."""
    return web.Response(status=204, headers={"Allow": "GET, HEAD, OPTIONS"})


async def add_cors(request: web.Request, response: web.StreamResponse) -> None:
    """Signal handler (`on_response_prepare`): errors too are readable elsewhere, else they look like no network."""
    if request.path.startswith("/live/"):
        for name, value in CORS.items():
            response.headers.setdefault(name, value)


def _stored_file(broadcast: Broadcast, name: str) -> web.StreamResponse:
    if match := _SEGMENT.fullmatch(name):
        return _segment(broadcast, int(match[1]))
    if match := _INIT.fullmatch(name):
        return _init(broadcast, int(match[1] or 0))
    return _missing()


async def _multivariant(broadcast: Broadcast) -> web.Response:
    if not await _begun(broadcast):
        return _not_yet()
    cache = SHARED if broadcast.ended else "no-cache"
    body = broadcast.multivariant().encode()
    return web.Response(body=body, content_type=PLAYLIST, headers={"Cache-Control": cache})


async def _media_playlist(request: web.Request, broadcast: Broadcast) -> web.Response:
    cache, query = broadcast.cache, request.query
    try:
        wanted = _directives(query.get("_HLS_msn"), query.get("_HLS_part"))
    except ValueError:
        return problem(BadDirective())
    if not broadcast.ended:
        broadcast.viewers.saw(_address(request), request.headers.get("User-Agent", ""))
    if not await _begun(broadcast):
        return _not_yet()
    if wanted:
        segment, part = wanted
        playlist = cache.playlist
        if playlist.too_far_ahead(segment, part):
            return problem(BadDirective())
        if not await cache.wait_until(lambda: playlist.has(segment, part), playlist.block_limit_s):
            return _not_yet()
    packed = takes_gzip(request.headers.get("Accept-Encoding", ""))
    body, is_packed = cache.body(query.get("_HLS_skip") in ("YES", "v2"), packed)
    headers = {"Cache-Control": playlist_cache(broadcast, wanted is not None), "Vary": "Accept-Encoding"}
    if is_packed:
        headers["Content-Encoding"] = "gzip"
    return web.Response(body=body, content_type=PLAYLIST, headers=headers)


def playlist_cache(broadcast: Broadcast, blocking: bool) -> str:
    """What caches may do with a media playlist."""
    if not broadcast.is_public:
        return "no-store"  # it ended while they waited: the end mark is for them alone
    if broadcast.ended:
        return SHARED
    return BLOCKING if blocking else "no-cache"


def _directives(segment: str | None, part: str | None) -> tuple[int, int | None] | None:
    """The delivery directives of 6.2.5.1. Raises ValueError if they are not numbers or a part has no segment."""
    if segment is None and part is None:
        return None
    if segment is None or not _DIRECTIVE.fullmatch(segment):
        raise ValueError("_HLS_msn")
    if part is not None and not _DIRECTIVE.fullmatch(part):
        raise ValueError("_HLS_part")
    return int(segment), None if part is None else int(part)


async def _begun(broadcast: Broadcast) -> bool:
    # A playlist without a single whole segment is an error to some players, so the first viewers wait for it.
    playlist = broadcast.cache.playlist
    if broadcast.ended:
        return bool(playlist.segments)
    return await broadcast.cache.wait_until(lambda: playlist.closed > 0, playlist.block_limit_s)


async def _part(broadcast: Broadcast, segment: int, index: int) -> web.Response:
    cache, wanted = broadcast.cache, (segment, index)
    playlist = cache.playlist
    hinted = wanted == playlist.next_part and not broadcast.ended
    # If its segment closes without the hinted part, it is settled, the part is not there, and that is a 404.
    if hinted and not await cache.wait_until(lambda: playlist.is_settled(*wanted), playlist.block_limit_s):
        return _not_yet()
    data = cache.parts.get(wanted)
    if data is None or broadcast.is_hidden(segment):
        return _missing()
    return web.Response(body=data, content_type="video/mp4", headers={"Cache-Control": SHARED})


def _segment(broadcast: Broadcast, number: int) -> web.StreamResponse:
    if number >= broadcast.cache.playlist.closed or broadcast.is_hidden(number):
        return _missing()
    path = broadcast.folder.folder / segment_name(number)
    if path.exists():
        return web.FileResponse(path, headers={"Cache-Control": SHARED, "Content-Type": "video/mp4"})
    data = broadcast.cache.segment_from_parts(number)
    if not data:
        return _missing()
    return web.Response(body=data, content_type="video/mp4", headers={"Cache-Control": SHARED})


def _init(broadcast: Broadcast, number: int) -> web.StreamResponse:
    data = broadcast.cache.inits.get(number)
    if data is not None:
        return web.Response(body=data, content_type="video/mp4", headers={"Cache-Control": SHARED})
    path = broadcast.folder.folder / init_name(number)
    if not path.exists():
        return _missing()
    return web.FileResponse(path, headers={"Cache-Control": SHARED, "Content-Type": "video/mp4"})


def _address(request: web.Request) -> str:
    # Only web and nginx on this machine reach this port; the nearest of them adds the client's address last.
    forwarded = request.headers.get("X-Forwarded-For", "")
    return forwarded.rpartition(",")[2].strip() or (request.remote or "")


def _missing() -> web.Response:
    return problem(NotFound())


def _not_yet() -> web.Response:
    return problem(NothingNew())
