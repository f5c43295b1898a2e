"""A matter raised in a meeting becomes a case, tied to the booking, the meeting and the second of the recording."""

from __future__ import annotations

from dataclasses import dataclass

from station.base.database import Transaction
from station.base.errors import N_, BadInput, NotAllowed, NotFound
from station.base.principal import Principal, Role
from station.base.station import Station
from station.booking.service import get_booking
from station.cases.service import Case, OpenCase, cases_of_meeting, open_case
from station.directory.service import get_unit
from station.ledger.service import append
from station.meeting.model import MAX_TITLE
from station.meeting.service import check_still_inside, get_meeting, seat_inside
from station.nodes.journal import recorded_seconds


@dataclass(frozen=True, slots=True)
class NotedMatter:
    """A case as the meeting shows it; `recorded_at_s` is where in the recording it was raised."""

    id: str
    number: str
    title: str
    recorded_at_s: float | None


async def note_matter(station: Station, who: Principal, meeting_id: str, title: str, unit_id: str = "") -> NotedMatter:
    """Open a case for what was just said. Raises BadInput, NotAllowed, NotAdmitted, MeetingEnded."""
    meeting, seat = await seat_inside(station, who, meeting_id)
    if not seat.may_note:
        raise NotAllowed
    words = " ".join(title.split())
    if not words:
        raise BadInput(fields={"title": N_("用一句话写下是什么事")})
    if len(words) > MAX_TITLE:
        raise BadInput(fields={"title": N_("一句话最多 60 字")})
    await _check_unit(station, unit_id)
    recorded_at_s = await recorded_seconds(station, meeting_id)

    async def note(work: Transaction, case: Case) -> None:
        # What comes after the end is in no recording and in no bag. The case's own event holds the ledger by now.
        await check_still_inside(work, who, meeting, seat, lock=False)
        data = {"case": case.id, "recorded_at_s": case.recorded_at_s}
        await append(station, work, who, "matter.noted", meeting.subject, data)

    wish = await get_booking(station, who, meeting.booking_id) if meeting.booking_id else None
    case = await open_case(
        station,
        who,
        OpenCase(
            title=words,
            description="",
            deputy_id=who.scope if who.role is Role.DEPUTY else meeting.deputy_id,
            citizen=meeting.citizen or None,
            # The case hands on the booking's photos, so not once their use has been taken back.
            booking_id=meeting.booking_id if wish and not wish.use_withdrawn else None,
            meeting_id=meeting_id,
            recorded_at_s=recorded_at_s,
            unit_id=unit_id or None,
            citizen_topic=wish.topic if wish else "",
            citizen_words=wish.description if wish else "",
            citizen_help=",".join(wish.help) if wish else "",
        ),
        on_opened=note,
    )
    return _matter(case)


async def _check_unit(station: Station, unit_id: str) -> None:
    if not unit_id:
        return
    try:
        unit = await get_unit(station, unit_id)
    except NotFound:
        raise BadInput(fields={"unit": N_("请从名单里选一个单位")}) from None
    if unit.retired:
        raise BadInput(fields={"unit": N_("请从名单里选一个单位")})


async def list_matters(station: Station, who: Principal, meeting_id: str) -> list[NotedMatter]:
    """The matters noted so far, in the order they came up."""
    await get_meeting(station, who, meeting_id)
    return [_matter(case) for case in await cases_of_meeting(station, meeting_id)]


def _matter(case: Case) -> NotedMatter:
    return NotedMatter(case.id, case.number, case.title, case.recorded_at_s)
