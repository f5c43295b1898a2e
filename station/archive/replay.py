"""Watching a meeting again: its parties and staff at any time, everybody once it is published."""

from __future__ import annotations

from pathlib import Path

from station.archive.jobs import composed_file
from station.base.errors import NotFound, NotSignedIn
from station.base.principal import GUEST, SYSTEM, Principal, Role
from station.base.station import Station
from station.meeting.lobby import people_of
from station.meeting.model import Admission, Meeting, Relation, display_name, relation_to
from station.meeting.service import get_meeting
from station.nodes.journal import roll_call
from station.nodes.journal_store import Attended

READER = SYSTEM  # pages read on behalf of whom `get_replay` has let through
_SEES_ALL = (Role.CLERK, Role.ADMIN, Role.SUPERVISOR)


async def get_replay(station: Station, who: Principal, meeting_id: str) -> Meeting:
    """The meeting whose replay the caller may watch. Raises NotFound, NotSignedIn to guests of what is not public."""
    meeting = await get_meeting(station, SYSTEM, meeting_id)
    if meeting.published or who.role in _SEES_ALL:
        return meeting
    if who == GUEST or who.role is Role.GUEST:
        raise NotSignedIn
    if not await took_part(station, who, meeting):
        raise NotFound
    return meeting


async def took_part(station: Station, who: Principal, meeting: Meeting) -> bool:
    """Whether somebody was a party, a host or let in; staff who see all count as well."""
    if who.role in _SEES_ALL:
        return True
    relation = relation_to(meeting, who.role, who.account, who.scope)
    if relation in (Relation.HOST, Relation.STAFF, Relation.PARTY):
        return True
    entries = await people_of(station, meeting.id)
    return any(e.account == who.account and e.granted_at and e.state is Admission.ADMITTED for e in entries)


async def replay_video(station: Station, who: Principal, meeting_id: str) -> Path:
    """The composed video. Raises NotFound while it is not made."""
    meeting = await get_replay(station, who, meeting_id)
    path = composed_file(station.settings, meeting.id)
    if not path.exists():
        raise NotFound
    return path


async def attendance_for(station: Station, who: Principal, meeting: Meeting) -> list[Attended]:
    """Who was there, one line a person; strangers see citizens by family name only."""
    stays = await roll_call(station, meeting.id)
    roles = {entry.account: entry.role for entry in await people_of(station, meeting.id)}
    hide = not await took_part(station, who, meeting)
    lines: dict[str, Attended] = {}
    for stay in stays:
        name = stay.name
        if hide and roles.get(stay.person) is Role.CITIZEN:
            name = display_name(Role.CITIZEN, name, public=True)
        first = lines.get(stay.person)
        joined_at = first.joined_at if first else stay.joined_at
        lines[stay.person] = Attended(stay.person, name, joined_at, stay.left_at)
    return list(lines.values())
