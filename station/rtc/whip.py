"""WHIP (RFC 9725) in and WHEP (draft-ietf-wish-whep) out, for encoders, kiosks and players that nobody here wrote."""

from __future__ import annotations

import re
from dataclasses import dataclass

from aiohttp import web

from station.base.errors import N_, Conflict, NotFound, StationError, UnsupportedMedia
from station.base.grants import Grant, Right
from station.rtc.access import ROOMS, check_right
from station.rtc.member import Member, NoChannel
from station.rtc.negotiation import PeerConnection
from station.rtc.room import Room
from station.rtc.sdp import MAX_SDP_BYTES, Media, NoCodec, Offer, OfferTooLarge, parse_offer

SDP_TYPE = "application/sdp"
FRAGMENT_TYPE = "application/trickle-ice-sdpfrag"
_UFRAG = re.compile(r"^a=ice-ufrag:([A-Za-z0-9+/]{4,256})\s*$", re.MULTILINE)


class NothingToWatch(Conflict):
    code = "nothing-to-watch"
    message = N_("房间里还没有人发布画面")


class StaleSession(StationError):
    status = 412
    code = "stale-session"


@dataclass(frozen=True, slots=True)
class _Resource:
    """A session as its URL names it."""

    room: Room
    member: Member
    connection: PeerConnection
    name: str  # of the down connection; empty for the up one


def add_routes(app: web.Application) -> None:
    """The URLs of both protocols."""
    app.router.add_post("/whip/{room}", publish)
    app.router.add_post("/whep/{room}", watch)
    for way in ("whip", "whep"):
        app.router.add_options(f"/{way}/{{room}}", describe)
        app.router.add_patch(f"/{way}/{{room}}/{{session}}", patch)
        app.router.add_delete(f"/{way}/{{room}}/{{session}}", delete)


async def describe(_request: web.Request) -> web.Response:
    """OPTIONS: what a POST takes."""
    return web.Response(status=204, headers={"Accept-Post": SDP_TYPE, "Allow": "OPTIONS, POST"})


async def publish(request: web.Request) -> web.Response:
    """POST /whip/{room}: an offer to publish."""
    grant = check_right(request, Right.PUBLISH, request.match_info["room"])
    sdp = await _read_sdp(request, SDP_TYPE)
    offer = parse_offer(sdp)
    sources = _sources(offer)
    room = request.app[ROOMS].open(request.match_info["room"])
    member, is_new = _enter(room, grant)
    try:
        answer, _ = room.publish(member, sdp, sources)
    except StationError:
        if is_new:
            room.leave(member, "left")
        raise
    assert member.up is not None
    return _created(request, "whip", member.up, answer)


async def watch(request: web.Request) -> web.Response:
    """POST /whep/{room}: an offer to watch the first picture and sound of the room."""
    grant = check_right(request, Right.SUBSCRIBE, request.match_info["room"])
    sdp = await _read_sdp(request, SDP_TYPE)
    offer = parse_offer(sdp)
    room = request.app[ROOMS].get(request.match_info["room"])
    wanted = _first_tracks(room, offer, grant.person) if room is not None else {}
    if room is None or not wanted:
        raise NothingToWatch
    member, is_new = _enter(room, grant)
    name = f"whep-{offer.ufrag}"
    try:
        answer = room.subscribe(member, sdp, wanted, name)
    except StationError:
        if is_new:
            room.leave(member, "left")
        raise
    return _created(request, "whep", member.down[name], answer)


async def patch(request: web.Request) -> web.Response:
    """Trickled candidates (we need none: the peer's checks tell us its address), or an ICE restart."""
    resource = _find(request)
    fragment = await _read_sdp(request, FRAGMENT_TYPE)
    session = resource.connection.session
    expected = request.headers.get("If-Match", "*")
    if expected not in ("*", _etag(resource.connection)):
        raise StaleSession
    found = _UFRAG.search(fragment)
    if found is None or found[1] == session.remote_ufrag:
        return web.Response(status=204)
    ufrag, password = session.local_credentials(found[1])
    text = f"a=ice-lite\r\na=ice-ufrag:{ufrag}\r\na=ice-pwd:{password}\r\n"
    headers = {"ETag": _etag(resource.connection)}
    return web.Response(body=text.encode(), content_type=FRAGMENT_TYPE, headers=headers)


