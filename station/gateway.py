"""One origin for the browser: web hands signalling, WHIP/WHEP and the broadcast's files on to media and live.

On several machines nginx does this instead; here it saves the newcomer a second port and a second certificate.
"""

from __future__ import annotations

import asyncio
import re
from urllib.parse import urlencode

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout, ClientWebSocketResponse, WSCloseCode, WSMsgType, web

from station.archive.publishing import get_reviewed_broadcast
from station.base.errors import BadInput, NotFound, StationError, Unavailable
from station.base.grants import ANY_ROOM, GrantInvalid, GrantVerifier, bearer_token
from station.base.ids import is_safe_name
from station.base.limits import ConcurrencyLimit
from station.base.origin import client_address, counted_address, is_own_origin
from station.base.web import HTTP, as_json, principal_of, station_of
from station.nodes.placement import all_nodes, find_node, place_room

MAX_BODY = 256 * 1024
MAX_SIGNAL = 200_000
HEARTBEAT_S = 8.0  # as media's own: behind a gateway, media sees only the gateway's end
JOIN_WITHIN_S = 10.0
MAX_UNJOINED = 50  # of one address: a whole hall may come at once, as pages join the moment their socket is open
_SESSION = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_LIVE_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*\Z")
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
    """A media process's WebSocket, passed through message by message once the page has shown its grant.

    Until then nothing is opened behind us, and one address may hold only so many open.
    """
    _check_origin(request)
    url = station_of(request).settings.media_urls.get(request.match_info["node"])
    if url is None:
        raise NotFound
    browser = web.WebSocketResponse(max_msg_size=MAX_SIGNAL, heartbeat=HEARTBEAT_S)
    with request.app[UNJOINED].count(counted_address(request)):
        await browser.prepare(request)
        join = await _read_join(browser, station_of(request).signer.verifier)
    if join is not None:
        await _pass_on(request.app[HTTP], browser, url + "/media/ws", join)
    await browser.close()
    return browser


def _check_origin(request: web.Request) -> None:
    # A WebSocket is not bound by CORS: another site's page must not speak through this visitor's browser.
    if not is_own_origin(request):
        raise NotFound


UNJOINED = web.AppKey("unjoined", ConcurrencyLimit)  # WebSockets that have not shown a grant yet, by address


class _Join(msgspec.Struct, tag_field="type", tag="join"):
    """The first message of a page, as far as it matters here."""

    id: str
    grant: str


async def _read_join(browser: web.WebSocketResponse, verifier: GrantVerifier) -> str | None:
    """The message by which a page joins, if its grant is good; media checks all the rest of it."""
    try:
        first = await browser.receive(timeout=JOIN_WITHIN_S)
    except TimeoutError:
        return None
    if first.type is not WSMsgType.TEXT:
        return None
    text, re = str(first.data), ""
    try:
        join = msgspec.json.decode(text, type=_Join)
        re = join.id
        verifier.verify(join.grant)
    except (GrantInvalid, msgspec.DecodeError) as error:
        fault = error if isinstance(error, StationError) else BadInput()
        await browser.send_str(as_json({"type": "failed", "re": re, "code": fault.code, "message": str(fault)}))
        return None
    return text


async def _pass_on(http: ClientSession, browser: web.WebSocketResponse, url: str, join: str) -> None:
    try:
        media = await http.ws_connect(url, max_msg_size=MAX_SIGNAL)
    except (ClientError, TimeoutError, OSError):
        await browser.close(code=WSCloseCode.TRY_AGAIN_LATER)
        return
    async with media:
        await media.send_str(join)
        pumps = [asyncio.create_task(_pump(browser, media)), asyncio.create_task(_pump(media, browser))]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            await browser.close(code=media.close_code or WSCloseCode.GOING_AWAY)


Socket = web.WebSocketResponse | ClientWebSocketResponse


async def _pump(source: Socket, target: Socket) -> None:
    async for message in source:
        if message.type is not WSMsgType.TEXT:
            return
        await target.send_str(message.data)


async def whip_whep(request: web.Request) -> web.StreamResponse:
    """WHIP (RFC 9725) and WHEP resources, at the media process that holds the room."""
    station, path = station_of(request), _resource_path(request)
    room = request.match_info["room"]
    if request.method == "POST" and _opens(request, room):
        node = await place_room(station, room)
    else:  # media itself says what is wrong; a stranger's word must not place a room
        node = await find_node(station, room) or all_nodes(station)[0]
    return await _forward(request, node.url + path)


def _resource_path(request: web.Request) -> str:
    """The path of a WHIP or WHEP resource behind us, built from checked parts only. Raises NotFound."""
    way = "whip" if request.path.startswith("/whip/") else "whep"
    room, session = request.match_info["room"], request.match_info.get("session", "")
    if not is_safe_name(room) or (session and not _SESSION.match(session)):
        raise NotFound
    return f"/{way}/{room}/{session}" if session else f"/{way}/{room}"


def _opens(request: web.Request, room: str) -> bool:
    """Whether the request carries a grant for that room."""
    try:
        token = bearer_token(request.headers.get("Authorization", ""))
        grant = station_of(request).signer.verifier.verify(token)
    except GrantInvalid:
        return False
    return grant.room in (room, ANY_ROOM)


async def broadcast_file(request: web.Request) -> web.StreamResponse:
    """Playlists, segments and parts of the live role; a blocking playlist waits here without costing a thread."""
    return await _forward(request, _live_url(request))


async def review_file(request: web.Request) -> web.StreamResponse:
    """The same files of a recording that is not public, for those who review it: web vouches for them to live."""
    station, url = station_of(request), _live_url(request)
    await get_reviewed_broadcast(station, principal_of(request), request.match_info["broadcast"])
    return await _forward(request, url, station.signer.service_headers())


def _live_url(request: web.Request) -> str:
    broadcast, file = request.match_info["broadcast"], request.match_info["file"]
    if not is_safe_name(broadcast) or not _LIVE_FILE.match(file):
        raise NotFound
    query = urlencode(list(request.query.items()))
    url = f"{station_of(request).settings.live_url}/live/{broadcast}/{file}"
    return f"{url}?{query}" if query else url


async def _forward(request: web.Request, url: str, own: dict[str, str] | None = None) -> web.StreamResponse:
    session: ClientSession = request.app[HTTP]
    if (request.content_length or 0) > MAX_BODY:
        raise web.HTTPRequestEntityTooLarge(MAX_BODY, request.content_length or 0)
    body = await request.read() if request.body_exists else None
    headers = {name: request.headers[name] for name in _REQUEST_HEADERS if name in request.headers}
    headers.update({"X-Forwarded-For": client_address(request), **(own or {})})
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
