"""The meeting page, the way in from a booking, and the page's live events."""

from __future__ import annotations

from aiohttp import web

from station.base.bus import Message
from station.base.events import CHANGED, stream_topics
from station.base.web import principal_of, render, see_other, station_of
from station.booking.service import get_booking
from station.directory.service import list_units
from station.live.web.service import LIVE_TOPIC, broadcasts_of_meeting
from station.meeting import service
from station.meeting.consent import own_consents
from station.meeting.lobby import LOBBY_TOPIC
from station.meeting.matters import list_matters
from station.meeting.model import Relation, asked_kinds, requires_consent
from station.photos.model import booking_holder
from station.photos.service import list_photos

_DOOR_SHOWS = ("lobby.", "meeting.", "consent")  # who waits, whether it has begun or ended, one's own answers
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
    seen = hosting and booking is not None and not booking.use_withdrawn
    return render(
        request,
        "meeting/meet.html",
        meeting=meeting,
        seat=seat,
        hosting=hosting,
        relation=seat.relation,
        asked=requires_consent(who.role),
        kept_years=station.settings.keep_recordings_years,
        consents=await own_consents(station, who, meeting),
        asked_kinds=asked_kinds(meeting),
        on_air=meeting.broadcastable and any(b.live for b in await broadcasts_of_meeting(station, meeting.id)),
        shown_name=service.shown_name(meeting, who),
        topic=booking.topic if booking else "",
        booking=booking,
        photos=await list_photos(station, booking_holder(meeting.booking_id)) if seen else [],
        noted=await list_matters(station, who, meeting.id) if hosting and not meeting.open else [],
        units=await list_units(station) if seat.may_note or hosting else [],
    )


def event_for(message: Message, inside: bool) -> Message | None:
    """What a page is told of a message: what is written in the room, else only that it should look again.

    No ids of people and cases leave by the stream; at the door nothing of what only the room shows.
    """
    action = str(message.get("action", ""))
    if action == "chat":
        return message if inside else None
    if not inside and not action.startswith(_DOOR_SHOWS):
        return None
    return None if action == "chat.sent" else CHANGED  # its line comes by itself


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

    def shown(message: Message) -> Message | None:
        return event_for(message, inside=seat.admitted)

    return await stream_topics(request, *topics, first={"action": "hello"}, until=decided, shown=shown, ping=True)


async def stream_lobby(request: web.Request) -> web.StreamResponse:
    """Tell a desk that somebody came or went at some door; it then reads its page again."""
    hello = {"action": "hello"}
    return await stream_topics(request, LOBBY_TOPIC, LIVE_TOPIC, first=hello, shown=lambda _message: CHANGED)
