"""Media's control interface on loopback, for web and live: rooms, recording, members, journal, frames."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import msgspec
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from station.base.errors import BadInput, NotFound, Unavailable
from station.base.grants import Right
from station.rtc.forwarding.published import PublishedTrack
from station.rtc.http.access import ROOMS, check_right
from station.rtc.insight.insight_log import InsightLog, unpack
from station.rtc.insight.metrics import MediaMetrics
from station.rtc.rooms import messages
from station.rtc.rooms.frame_feed import FrameFeed
from station.rtc.rooms.recording import ACTIONS
from station.rtc.rooms.room import Room
from station.rtc.rooms.rooms import HELD_S
from station.rtc.transport.port import MediaPort

PORT = web.AppKey("port", MediaPort)
METRICS = web.AppKey("metrics", MediaMetrics)
INSIGHTS = web.AppKey("insights", InsightLog)
MAX_SEQUENCE = 2**62  # who asks for what comes after it wants the journal's id only
MAX_WAIT_S = 30.0
MAX_BODY = 128 * 1024
_FEED_TYPE = "application/octet-stream"


def add_routes(app: web.Application) -> None:
    """The URLs of the control interface."""
    app.router.add_get("/control/rooms", list_rooms)
    app.router.add_get("/control/rooms/{room}", get_room)
    app.router.add_put("/control/rooms/{room}", put_room)
    app.router.add_post("/control/rooms/{room}/release", release_room)
    app.router.add_delete("/control/rooms/{room}", delete_room)
    app.router.add_post("/control/rooms/{room}/recording", post_recording)
    app.router.add_delete("/control/rooms/{room}/members/{person}", delete_member)
    app.router.add_delete("/control/sessions/{session}", delete_session)
    app.router.add_get("/control/stays", list_stays)
    app.router.add_get("/control/rooms/{room}/feed", get_feed)
    app.router.add_get("/control/rooms/{room}/insight", get_insight)
    app.router.add_get("/control/rooms/{room}/insight/history", get_insight_history)
    app.router.add_get("/journal", get_journal)
    app.router.add_get("/healthz", healthy)
    app.router.add_get("/readyz", ready)
    app.router.add_get("/metrics", metrics)


async def list_rooms(request: web.Request) -> web.Response:
    """The names of all rooms that are here."""
    check_right(request, Right.MANAGE)
    return _json({"rooms": sorted(request.app[ROOMS].rooms)})


async def put_room(request: web.Request) -> web.Response:
    """Makes the room here, and goes on with its recording if one was left unfinished."""
    name = request.match_info["room"]
    check_right(request, Right.MANAGE, name)
    await request.app[ROOMS].open(name).recording.settle(HELD_S)
    return web.Response(status=204)


async def release_room(request: web.Request) -> web.Response:
    """The room is at another process now: lets go of it here."""
    name = request.match_info["room"]
    check_right(request, Right.MANAGE, name)
    await request.app[ROOMS].release(name)
    return web.Response(status=204)


async def get_room(request: web.Request) -> web.Response:
    """Members, tracks and recording of a room, and the time on media's clock.

    503 for as long as it is not known whether the recording of a room that has just come here goes on.
    """
    room = _room(request)
    await room.recording.settle(HELD_S)
    if not room.recording.is_settled:
        raise Unavailable
    return _json(
        {
            "room": room.name,
            "members": [member.info for member in room.members.values()],
            "tracks": [_describe(source.track) for source in room.sources.values()],
            "recording": room.recording.info,
            "recorded_s": await room.recording.recorded_s(),
            "now_ms": int(time.time() * 1000),
        }
    )


def _describe(track: PublishedTrack) -> dict[str, object]:
    """What everyone in the room knows of a track, and what only the desk asks for."""
    return {**msgspec.to_builtins(messages.describe(track.state)), "has_b_frames": track.has_b_frames}


async def post_recording(request: web.Request) -> web.Response:
    """Starts, pauses, resumes or stops the recording; answers the state."""
    name = request.match_info["room"]
    check_right(request, Right.MANAGE, name)
    try:
        action = (await request.json())["action"]
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise BadInput from error
    if action not in ACTIONS:
        raise BadInput
    room = request.app[ROOMS].open(name) if action == "start" else _room(request)
    await room.recording.settle()
    await room.recording.control(action)
    await room.recording.written()
    return _json(room.recording.info)


async def delete_member(request: web.Request) -> web.Response:
    """Puts a person out, also one who is only on the way in."""
    name = request.match_info["room"]
    check_right(request, Right.MANAGE, name)
    request.app[ROOMS].put_out(name, request.match_info["person"])
    return web.Response(status=204)


async def delete_session(request: web.Request) -> web.Response:
    """Somebody has signed out: the passes and the stays of that session end."""
    check_right(request, Right.MANAGE)
    request.app[ROOMS].sign_out(request.match_info["session"])
    return web.Response(status=204)


async def list_stays(request: web.Request) -> web.Response:
    """Everybody in every room here, with the session that they came in with."""
    check_right(request, Right.MANAGE)
    rooms = request.app[ROOMS].rooms.values()
    stays = [
        {"room": room.name, "person": member.person, "session": member.grant.session, "name": member.name}
        for room in rooms
        for member in room.members.values()
    ]
    return _json({"rooms": sorted(room.name for room in rooms), "stays": stays})


async def delete_room(request: web.Request) -> web.Response:
    """Stops the recording and closes the room."""
    name = request.match_info["room"]
    check_right(request, Right.MANAGE, name)
    await request.app[ROOMS].close_room(name)
    return web.Response(status=204)


async def get_feed(request: web.Request) -> web.StreamResponse:
    """An endless stream of one person's frames, as records of `recordings.frames`, from a keyframe on."""
    name = request.match_info["room"]
    check_right(request, Right.MANAGE, name)
    person = request.query.get("person", "")
    if not person:
        raise BadInput
    room = request.app[ROOMS].open(name)
    response = web.StreamResponse(headers={"Content-Type": _FEED_TYPE, "Cache-Control": "no-store"})
    async with FrameFeed(room, person) as feed:
        await response.prepare(request)
        while (records := await feed.take(timeout_s=5.0)) is not None:
            if request.transport is None or request.transport.is_closing():
                break
            if records:
                await response.write(records)
    return response


