"""How web starts, steers and ends broadcasts: `/control/broadcasts/{id}`, with a service grant as Bearer token."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from station.base.errors import BadInput
from station.base.grants import GrantInvalid, GrantVerifier
from station.live.origin.access import VERIFIER, check_service, is_service_grant
from station.live.origin.broadcast import Broadcast, now_ms
from station.live.origin.origin import REGISTRY

MAX_BODY = 16 * 1024


class SourceRequest(msgspec.Struct, frozen=True):
    """Body of PUT: whose video and audio, and the service grant to fetch them with for as long as it lasts."""

    room: str
    person: str
    grant: str


class AccessRequest(msgspec.Struct, frozen=True):
    """Body of PUT …/access: whether the recording is public, and the people whom it may not show."""

    public: bool
    hidden: list[str]


async def put_broadcast(request: web.Request) -> web.Response:
    """Start a broadcast, change its source, or renew its grant."""
    check_service(request)
    try:
        wanted = msgspec.json.decode(await request.read(), type=SourceRequest)
    except msgspec.MsgspecError as error:
        raise BadInput from error
    if not is_service_grant(request.app[VERIFIER], wanted.grant):
        raise BadInput(fields={"grant": GrantInvalid.message})
    broadcast = await request.app[REGISTRY].put(_name(request), wanted.room, wanted.person, wanted.grant)
    return web.json_response(describe(broadcast, request.app[VERIFIER]))


async def list_broadcasts(request: web.Request) -> web.Response:
    """What is on air, and for how many seconds."""
    check_service(request)
    now = now_ms()
    on_air = request.app[REGISTRY].on_air
    found = [{"id": b.programme.id, "age_s": (now - b.programme.started_at_ms) / 1000} for b in on_air]
    return web.json_response({"broadcasts": found})


async def put_access(request: web.Request) -> web.Response:
    """Publish or recall a recording, and hide people in it. Idempotent; takes effect with the next request."""
    check_service(request)
    try:
        wanted = msgspec.json.decode(await request.read(), type=AccessRequest)
    except msgspec.MsgspecError as error:
        raise BadInput from error
    broadcast = await request.app[REGISTRY].set_access(_name(request), wanted.public, wanted.hidden)
    return web.json_response(describe(broadcast, request.app[VERIFIER]))


async def get_broadcast(request: web.Request) -> web.Response:
    """State, duration, viewers."""
    check_service(request)
    broadcast = await request.app[REGISTRY].get(_name(request))
    return web.json_response(describe(broadcast, request.app[VERIFIER]))


async def delete_broadcast(request: web.Request) -> web.Response:
    """End a broadcast; its recording stays. Idempotent."""
    check_service(request)
    broadcast = await request.app[REGISTRY].end(_name(request))
    return web.json_response(describe(broadcast, request.app[VERIFIER]))


def describe(broadcast: Broadcast, verifier: GrantVerifier) -> dict[str, Any]:
    """What web may know of a broadcast. The grant itself never leaves."""
    programme, playlist = broadcast.programme, broadcast.cache.playlist
    init = programme.inits[-1] if programme.inits else None
    grant = "none" if broadcast.ended else "valid" if is_service_grant(verifier, programme.grant) else "expired"
    return {
        "id": programme.id,
        "room": programme.room,
        "person": programme.person,
        "state": broadcast.state,
        "grant": grant,
        "public": broadcast.is_public,
        "hidden": programme.hidden,
        "alarm": broadcast.alarm,
        "duration_s": round(playlist.duration_s, 3),
        "segments": playlist.closed,
        "ready": playlist.closed > 0,
        "viewers": broadcast.viewers.now(),
        "peak_viewers": broadcast.viewers.peak,
        "started_at_ms": programme.started_at_ms,
        "ended_at_ms": programme.ended_at_ms or None,
        "codecs": init.codecs if init else None,
        "width": init.width if init else None,
        "height": init.height if init else None,
    }


def _name(request: web.Request) -> str:
    return request.match_info["broadcast"]
