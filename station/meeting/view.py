"""What the meeting page shows of the door and the people, made for the one who looks."""

from __future__ import annotations

from dataclasses import dataclass

from station.base.principal import Principal
from station.base.station import Station
from station.meeting.admission import consents_by_account, own_consents
from station.meeting.lobby import people_of, place_in_queue
from station.meeting.matters import Matter, list_matters
from station.meeting.model import Admission, Entry, Meeting, display_name
from station.meeting.service import take_seat


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
    """State of a meeting for one person; lists are empty for those who may not see them."""

    meeting: str
    admission: str
    admitted: bool
    place: int
    busy: bool
    consents: dict[str, bool]
    waiting: list[PersonView]
    inside: list[PersonView]
    matters: list[Matter]


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
        people = await people_of(station, meeting_id)
        waiting = [_person(meeting, e, given) for e in people if e.state is Admission.WAITING]
        inside = [_person(meeting, e, given) for e in people if e.state is Admission.ADMITTED]
    matters = await list_matters(station, who, meeting_id) if seat.may_note else []
    consents = await own_consents(station, who, meeting)
    return RoomView(
        meeting.state,
        seat.admission,
        seat.admitted,
        place.place if place else 0,
        place.busy if place else False,
        consents,
        waiting,
        inside,
        matters,
    )


def _person(meeting: Meeting, entry: Entry, given: dict[str, bool]) -> PersonView:
    name = display_name(entry.role, entry.name, meeting.public)
    return PersonView(entry.account, name, entry.ready, entry.entered_at.isoformat(), given.get(entry.account))
