"""The meeting page, the way in from a booking, the page's live events, and the replay."""

from __future__ import annotations

from aiohttp import web

from station.base.bus import Message
from station.base.events import stream_topics
from station.base.jobs import find_job
from station.base.web import principal_of, read_form, render, see_other, station_of
from station.booking.service import get_booking
from station.directory.service import list_units
from station.live.service import broadcasts_of_meeting
from station.meeting import entering, replay, service
from station.meeting.archive import composed_file
from station.meeting.lobby import LOBBY_TOPIC
from station.meeting.matters import list_matters
from station.meeting.model import Meeting, Relation, must_be_asked
from station.people.service import consents_of
from station.photos.model import booking_holder
from station.photos.service import list_photos

_DOOR_OPENS = ("lobby.admitted", "lobby.refused")


async def enter_from_booking(request: web.Request) -> web.StreamResponse:
    """From a booking to its meeting, made on first entry."""
    meeting = await service.meeting_of_booking(
        station_of(request), principal_of(request), request.match_info["booking"]
    )
    return see_other(f"/meet/{meeting.id}")


async def show_meeting(request: web.Request) -> web.StreamResponse:
    """Device check, consent, lobby and room: one page whose script shows one step at a time."""
    station, who = station_of(request), principal_of(request)
    meeting, seat = await service.take_seat(station, who, request.match_info["meeting"])
    hosting = seat.relation in (Relation.HOST, Relation.STAFF)
    booking = await get_booking(station, who, meeting.booking_id) if meeting.booking_id else None
    return render(
        request,
        "meeting/meet.html",
        meeting=meeting,
        seat=seat,
        hosting=hosting,
        relation=seat.relation,
        asked=must_be_asked(who.role),
        consents=await entering.own_consents(station, who, meeting),
        shown_name=service.shown_name(meeting, who),
        topic=booking.topic if booking else "",
        booking=booking,
        photos=await list_photos(station, booking_holder(booking.id)) if booking and hosting else [],
        units=await list_units(station) if seat.may_note or hosting else [],
    )


async def stream_events(request: web.Request) -> web.StreamResponse:
    """What changes at the door and in the room. Only those inside hear what is said there."""
    station, who = station_of(request), principal_of(request)
    meeting, seat = await service.take_seat(station, who, request.match_info["meeting"])
    topics = [meeting.subject]
    if seat.admitted:
        topics.append(f"room:{meeting.id}")

    def decided(message: Message) -> bool:
        # Let in or put out: the stream ends, the page connects again, and the topics fit the new seat.
        about = message.get("data") or {}
        return message.get("action") in _DOOR_OPENS and about.get("person") == who.account

    return await stream_topics(request, *topics, first={"action": "hello"}, until=decided)


async def stream_lobby(request: web.Request) -> web.StreamResponse:
    """Tell a desk that somebody came or went at some door; it then reads its page again."""
    return await stream_topics(request, LOBBY_TOPIC, "live", first={"action": "hello"})


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
    raw = request.query.get("t", "")
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 7 else 0


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
