"""One origin for the browser: web hands signalling, WHIP/WHEP and the broadcast's files on to media and live.

On several machines nginx does this instead; here it saves the newcomer a second port and a second certificate.
"""

from __future__ import annotations

import asyncio

from aiohttp import ClientError, ClientSession, ClientTimeout, ClientWebSocketResponse, WSMsgType, web

from station.base.errors import NotFound, Unavailable
from station.base.grants import ANY_ROOM, GrantInvalid, GrantVerifier
from station.base.ids import is_safe_name
from station.base.origin import client_address, is_own_origin
from station.base.web import HTTP, station_of
from station.meeting.placement import all_nodes, find_node, place_room

MAX_BODY = 256 * 1024
MAX_SIGNAL = 200_000
HEARTBEAT_S = 8.0  # as media's own: behind a gateway, media sees only the gateway's end
_REQUEST_HEADERS = (
    "Authorization",
    "Content-Type",
    "If-Match",
    "Range",
    "If-None-Match",
    "Accept",
    "Accept-Encoding",
    "User-Agent",
)
_HOP_HEADERS = {
    "transfer-encoding",
    "connection",
    "keep-alive",
    "server",
    "date",
    "content-length",
}


async def signalling(request: web.Request) -> web.StreamResponse:
    """A media process's WebSocket, passed through message by message."""
    _check_origin(request)
    url = station_of(request).settings.media_urls.get(request.match_info["node"])
    if url is None:
        raise NotFound
    browser = web.WebSocketResponse(max_msg_size=MAX_SIGNAL, heartbeat=HEARTBEAT_S)
    try:
        media = await request.app[HTTP].ws_connect(url + "/media/ws", max_msg_size=MAX_SIGNAL)
    except (ClientError, TimeoutError, OSError) as error:
        raise Unavailable from error
    async with media:
        await browser.prepare(request)
        pumps = [asyncio.create_task(_pump(browser, media)), asyncio.create_task(_pump(media, browser))]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            await browser.close(code=media.close_code or 1001)
    return browser


def _check_origin(request: web.Request) -> None:
    # A WebSocket is not bound by CORS: another site's page must not speak through this visitor's browser.
    if not is_own_origin(request):
        raise NotFound


Socket = web.WebSocketResponse | ClientWebSocketResponse


async def _pump(source: Socket, target: Socket) -> None:
    async for message in source:
        if message.type is not WSMsgType.TEXT:
            return
        await target.send_str(message.data)


async def whip_whep(request: web.Request) -> web.StreamResponse:
    """WHIP (RFC 9725) and WHEP resources, at the media process that holds the room."""
    station, room = station_of(request), request.match_info["room"]
    if request.method == "POST" and _opens(request, room):
        node = await place_room(station, room)
    else:  # media itself says what is wrong; a stranger's word must not place a room
        node = await find_node(station, room) or all_nodes(station)[0]
    return await _forward(request, node.url + request.rel_url.raw_path)


def _opens(request: web.Request, room: str) -> bool:
    """Whether the request carries a grant for that room."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    try:
        grant = GrantVerifier.load(station_of(request).settings.keys).verify(token.strip())
    except GrantInvalid:
        return False
    return scheme.lower() == "bearer" and is_safe_name(room) and grant.room in (room, ANY_ROOM)


async def broadcast_file(request: web.Request) -> web.StreamResponse:
    """Playlists, segments and parts of the live role; a blocking playlist waits here without costing a thread."""
    if not is_safe_name(request.match_info["broadcast"]):
        raise NotFound
    return await _forward(request, station_of(request).settings.live_url + request.rel_url.raw_path_qs)


async def _forward(request: web.Request, url: str) -> web.StreamResponse:
    session: ClientSession = request.app[HTTP]
    if (request.content_length or 0) > MAX_BODY:
        raise web.HTTPRequestEntityTooLarge(MAX_BODY, request.content_length or 0)
    body = await request.read() if request.body_exists else None
    headers = {name: request.headers[name] for name in _REQUEST_HEADERS if name in request.headers}
    headers["X-Forwarded-For"] = client_address(request)
    headers.setdefault("Accept-Encoding", "identity")  # bodies pass as they are: packed only if the browser asked
    timeout = ClientTimeout(total=60, sock_connect=5)
    try:
        async with session.request(
            request.method, url, data=body, headers=headers, timeout=timeout, allow_redirects=False
        ) as answer:
            kept = {k: v for k, v in answer.headers.items() if k.lower() not in _HOP_HEADERS}
            response = web.StreamResponse(status=answer.status, headers=kept)
            if answer.content_length is not None:
                response.content_length = answer.content_length
            await response.prepare(request)
            async for chunk in answer.content.iter_chunked(64 * 1024):
                await response.write(chunk)
            await response.write_eof()
            return response
    except (ClientError, TimeoutError, OSError) as error:
        if isinstance(error, ConnectionResetError):
            raise
        raise Unavailable from error
