"""WHIP (RFC 9725) in and WHEP (draft-ietf-wish-whep) out, for encoders, kiosks and players that nobody here wrote."""

from __future__ import annotations

import asyncio
import contextlib
import re
from dataclasses import dataclass

from aiohttp import web

from station.base.errors import N_, Conflict, NotFound, StationError, UnsupportedMedia
from station.base.grants import Grant, Right
from station.rtc.formats.fragment import parse_fragment, write_fragment
from station.rtc.formats.sdp import MAX_SDP_BYTES, Media, NoCodec, Offer, OfferTooLarge, parse_offer, video_codecs
from station.rtc.forwarding.published import PublishedTrack
from station.rtc.http.access import ROOMS, TURN, bearer, check_right
from station.rtc.http.turn import link_header
from station.rtc.rooms.member import Member, NoChannel
from station.rtc.rooms.negotiation import AnyConnection
from station.rtc.rooms.room import Room

SDP_TYPE = "application/sdp"
FRAGMENT_TYPE = "application/trickle-ice-sdpfrag"
MAX_FRAGMENT_BYTES = 32_000
CODEC_WITHIN_S = 5.0  # a publisher's page makes another offer within a second
_MSID = re.compile(r"(msid:)\S+ ")
# Pages of other sites may speak both protocols: what lets them in is the grant, never a cookie.
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "OPTIONS, GET, POST, PATCH, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match, ETag",
    "Access-Control-Expose-Headers": "Location, Link, ETag, Accept-Patch, Retry-After",
    "Access-Control-Max-Age": "86400",
}


class NothingToWatch(Conflict):
    code = "nothing-to-watch"
    message = N_("房间里还没有人发布画面")
    retry_after_s = 2


class CodecPending(Conflict):
    code = "codec-pending"
    message = N_("画面正在换成您能放的编码，请过几秒再试")
    retry_after_s = 2


class TooManyTracks(StationError):
    status = 422
    code = "too-many-tracks"
    message = N_("“%(mid)s”（%(kind)s）收不下：一个人最多两路画面、一路声音")


class TrackNotTaken(NoCodec):
    message = N_("“%(mid)s”（%(kind)s）的编码收不了：画面要 H.264 或 VP8，声音要 Opus")


class TrackNotShown(NoCodec):
    message = N_("“%(mid)s”（%(kind)s）：房间里发的是 %(codec)s，播放器没有说能放它")


class StaleSession(StationError):
    status = 412
    code = "stale-session"


class NoPrecondition(StationError):
    status = 428
    code = "no-precondition"


@dataclass(frozen=True, slots=True)
class _Resource:
    """A session as its URL names it."""

    room: Room
    member: Member
    connection: AnyConnection
    name: str  # of the down connection; empty for the up one


def add_routes(app: web.Application) -> None:
    """The URLs of both protocols."""
    app.on_response_prepare.append(_let_others_read)
    app.router.add_post("/whip/{room}", publish)
    app.router.add_post("/whep/{room}", watch)
    for way in ("whip", "whep"):
        for path in (f"/{way}/{{room}}", f"/{way}/{{room}}/{{session}}"):
            app.router.add_options(path, describe)
            app.router.add_get(path, look)
        app.router.add_patch(f"/{way}/{{room}}/{{session}}", patch)
        app.router.add_delete(f"/{way}/{{room}}/{{session}}", delete)


async def _let_others_read(request: web.Request, response: web.StreamResponse) -> None:
    if request.path.startswith(("/whip/", "/whep/")):
        response.headers.update(_CORS)


