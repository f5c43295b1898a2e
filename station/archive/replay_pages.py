"""The replay of a meeting: the page, its video, and publishing after a review."""

from __future__ import annotations

from aiohttp import web

from station.archive import replay
from station.archive.jobs import composed_file
from station.base.jobs import find_job
from station.base.web import answer_json, principal_of, query_number, read_form, render, see_other, station_of
from station.live.web.service import broadcasts_of_meeting
from station.meeting import service
from station.meeting.matters import list_matters
from station.meeting.model import Meeting
from station.people.service import consents_of


async def show_replay(request: web.Request) -> web.StreamResponse:
    """The composed video with its chapters, what was written, and who was there."""
    station, who = station_of(request), principal_of(request)
    meeting = await replay.get_replay(station, who, request.match_info["meeting"])
    async with station.database.read() as connection:
        job = await find_job(connection, f"compose:{meeting.id}")
    inside = await replay.took_part(station, who, meeting)
    return render(
        request,
        "meeting/replay.html",
        meeting=meeting,
        job=job,
        has_video=composed_file(station.settings, meeting.id).exists(),
        matters=await list_matters(station, replay.READER, meeting.id),
        chat=await service.chat_of(station, replay.READER, meeting.id) if inside else [],
        inside=inside,
        attendance=await replay.attendance_for(station, who, meeting),
        broadcasts=await broadcasts_of_meeting(station, meeting.id),
        may_publish=who.role in service.REVIEWERS,
        refusals=await _refusals(request, meeting),
        start_s=_start_s(request),
    )


async def _refusals(request: web.Request, meeting: Meeting) -> list[str]:
    """The names of those who do not agree to publishing."""
    consents = await consents_of(station_of(request), meeting.subject)
    return [consent.name for consent in consents if consent.kind == "published" and not consent.given]


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
    await service.publish_replay(station_of(request), principal_of(request), meeting_id, publish)
    return see_other(f"/replay/{meeting_id}")


async def show_composing(request: web.Request) -> web.StreamResponse:
    """How far the composed video is: state none, waiting, running, done or failed, and 0 to 1."""
    station = station_of(request)
    meeting = await replay.get_replay(station, principal_of(request), request.match_info["meeting"])
    async with station.database.read() as connection:
        job = await find_job(connection, f"compose:{meeting.id}")
    return answer_json({"state": job.state if job else "none", "progress": job.progress if job else 0.0})
