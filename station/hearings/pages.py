"""Hearings as a clerk runs them: announce, open, put on air, change the source, stop, end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from aiohttp import web

from station.base.clock import SHANGHAI
from station.base.database import Transaction
from station.base.errors import N_, BadInput, NotFound, Unavailable
from station.base.idempotency import answer_at
from station.base.origin import public_origin
from station.base.principal import Role
from station.base.station import Station
from station.base.text import fold
from station.base.web import principal_of, query_number, read_form, render, see_other, station_of, translate
from station.live.web import service as live
from station.live.web.model import OnAir
from station.meeting import lobby, service
from station.meeting.consent import check_may_be_shown, who_may_be_shown
from station.meeting.matters import list_matters
from station.meeting.model import PAST_DAY, BroadcastRefused, Kind, Meeting, MeetingState, propose_hearing
from station.nodes import media_client
from station.nodes.journal_store import was_recorded
from station.nodes.media_client import RoomState
from station.people.service import accounts_with

_SHOWS = ("camera", "screen")


class NotShowing(BadInput):
    code = "not-showing"
    message = N_("这个人现在没有开画面，请先请他打开摄像头")


class NotPublicHearing(BadInput):
    code = "not-public"
    message = N_("这场听证会不公开，不能直播")


@dataclass(frozen=True, slots=True)
class Source:
    """Somebody in the room whose picture can go on air."""

    person: str
    name: str
    showing: bool
    allowed: bool = True  # has not refused to be shown in public


async def list_hearings(request: web.Request) -> web.StreamResponse:
    """All hearings of the clerk's station: running, to come, and held, page by page back to the first."""
    station, who = station_of(request), principal_of(request)
    found = await service.list_hearings(station, who, query_number(request, "page", 1, most=9999))
    on_air = {b.meeting_id for b in await live.list_broadcasts(station, OnAir.LIVE)}
    groups = {"running": found.running, "coming": found.coming, "held": found.held}
    return render(request, "desk/hearings.html", groups=groups, on_air=on_air, page=found.page, more=found.more)


async def ask_hearing(request: web.Request) -> web.StreamResponse:
    """The form for a new hearing."""
    starts, ends = propose_hearing(station_of(request).clock.now())
    times = {"day": f"{starts:%Y-%m-%d}", "starts": f"{starts:%H:%M}", "ends": f"{ends:%H:%M}"}
    values = {"title": "", **times, "deputy": "", "public": "yes"}
    return await _form(request, values, {})


async def _form(request: web.Request, values: dict[str, str], fields: dict[str, str]) -> web.StreamResponse:
    deputies = await accounts_with(station_of(request), Role.DEPUTY)
    status = 422 if fields else 200
    template = "desk/hearing_new.html"
    return render(request, template, status, values=values, fields=fields, deputies=[d for d in deputies if d.scope])


async def create_hearing(request: web.Request) -> web.StreamResponse:
    """Announce a hearing."""
    values = dict.fromkeys(("title", "day", "starts", "ends", "deputy", "public"), "")
    values.update({k: v for k, v in (await read_form(request)).items() if k in values})
    answer_at("/desk/hearings/{made}")
    try:
        form = read_hearing(values)
        meeting = await service.create_hearing(station_of(request), principal_of(request), form)
    except BadInput as error:
        return await _form(request, values, _named(request, values, error.fields))
    return see_other(f"/desk/hearings/{meeting.id}")


def _named(request: web.Request, values: dict[str, str], fields: dict[str, str]) -> dict[str, str]:
    """A day in the past is told by its name: a wrong year is seen only then."""
    if fields.get("day") != PAST_DAY:
        return fields
    day = date.fromisoformat(values["day"])
    words = N_("%(year)s 年 %(month)s 月 %(day)s 日已经过了，请看看年份和日期")
    return {**fields, "day": translate(request, words, year=day.year, month=day.month, day=day.day)}


def read_hearing(values: dict[str, str]) -> service.HearingForm:
    """The form as data; times are Shanghai's. Raises BadInput with the fields at fault."""
    faults: dict[str, str] = {}
    day = starts = ends = None
    try:
        day = date.fromisoformat(fold(values["day"]))
    except ValueError:
        faults["day"] = N_("请选日期")
    try:
        starts = time.fromisoformat(fold(values["starts"]))
    except ValueError:
        faults["starts"] = N_("请填开始时间，比如 14:00")
    try:
        ends = time.fromisoformat(fold(values["ends"]))
    except ValueError:
        faults["ends"] = N_("请填结束时间，比如 16:00")
    if not values["title"]:
        faults["title"] = N_("请写听证会的名称")
    if not values["deputy"]:
        faults["deputy"] = N_("请选主持的代表")
    if faults or day is None or starts is None or ends is None:
        raise BadInput(fields=faults)
    return service.HearingForm(
        values["title"], values["deputy"], _moment(day, starts), _moment(day, ends), values["public"] == "yes"
    )