async def delete(request: web.Request) -> web.Response:
    """Ends the session."""
    resource = _find(request)
    room, member = resource.room, resource.member
    resource.connection.close()
    if resource.name:
        member.down.pop(resource.name, None)
    else:
        member.up = None
    if isinstance(member.channel, NoChannel) and member.up is None and not member.down:
        room.leave(member, "left")
    return web.Response()


async def _read_sdp(request: web.Request, content_type: str) -> str:
    if request.content_type != content_type:
        raise UnsupportedMedia
    if (request.content_length or 0) > MAX_SDP_BYTES:
        raise OfferTooLarge
    body = await request.content.read(MAX_SDP_BYTES + 1)
    while len(body) <= MAX_SDP_BYTES and (more := await request.content.read(MAX_SDP_BYTES)):
        body += more
    if len(body) > MAX_SDP_BYTES:
        raise OfferTooLarge
    return body.decode("utf-8", "replace")


def _enter(room: Room, grant: Grant) -> tuple[Member, bool]:
    """The member behind a request: one that came this way before keeps its seat, a page of the same person goes."""
    member = room.members.get(grant.person)
    if member is not None and isinstance(member.channel, NoChannel):
        member.grant = grant
        return member, False
    return room.join(grant, NoChannel()), True


def _sources(offer: Offer) -> dict[str, str]:
    """The first picture is the camera, the second the screen, the first sound the microphone. Raises NoCodec."""
    names = {"video": ["camera", "screen"], "audio": ["microphone"]}
    sources: dict[str, str] = {}
    for media in offer.media:
        if media.sends and names.get(media.kind):
            if not media.codecs:
                raise NoCodec
            sources[media.mid] = names[media.kind].pop(0)
    if not sources:
        raise NoCodec
    return sources


def _first_tracks(room: Room, offer: Offer, person: str) -> dict[str, str]:
    """The first track of each kind that is not the viewer's own, by m-line. Raises NoCodec if none can be shown."""
    tracks = [source.track for source in room.sources.values() if source.track.state.person != person]
    wanted: dict[str, str] = {}
    for kind in ("video", "audio"):
        track = next((track for track in tracks if track.state.kind == kind), None)
        media = next((media for media in offer.media if media.receives and media.kind == kind), None)
        if track is not None and media is not None and _takes(media, track.codec.name):
            wanted[media.mid] = track.state.id
    if tracks and not wanted:
        raise NoCodec
    return wanted


def _takes(media: Media, codec: str) -> bool:
    return any(offered.name == codec for offered in media.codecs)


def _created(request: web.Request, way: str, connection: PeerConnection, answer: str) -> web.Response:
    location = f"/{way}/{request.match_info['room']}/{connection.session.id}"
    headers = {"Location": location, "ETag": _etag(connection), "Accept-Patch": FRAGMENT_TYPE}
    return web.Response(status=201, body=answer.encode(), content_type=SDP_TYPE, headers=headers)


def _etag(connection: PeerConnection) -> str:
    return f'"{next(reversed(connection.session.ufrags))}"'


def _find(request: web.Request) -> _Resource:
    """The session of a URL, if the caller's grant is of the person it belongs to. Raises NotFound."""
    is_whip = request.path.startswith("/whip/")
    room_name = request.match_info["room"]
    grant = check_right(request, Right.PUBLISH if is_whip else Right.SUBSCRIBE, room_name)
    room = request.app[ROOMS].get(room_name)
    member = room.members.get(grant.person) if room is not None else None
    if room is None or member is None:
        raise NotFound
    candidates = {"": member.up} if is_whip else dict(member.down)
    for name, connection in candidates.items():
        if connection is not None and connection.session.id == request.match_info["session"]:
            return _Resource(room, member, connection, name)
    raise NotFound