async def get_insight(request: web.Request) -> web.Response:
    """How each connection of the room goes now."""
    return _json(await request.app[INSIGHTS].look(_room(request)))


async def get_insight_history(request: web.Request) -> web.Response:
    """How they went over the last ten minutes, without names; also of a room that has just been closed."""
    name = request.match_info["room"]
    check_right(request, Right.MANAGE, name)
    body = await asyncio.to_thread(unpack, request.app[INSIGHTS].history(name))
    return web.Response(body=body, content_type="application/json")


async def get_journal(request: web.Request) -> web.Response:
    """Events after a sequence number; waits for one if asked to."""
    check_right(request, Right.MANAGE)
    try:
        after = int(request.query.get("after", "0"))
        wait_s = min(MAX_WAIT_S, max(0.0, float(request.query.get("wait", "0"))))
    except ValueError as error:
        raise BadInput from error
    journal = request.app[ROOMS].journal
    lost_after = journal.skip_to(after) if after < MAX_SEQUENCE else None
    # Whoever finds a lost tail is told at once, not after waiting for an event.
    events = await journal.wait(after, wait_s if lost_after is None else 0)
    return _json({"journal": journal.id, "events": events, "lost_after": lost_after})


async def healthy(_request: web.Request) -> web.Response:
    """The process is alive."""
    return web.Response(text="ok\n")


async def ready(request: web.Request) -> web.Response:
    """It can serve: the socket is open and the journal takes events."""
    port, journal = request.app[PORT], request.app[ROOMS].journal
    is_ready = port.is_open and journal.is_writable
    return web.Response(text="ready\n" if is_ready else "not ready\n", status=200 if is_ready else 503)


async def metrics(request: web.Request) -> web.Response:
    """For Prometheus."""
    body = generate_latest(request.app[METRICS].registry)
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})


def _room(request: web.Request) -> Room:
    name = request.match_info["room"]
    check_right(request, Right.MANAGE, name)
    room = request.app[ROOMS].get(name)
    if room is None:
        raise NotFound
    return room


def _json(value: Any) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")