async def describe(request: web.Request) -> web.Response:
    """OPTIONS: what is taken here; with a grant, also the TURN servers (some clients ask before they offer)."""
    is_session = "session" in request.match_info
    headers = {"Accept-Patch": FRAGMENT_TYPE} if is_session else {"Accept-Post": SDP_TYPE}
    headers["Allow"] = "OPTIONS, GET, PATCH, DELETE" if is_session else "OPTIONS, GET, POST"
    with contextlib.suppress(StationError):  # a browser's preflight has no grant; what opens no room gets no relay
        grant = bearer(request)
        request.app[ROOMS].revocations.check(grant)
        headers |= _ice_servers(request, grant)
    return web.Response(headers=headers)


async def look(_request: web.Request) -> web.Response:
    """GET: there is nothing to see (RFC 9725 section 4.1)."""
    return web.Response(status=204)


async def publish(request: web.Request) -> web.Response:
    """POST /whip/{room}: an offer to publish."""
    grant = check_right(request, Right.PUBLISH, request.match_info["room"])
    sdp = await _read_sdp(request, SDP_TYPE, MAX_SDP_BYTES)
    offer = parse_offer(sdp)
    sources = _sources(offer)
    room, member, is_new = request.app[ROOMS].enter(grant, request.match_info["room"])
    if member.up is not None and member.up.is_same_peer(offer):
        # An encoder with a certificate of its own that begins anew: each POST is a session, with a handshake.
        member.up.close("replaced")
        member.up = None
    try:
        answer, _ = room.publish(member, sdp, sources)
    except StationError:
        if is_new:
            room.leave(member, "left")
        raise
    assert member.up is not None
    return _created(request, "whip", member.up, answer)


async def watch(request: web.Request) -> web.Response:
    """POST /whep/{room}: an offer to subscribe to the first video and audio track of the room."""
    grant = check_right(request, Right.SUBSCRIBE, request.match_info["room"])
    sdp = await _read_sdp(request, SDP_TYPE, MAX_SDP_BYTES)
    offer = parse_offer(sdp)
    room = request.app[ROOMS].get(request.match_info["room"])
    if room is None or not _first_tracks(room, offer, grant.person):
        raise NothingToWatch
    room, member, is_new = request.app[ROOMS].enter(grant, room.name)
    name = f"whep-{offer.ufrag}"
    try:
        wanted = await _playable_tracks(room, member, offer, name)
        answer = room.subscribe(member, sdp, wanted, name)
    except (StationError, asyncio.CancelledError):
        member.forget_decoder(name)
        if is_new:
            room.leave(member, "left")
        raise
    one_stream = _MSID.sub(r"\1whep ", answer)  # players look at one stream only, and the draft demands it
    return _created(request, "whep", member.down[name], one_stream)


async def patch(request: web.Request) -> web.Response:
    """Trickled candidates (we need none: the peer's checks tell us its address), or an ICE restart."""
    connection = _find(request).connection
    text = await _read_sdp(request, FRAGMENT_TYPE, MAX_FRAGMENT_BYTES)
    expected = request.headers.get("If-Match")
    if expected is None:
        raise NoPrecondition
    # The RFC's own example writes the star in quotes.
    if expected not in ("*", '"*"') and _etag(connection) not in [tag.strip() for tag in expected.split(",")]:
        raise StaleSession
    fragment = parse_fragment(text)
    if fragment.ufrag == connection.session.remote_ufrag:
        return web.Response(status=204)
    ours = connection.transport(fragment.ufrag)
    body = write_fragment(fragment, ours.ufrag, ours.password, ours.candidates)
    return web.Response(body=body.encode(), content_type=FRAGMENT_TYPE, headers={"ETag": _etag(connection)})


async def delete(request: web.Request) -> web.Response:
    """Ends the session."""
    resource = _find(request)
    room, member = resource.room, resource.member
    resource.connection.close()
    if resource.name:
        member.drop_connection(resource.connection)
    else:
        member.up = None
    if isinstance(member.channel, NoChannel) and member.up is None and not member.down:
        room.leave(member, "left")
    return web.Response()


