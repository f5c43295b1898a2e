"""Watching a meeting again: its parties and staff at any time, everybody once it is published."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from station.archive.jobs import composed_file
from station.base.errors import NotFound, NotSignedIn
from station.base.principal import GUEST, SYSTEM, Principal, Role
from station.base.station import Station
from station.cases.service import cases_of_meeting, mask_personal, titles_for
from station.meeting.consent import keeping_private
from station.meeting.lobby import people_of
from station.meeting.matters import NotedMatter, list_matters
from station.meeting.model import Kind, Meeting, display_name
from station.meeting.service import get_meeting, took_part
from station.nodes.journal import roll_call
from station.nodes.journal_store import Attended

READER = SYSTEM  # pages read on behalf of whom `get_replay` has let through


async def get_replay(station: Station, who: Principal, meeting_id: str) -> Meeting:
    """The meeting whose replay the caller may watch. Raises NotFound, NotSignedIn to guests of what is not public."""
    meeting = await get_meeting(station, SYSTEM, meeting_id)
    if await is_public(station, meeting):
        return meeting
    if who == GUEST or who.role is Role.GUEST:
        raise NotSignedIn
    if not await took_part(station, who, meeting):
        raise NotFound
    return meeting


async def is_public(station: Station, meeting: Meeting) -> bool:
    """Whether everybody may watch: published, and nobody who can be seen refuses (whenever the refusal came)."""
    return meeting.published and not await refusals(station, meeting)


async def refusals(station: Station, meeting: Meeting) -> list[str]:
    """The names of the citizens who were in the room and do not agree to publishing."""
    async with station.database.read() as connection:
        return await keeping_private(connection, meeting, None)


async def replay_video(station: Station, who: Principal, meeting_id: str) -> Path:
    """The composed video. Raises NotFound while it is not made."""
    meeting = await get_replay(station, who, meeting_id)
    path = composed_file(station.settings, meeting.id)
    if not path.exists():
        raise NotFound
    return path


async def matters_for(station: Station, who: Principal, meeting: Meeting) -> list[NotedMatter]:
    """What was noted, for who watches: strangers read of each matter only the title that was reviewed for them, or "".

    The deputies and clerks who were there saw the list in the room; a citizen did not.
    """
    found = await list_matters(station, READER, meeting.id)
    if who.role is not Role.CITIZEN and await took_part(station, who, meeting):
        return found
    titles = await titles_for(station, who, await cases_of_meeting(station, meeting.id))
    return [replace(matter, title=titles.get(matter.id, "")) for matter in found]


def title_for_strangers(meeting: Meeting) -> str:
    """A reception's title is what the citizen typed: without anybody's name or number. A hearing's is the station's."""
    return meeting.title if meeting.kind is Kind.HEARING else mask_personal(meeting.title, meeting.citizen_name)


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
