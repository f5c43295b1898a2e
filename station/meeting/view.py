"""What the meeting page shows of the door and the people, made for the one who looks."""

from __future__ import annotations

from dataclasses import dataclass

from station.base.principal import Principal
from station.base.station import Station
from station.live.web.model import Broadcast
from station.live.web.service import broadcasts_of_meeting
from station.meeting.consent import consents_by_account, own_consents
from station.meeting.lobby import people_of, place_in_queue
from station.meeting.matters import NotedMatter, list_matters
from station.meeting.model import Admission, Entry, Meeting, display_name, names_refusing
from station.meeting.service import take_seat
from station.nodes.journal import has_gap
from station.nodes.journal_store import here_now
from station.people.model import ConsentKind


@dataclass(frozen=True, slots=True)
class PersonView:
    """Somebody at the door or inside. `recorded`: agreed, refused, or not asked yet."""

    account: str
    name: str
    ready: bool
    since: str
    recorded: bool | None


@dataclass(frozen=True, slots=True)
class RoomView:
    """State of a meeting for one person; lists are empty for those who may not see them.

    `on_air` names whose picture is being broadcast, "" while none is; `refusing`: those in the room who do not agree
    to being recorded, so that nothing can be. `events_lost`: media's disk was full, who came and left is not all noted.
    """

    meeting: str
    admission: str
    admitted: bool
    place: int
    busy: bool
    consents: dict[ConsentKind, bool]
    waiting: list[PersonView]
    inside: list[PersonView]
    matters: list[NotedMatter]
    on_air: str
    on_air_self: bool
    refusing: list[str]
    events_lost: bool


async def view_room(station: Station, who: Principal, meeting_id: str) -> RoomView:
    """What this person may know now. Raises NotFound for strangers."""
    meeting, seat = await take_seat(station, who, meeting_id)
    place = None
    if seat.admission is Admission.WAITING:
        place = await place_in_queue(station, meeting, who.account)
    waiting: list[PersonView] = []
    inside: list[PersonView] = []
    if seat.may_admit:
        given = await consents_by_account(station, meeting)
        people, now = await people_of(station, meeting_id), station.clock.now()
        waiting = [_person(meeting, e, given) for e in people if e.is_waiting(now)]
        inside = [_person(meeting, e, given) for e in people if e.state is Admission.ADMITTED]
    on_air = await _on_air(station, meeting) if meeting.broadcastable else None
    return RoomView(
        meeting="cancelled" if meeting.cancelled else meeting.state,
        admission=seat.admission,
        admitted=seat.admitted,
        place=place.place if place else 0,
        busy=place.busy if place else False,
        consents=await own_consents(station, who, meeting),
        waiting=waiting,
        inside=inside,
        matters=await list_matters(station, who, meeting_id) if seat.may_note else [],
        on_air=on_air.source_name if on_air else "",
        on_air_self=on_air is not None and on_air.person == who.account,
        refusing=await _refusing(station, meeting) if seat.may_record else [],
        events_lost=seat.may_record and await has_gap(station, meeting.id),
    )


async def _on_air(station: Station, meeting: Meeting) -> Broadcast | None:
    return next((b for b in await broadcasts_of_meeting(station, meeting.id) if b.live), None)


async def _refusing(station: Station, meeting: Meeting) -> list[str]:
    async with station.database.read() as connection:
        here = await here_now(connection, [meeting.id])
    given = await consents_by_account(station, meeting)
    people = [entry for entry in await people_of(station, meeting.id) if (meeting.id, entry.account) in here]
    return [display_name(e.role, e.name, meeting.public) for e in people if names_refusing([e], given)]


def _person(meeting: Meeting, entry: Entry, given: dict[str, bool]) -> PersonView:
    name = display_name(entry.role, entry.name, meeting.public)
    return PersonView(entry.account, name, entry.ready, entry.entered_at.isoformat(), given.get(entry.account))
