"""The replay of a meeting: the page, its video, and publishing after a review."""

from __future__ import annotations

from aiohttp import web

from station.archive import publishing, replay
from station.archive.jobs import composed_file
from station.base.jobs import find_job
from station.base.web import answer_json, principal_of, query_number, read_form, render, see_other, station_of
from station.live.web.service import broadcasts_of_meeting, get_status
from station.meeting.chat import chat_of
from station.meeting.service import held_meeting_of_booking, took_part
from station.meeting.term import is_expired
from station.nodes.journal import gaps_of


async def show_replay(request: web.Request) -> web.StreamResponse:
    """The composed video with its chapters, what was written, and who was there."""
    station, who = station_of(request), principal_of(request)
    meeting = await replay.get_replay(station, who, request.match_info["meeting"])
    async with station.database.read() as connection:
        job = await find_job(connection, f"compose:{meeting.id}")
    inside = await took_part(station, who, meeting)
    reviewing = await publishing.may_review(station, who, meeting)
    broadcasts = await broadcasts_of_meeting(station, meeting.id)
    expired = await is_expired(station, meeting.id)
    return render(
        request,
        "meeting/replay.html",
        meeting=meeting,
        expired=expired,
        job=job,
        has_video=composed_file(station.settings, meeting.id).exists(),
        title=meeting.title if inside else replay.title_for_strangers(meeting),
        matters=await replay.matters_for(station, who, meeting),
        chat=await chat_of(station, replay.READER, meeting.id) if inside else [],
        inside=inside,
        attendance=await replay.attendance_for(station, who, meeting),
        gaps=await gaps_of(station, meeting.id),
        broadcasts=[b for b in broadcasts if not expired and (b.public or reviewing)],
        may_publish=reviewing,
        awaits_video=not meeting.open and await publishing.awaits_video(station, meeting.id),
        refusals=await replay.refusals(station, meeting) if reviewing else [],
        start_s=_start_s(request),
    )


def _start_s(request: web.Request) -> int:
    return query_number(request, "t", 0, most=999_999)


async def send_video(request: web.Request) -> web.StreamResponse:
    """The composed video; answers Range requests (RFC 9110 §14)."""
    path = await replay.replay_video(station_of(request), principal_of(request), request.match_info["meeting"])
    return web.FileResponse(path, headers={"Cache-Control": "private, no-cache", "Content-Type": "video/mp4"})


async def publish_replay(request: web.Request) -> web.StreamResponse:
    """After review, show the replay to everybody, or take it back."""
    form = await read_form(request)
    meeting_id = request.match_info["meeting"]
    publish = form.get("published") == "yes"
    await publishing.publish_replay(station_of(request), principal_of(request), meeting_id, publish)
    return see_other(f"/replay/{meeting_id}")


async def show_composing(request: web.Request) -> web.StreamResponse:
    """How far the composed video is: state none, waiting, running, done or failed, and 0 to 1."""
    station = station_of(request)
    meeting = await replay.get_replay(station, principal_of(request), request.match_info["meeting"])
    async with station.database.read() as connection:
        job = await find_job(connection, f"compose:{meeting.id}")
    return answer_json({"state": job.state if job else "none", "progress": job.progress if job else 0.0})


async def find_replay(request: web.Request) -> web.StreamResponse:
    """From a booking to the record of its meeting, once that has been held."""
    booking = request.match_info["booking"]
    meeting = await held_meeting_of_booking(station_of(request), principal_of(request), booking)
    return see_other(f"/replay/{meeting.id}")


async def review_broadcast(request: web.Request) -> web.StreamResponse:
    """The recording of a broadcast, for who decides whether it becomes public."""
    station, who = station_of(request), principal_of(request)
    broadcast = await publishing.get_reviewed_broadcast(station, who, request.match_info["broadcast"])
    return render(
        request,
        "live/review.html",
        broadcast=broadcast,
        expired=await is_expired(station, broadcast.meeting_id),
        going=await get_status(station, broadcast.id),
        refusals=await publishing.refusals_of_broadcast(station, broadcast),
    )


async def publish_broadcast(request: web.Request) -> web.StreamResponse:
    """After review, show the recording of a broadcast to everybody, or take it back."""
    form = await read_form(request)
    broadcast_id, publish = request.match_info["broadcast"], form.get("published") == "yes"
    await publishing.publish_broadcast(station_of(request), principal_of(request), broadcast_id, publish)
    return see_other(f"/desk/broadcasts/{broadcast_id}")