def _moment(day: date, at: time) -> datetime:
    return datetime.combine(day, at.replace(tzinfo=None), SHANGHAI).astimezone(UTC)


async def _hearing(request: web.Request) -> Meeting:
    meeting = await service.get_meeting(station_of(request), principal_of(request), request.match_info["meeting"])
    if meeting.kind is not Kind.HEARING:
        raise NotFound
    return meeting


async def _room(station: Station, meeting: Meeting) -> RoomState | None:
    """The room, or None while media is away: the page is still of use without it."""
    try:
        return await media_client.get_room(station, meeting.id)
    except Unavailable:
        return None


async def sources_of(station: Station, meeting: Meeting, room: RoomState | None) -> list[Source]:
    """Everybody in the room, those who can be put on air first; who does not agree to that cannot be."""
    if room is None:
        return []
    showing = {track.person for track in room.tracks if track.source in _SHOWS}
    allowed = await who_may_be_shown(station, meeting, [member.person for member in room.members])
    found = [Source(m.person, m.name, m.person in showing, m.person in allowed) for m in room.members]
    return sorted(found, key=lambda source: not (source.showing and source.allowed))


def names_with_b_frames(room: RoomState | None) -> list[str]:
    """Whose encoder sends pictures out of order: they play unevenly, and only the clerk can have it set right."""
    if room is None:
        return []
    people = {track.person for track in room.tracks if track.has_b_frames}
    return [member.name for member in room.members if member.person in people]


async def show_hearing(request: web.Request) -> web.StreamResponse:
    """The clerk's page of one hearing."""
    station, who = station_of(request), principal_of(request)
    meeting = await _hearing(request)
    _, seat = await service.take_seat(station, who, meeting.id)
    room = await _room(station, meeting) if meeting.open else None
    broadcasts = await live.broadcasts_of_meeting(station, meeting.id)
    current = next((b for b in broadcasts if b.live), None)
    return render(
        request,
        "desk/hearing.html",
        meeting=meeting,
        seat=seat,
        media_away=meeting.open and room is None,
        sources=await sources_of(station, meeting, room),
        b_frames=names_with_b_frames(room),
        recording=room.recording.state if room else "off",
        unrecorded=await _is_unrecorded(station, meeting, room),
        waiting=[w for w in await lobby.list_waiting(station, [meeting.deputy_id]) if w.meeting.id == meeting.id],
        current=current,
        going=await live.get_status(station, current.id) if current else None,
        broadcasts=broadcasts,
        matters=await list_matters(station, who, meeting.id),
        may_enter=who.role is Role.CLERK,
        address=str(public_origin(request) / "meet" / meeting.id),
    )


async def _is_unrecorded(station: Station, meeting: Meeting, room: RoomState | None) -> bool:
    """Whether a public hearing goes on, or went by, without a recording."""
    if not meeting.public or meeting.state is MeetingState.SCHEDULED:
        return False
    if meeting.open:
        return room is not None and room.recording.state == "off" and bool(room.members)
    async with station.database.read() as connection:
        return not await was_recorded(connection, meeting.id)


async def go_live(request: web.Request) -> web.StreamResponse:
    """Start the broadcast with one person, or show somebody else."""
    station, who = station_of(request), principal_of(request)
    meeting = await _hearing(request)
    if not meeting.public:
        raise NotPublicHearing
    person = (await read_form(request)).get("person", "")
    room = await media_client.get_room(station, meeting.id)
    source = next((s for s in await sources_of(station, meeting, room) if s.person == person and s.showing), None)
    if source is None:
        raise NotShowing
    if not source.allowed:
        raise BroadcastRefused(name=source.name)

    async def still_agreed(work: Transaction) -> None:
        await check_may_be_shown(work, meeting, person, source.name)

    current = next((b for b in await live.broadcasts_of_meeting(station, meeting.id) if b.live), None)
    if current is None:
        host = meeting.deputy_name
        await live.start_broadcast(station, who, meeting.id, meeting.title, host, person, source.name, still_agreed)
    else:
        await live.change_source(station, who, current.id, person, source.name, still_agreed)
    return see_other(f"/desk/hearings/{meeting.id}")


async def stop_live(request: web.Request) -> web.StreamResponse:
    """Go off air."""
    meeting = await _hearing(request)
    await live.stop_broadcasts_of(station_of(request), principal_of(request), meeting.id)
    return see_other(f"/desk/hearings/{meeting.id}")


async def end_hearing(request: web.Request) -> web.StreamResponse:
    """End the hearing for all."""
    meeting = await _hearing(request)
    await service.end_meeting(station_of(request), principal_of(request), meeting.id)
    return see_other(f"/desk/hearings/{meeting.id}")
