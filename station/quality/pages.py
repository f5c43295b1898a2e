"""Whose line is weak, why, and what helps: the page for who runs a meeting, and the file to go with a bug report."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import msgspec
from aiohttp import web

from station.base.clock import local
from station.base.errors import Unavailable
from station.base.principal import Principal, Role
from station.base.web import principal_of, render, station_of
from station.meeting import service
from station.meeting.model import Kind, Meeting
from station.nodes import media_client
from station.nodes.insight import Person, RoomInsight
from station.quality.figures import Row, rows_of
from station.quality.verdict import Verdict, Word, judge_room

FORMAT = "station-room-report/1"


@dataclass(frozen=True, slots=True)
class Judged:
    """A person with the verdict on their line."""

    person: Person
    verdict: Verdict
    rows: list[Row]


async def show_quality(request: web.Request) -> web.StreamResponse:
    """Everybody in the room with a word on their line; complete without script, which only reads it again."""
    station, who = station_of(request), principal_of(request)
    meeting = await service.get_hosted_meeting(station, who, request.match_info["meeting"])
    try:
        room: RoomInsight | None = await media_client.get_insight(station, meeting.id)
    except Unavailable:
        room = None
    verdicts = judge_room(room) if room is not None else {}
    people = [Judged(person, verdicts[person.person], rows_of(person)) for person in room.people] if room else []
    return render(
        request,
        "meeting/quality.html",
        meeting=meeting,
        back=_way_back(who, meeting),
        media_away=room is None,
        people=people,
        counted=Counter(judged.verdict.word.name.lower() for judged in people),
        order=[word.name.lower() for word in sorted(Word, reverse=True)],
    )


def _way_back(who: Principal, meeting: Meeting) -> str:
    if who.role is Role.DEPUTY:
        return "/deputy"
    return f"/desk/hearings/{meeting.id}" if meeting.kind is Kind.HEARING else "/desk"


async def send_report(request: web.Request) -> web.StreamResponse:
    """The last ten minutes of the room's lines as a file: no names, no accounts, no whole addresses."""
    station, who = station_of(request), principal_of(request)
    meeting = await service.get_hosted_meeting(station, who, request.match_info["meeting"])
    snapshots = await media_client.get_insight_history(station, meeting.id)
    now = local(station.clock.now())
    report = {"format": FORMAT, "meeting": meeting.id, "made_at": now.isoformat(), "snapshots": snapshots}
    headers = {
        "Content-Disposition": f'attachment; filename="station-room-report-{now:%Y%m%d-%H%M%S}.json"',
        "Cache-Control": "no-store",
    }
    return web.Response(body=msgspec.json.encode(report), content_type="application/json", headers=headers)