async def _read_sdp(request: web.Request, content_type: str, most_bytes: int) -> str:
    if request.content_type != content_type:
        raise UnsupportedMedia
    if (request.content_length or 0) > most_bytes:
        raise OfferTooLarge
    body = b""
    while len(body) <= most_bytes and (more := await request.content.read(most_bytes + 1)):
        body += more
    if len(body) > most_bytes:
        raise OfferTooLarge
    return body.decode("utf-8", "replace")


def _sources(offer: Offer) -> dict[str, str]:
    """The first video m-line is the camera, the second the screen, the first audio m-line the microphone.

    Raises NoCodec, TrackNotTaken, TooManyTracks: an answer that takes only a part would mislead (RFC 9725, 4.4.3).
    """
    names = {"video": ["camera", "screen"], "audio": ["microphone"]}
    sources: dict[str, str] = {}
    for media in offer.media:
        if media.sends and media.kind in names:
            if not media.codecs:
                raise TrackNotTaken(mid=media.mid, kind=media.kind)
            if not names[media.kind]:
                raise TooManyTracks(mid=media.mid, kind=media.kind)
            sources[media.mid] = names[media.kind].pop(0)
    if not sources:
        raise NoCodec
    return sources


async def _playable_tracks(room: Room, member: Member, offer: Offer, name: str) -> dict[str, str]:
    """What to watch by m-line, once its publisher sends it in a codec that the player takes.

    Raises TrackNotShown when the publisher cannot, CodecPending when it does not within five seconds.
    """
    room.note_decoder(member, name, video_codecs(offer))
    changed = asyncio.Event()
    room.listeners.append(changed.set)
    try:
        async with asyncio.timeout(CODEC_WITHIN_S):
            while True:
                wanted = _first_tracks(room, offer, member.person)
                refused = next((pair for pair in wanted if not _takes(*pair)), None)
                if refused is None:
                    return {media.mid: track.state.id for media, track in wanted}
                _check_can_change(*refused)
                changed.clear()
                await changed.wait()
                if room.closed or room.members.get(member.person) is not member:
                    raise NotFound  # put out, or replaced, meanwhile
    except TimeoutError as error:
        raise CodecPending from error
    finally:
        room.listeners.remove(changed.set)


def _first_tracks(room: Room, offer: Offer, person: str) -> list[tuple[Media, PublishedTrack]]:
    """A track of each kind that is not the subscriber's own, and the m-line for it: of one person if it can be."""
    tracks = [source.track for source in room.sources.values() if source.track.state.person != person]
    shown = next((track.state.person for track in tracks if track.state.kind == "video"), None)
    tracks.sort(key=lambda track: track.state.person != shown)
    found: list[tuple[Media, PublishedTrack]] = []
    for kind in ("video", "audio"):
        track = next((track for track in tracks if track.state.kind == kind), None)
        media = next((media for media in offer.media if media.receives and media.kind == kind), None)
        if track is not None and media is not None:
            found.append((media, track))
    return found


def _takes(media: Media, track: PublishedTrack) -> bool:
    return track.codec.name in media.codec_names


def _check_can_change(media: Media, track: PublishedTrack) -> None:
    if not set(media.codec_names).intersection(track.state.codecs):
        raise TrackNotShown(mid=media.mid, kind=media.kind, codec=track.codec.name.upper())


def _created(request: web.Request, way: str, connection: AnyConnection, answer: str) -> web.Response:
    location = f"/{way}/{request.match_info['room']}/{connection.session.id}"
    headers = {"Location": location, "ETag": _etag(connection), "Accept-Patch": FRAGMENT_TYPE}
    headers |= _ice_servers(request, bearer(request))
    return web.Response(status=201, body=answer.encode(), content_type=SDP_TYPE, headers=headers)


def _ice_servers(request: web.Request, grant: Grant) -> dict[str, str]:
    servers = request.app[TURN].servers_for(grant.person)
    return {"Link": link_header(servers)} if servers else {}


def _etag(connection: AnyConnection) -> str:
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
