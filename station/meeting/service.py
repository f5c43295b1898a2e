"""Meetings themselves: made on first entry or by a clerk, opened by the first host, ended for all."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from station.base.clock import day_span
from station.base.database import Transaction
from station.base.errors import N_, BadInput, NotAllowed, NotFound
from station.base.idempotency import claim_key, keep_made
from station.base.ids import new_id
from station.base.principal import SYSTEM, Principal, Role
from station.base.station import Station
from station.booking.model import BookingState, StepNotPossible
from station.booking.service import booking_states, enter_minutes_before, get_booking, record_attendance
from station.directory import service as directory
from station.directory.service import deputies_under, get_deputy
from station.ledger.service import append
from station.live.web.service import stop_broadcasts_of
from station.meeting import store
from station.meeting.model import (
    Admission,
    BookingCancelled,
    DayIsOver,
    Kind,
    Meeting,
    MeetingEnded,
    MeetingState,
    MeetingStep,
    NotAdmitted,
    NotDueYet,
    Relation,
    Seat,
    check_due,
    check_hearing,
    check_open,
    display_name,
    relation_to,
    seat_for,
    step_meeting,
)
from station.meeting.topics import agreed_title, topic_of
from station.nodes import media_client

HELD_A_PAGE = 30
LAST_PAGE = 10_000


@dataclass(frozen=True, slots=True)
class HearingForm:
    """What a clerk fills in for a hearing."""

    title: str
    deputy_id: str
    starts_at: datetime
    ends_at: datetime
    public: bool


async def get_meeting(station: Station, who: Principal, meeting_id: str) -> Meeting:
    """The meeting, for those who have to do with it, administrators and the system. Raises NotFound."""
    async with station.database.read() as connection:
        meeting = await store.meeting_by_id(connection, meeting_id)
    if meeting is None:
        raise NotFound
    if who.role not in (Role.SYSTEM, Role.ADMIN) and await relation_of(station, who, meeting) is Relation.STRANGER:
        raise NotFound
    return await _with_booking(station, meeting)


async def _with_booking(station: Station, meeting: Meeting) -> Meeting:
    """A meeting that knows whether its booking has been cancelled: then it opens no door any more."""
    if not meeting.booking_id:
        return meeting
    states = await booking_states(station, [meeting.booking_id])
    return replace(meeting, cancelled=states.get(meeting.booking_id) is BookingState.CANCELLED)


async def relation_of(station: Station, who: Principal, meeting: Meeting) -> Relation:
    """What the caller is to a meeting; a clerk belongs to a station, and to those below it."""
    in_charge = who.role is Role.CLERK and await is_in_charge(station, who, meeting.deputy_id)
    return relation_to(meeting, who.role, who.account, who.scope, in_charge=in_charge)


async def is_in_charge(station: Station, who: Principal, deputy_id: str) -> bool:
    """Whether a deputy receives at the caller's station or at one below it."""
    return await directory.is_in_charge(station, who.scope, deputy_id)


async def get_hosted_meeting(station: Station, who: Principal, meeting_id: str) -> Meeting:
    """The meeting, for its deputy, clerks and administrators. Raises NotFound for strangers, NotAllowed for guests."""
    meeting = await get_meeting(station, who, meeting_id)
    relation = await relation_of(station, who, meeting)
    if who.role is not Role.ADMIN and relation not in (Relation.HOST, Relation.STAFF):
        raise NotAllowed
    return meeting


async def take_seat(station: Station, who: Principal, meeting_id: str) -> tuple[Meeting, Seat]:
    """The meeting and what the caller may do in it now. Raises NotFound for strangers."""
    meeting = await get_meeting(station, who, meeting_id)
    async with station.database.read() as connection:
        entry = await store.entry_of(connection, meeting_id, who.account)
    admission = entry.state if entry else Admission.NONE
    relation = await relation_of(station, who, meeting)
    return meeting, seat_for(who.role, relation, meeting.open, admission)


async def seat_inside(station: Station, who: Principal, meeting_id: str) -> tuple[Meeting, Seat]:
    """`take_seat` for what is done in the room. Raises MeetingEnded, BookingCancelled, NotAdmitted."""
    meeting, seat = await take_seat(station, who, meeting_id)
    if not seat.admitted:
        check_open(meeting)  # a meeting that is over says so rather than "please wait"
        raise NotAdmitted
    return meeting, seat


async def check_still_inside(
    work: Transaction, who: Principal, meeting: Meeting, seat: Seat, lock: bool = True
) -> None:
    """Asked again in the transaction: the meeting may end, or the person be put out, since the seat was taken.

    Without `lock` for who holds the ledger already: ending takes the meeting's row first, then the ledger, so locks in
    the other order could wait for each other for ever; and its event comes after ours.

    Raises MeetingEnded, NotAdmitted.
    """
    current = await store.meeting_by_id(work.connection, meeting.id, for_update=lock)
    if current is None or not current.open:
        raise MeetingEnded
    if seat.relation in (Relation.HOST, Relation.STAFF):
        return
    entry = await store.entry_of(work.connection, meeting.id, who.account, for_update=lock)
    if entry is None or entry.state is not Admission.ADMITTED:
        raise NotAdmitted


def check_lobby(station: Station, meeting: Meeting) -> None:
    """Whether one may come in and wait now. Raises BookingCancelled, MeetingEnded, NotDueYet, DayIsOver.

    In the demo one may always come early, so that a newcomer need not wait.
    """
    check_open(meeting)
    try:
        check_due(meeting, station.clock.now(), enter_minutes_before(station))
    except NotDueYet:
        if not station.settings.demo:
            raise


async def took_part(station: Station, who: Principal, meeting: Meeting) -> bool:
    """Whether somebody was a party, a host or let in, and not put out; whoever oversees all counts as well."""
    if who.role in (Role.SYSTEM, Role.ADMIN, Role.SUPERVISOR):
        return True
    if await relation_of(station, who, meeting) in (Relation.HOST, Relation.STAFF, Relation.PARTY):
        return True
    async with station.database.read() as connection:
        entry = await store.entry_of(connection, meeting.id, who.account)
    return entry is not None and entry.granted_at is not None and entry.state is Admission.ADMITTED


def shown_name(meeting: Meeting, who: Principal) -> str:
    """The caller's name under their picture and beside what they write."""
    return display_name(who.role, who.name, meeting.public)


async def meeting_of_booking(station: Station, who: Principal, booking_id: str) -> Meeting:
    """The meeting of a booking, made when the first of them comes. Raises NotFound, BookingCancelled."""
    booking = await get_booking(station, who, booking_id)
    if booking.state is BookingState.CANCELLED:
        raise BookingCancelled
    async with station.database.read() as connection:
        found = await store.meeting_by_booking(connection, booking_id)
    if found is not None:
        return found
    meeting = Meeting(
        id=new_id("mt"),
        kind=Kind.RECEPTION,
        state=MeetingState.SCHEDULED,
        title=topic_of(booking),
        booking_id=booking.id,
        deputy_id=booking.deputy_id,
        deputy_name=booking.deputy_name,
        citizen=booking.citizen,
        citizen_name=booking.citizen_name,
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        public=False,
    )
    async with station.database.transaction() as work:
        is_first = await _insert(station, work, who, meeting)
    if is_first:
        return replace(meeting, title=await agreed_title(station, booking_id, meeting.title))
    async with station.database.read() as connection:  # the other one came at the same moment
        first = await store.meeting_by_booking(connection, booking_id)
    assert first is not None
    return first


async def meetings_without_job(station: Station, since: datetime, until: datetime) -> list[str]:
    """The ids of meetings that ended in a span of time and that nothing has asked to be composed."""
    async with station.database.read() as connection:
        return await store.ended_without_job(connection, since, until)


async def meetings_without_video(station: Station, before: datetime) -> list[str]:
    """The ids of meetings whose video has failed for good before a moment, and that nothing has asked to be sealed."""
    async with station.database.read() as connection:
        return await store.uncomposed_unsealed(connection, before)


async def held_meeting_of_booking(station: Station, who: Principal, booking_id: str) -> Meeting:
    """The meeting of a booking once it has been held. Raises NotFound."""
    await get_booking(station, who, booking_id)
    async with station.database.read() as connection:
        found = await store.meeting_by_booking(connection, booking_id)
    if found is None or found.state is not MeetingState.ENDED:
        raise NotFound
    return found


async def meetings_by_id(station: Station, ids: Sequence[str]) -> dict[str, Meeting]:
    """Several meetings by id, for pages that list what belongs to them."""
    async with station.database.read() as connection:
        return await store.meetings_by_id(connection, ids)


async def meetings_of_bookings(station: Station, bookings: list[str]) -> dict[str, Meeting]:
    """The meetings made so far for bookings, by booking id; for the desks and for "my" pages."""
    async with station.database.read() as connection:
        return await store.meetings_by_booking(connection, bookings)


async def count_ended(station: Station, day: date, deputies: Collection[str] | None) -> int:
    """How many receptions of a day have been held and are over; of some deputies, or with None of all."""
    since, until = day_span(day)
    async with station.database.read() as connection:
        return await store.count_ended_receptions(connection, deputies, since, until)


async def create_hearing(station: Station, who: Principal, form: HearingForm) -> Meeting:
    """A hearing with its chair. Raises BadInput with the fields at fault."""
    faults = check_hearing(form.title, form.starts_at, form.ends_at, station.clock.now())
    if faults:
        raise BadInput(fields=faults)
    try:
        deputy = await get_deputy(station, form.deputy_id)
    except NotFound:
        raise BadInput(fields={"deputy": N_("请选主持的代表")}) from None
    if not deputy.in_office:
        raise BadInput(fields={"deputy": N_("请选主持的代表")})
    if who.role is Role.CLERK and not await is_in_charge(station, who, deputy.id):
        raise BadInput(fields={"deputy": N_("这位代表不在您的联络站，请选本站的代表")})
    meeting = Meeting(
        id=new_id("mt"),
        kind=Kind.HEARING,
        state=MeetingState.SCHEDULED,
        title=form.title,
        booking_id="",
        deputy_id=deputy.id,
        deputy_name=deputy.name,
        citizen="",
        citizen_name="",
        starts_at=form.starts_at,
        ends_at=form.ends_at,
        public=form.public,
    )
    async with station.database.transaction() as work:
        await claim_key(work, station.clock.now())
        await directory.lock_deputy(work, deputy.id)  # of two who ask at one moment the second one finds the first's
        same = await store.find_same_hearing(work.connection, meeting)
        if same is None:
            await _insert(station, work, who, meeting)
        await keep_made(work, same or meeting.id)
    return meeting if same is None else await get_meeting(station, who, same)


async def _insert(station: Station, work: Transaction, who: Principal, meeting: Meeting) -> bool:
    """Store a new meeting; False when its booking has one already."""
    is_first = await store.add_meeting(work, meeting, station.clock.now())
    if is_first:
        data = {"kind": meeting.kind, "booking": meeting.booking_id, "deputy": meeting.deputy_id}
        await append(station, work, who, "meeting.created", meeting.subject, data)
    return is_first


@dataclass(frozen=True, slots=True)
class HearingPage:
    """Hearings that a clerk runs: all under way and to come, and one page of those that have been held."""

    running: list[Meeting]
    coming: list[Meeting]
    held: list[Meeting]
    page: int
    more: bool


async def list_hearings(station: Station, who: Principal, page: int = 1) -> HearingPage:
    """The hearings of the caller's station; what has been held comes HELD_A_PAGE at a time, back to the first."""
    deputies = await _own_deputies(station, who)
    page = max(1, min(page, LAST_PAGE))
    async with station.database.read() as connection:
        ahead = await store.open_hearings(connection, deputies, (MeetingState.OPEN, MeetingState.SCHEDULED))
        held = await store.ended_hearings(connection, deputies, (page - 1) * HELD_A_PAGE, HELD_A_PAGE + 1)
    return HearingPage(
        running=[h for h in ahead if h.state is MeetingState.OPEN],
        coming=[h for h in ahead if h.state is MeetingState.SCHEDULED],
        held=held[:HELD_A_PAGE],
        page=page,
        more=len(held) > HELD_A_PAGE,
    )


async def hearings_of_day(station: Station, who: Principal, since: datetime, until: datetime) -> list[Meeting]:
    """The hearings of a day, and those that are under way; for a clerk, those of the own station."""
    async with station.database.read() as connection:
        return await store.hearings_between(connection, await _own_deputies(station, who), since, until)


async def _own_deputies(station: Station, who: Principal) -> frozenset[str] | None:
    return await deputies_under(station, who.scope) if who.role is Role.CLERK else None


async def open_meeting(station: Station, work: Transaction, who: Principal, meeting: Meeting) -> Meeting:
    """Part of letting a host in: the first one opens the meeting. Raises MeetingEnded."""
    current = await store.meeting_by_id(work.connection, meeting.id, for_update=True)
    assert current is not None
    after = step_meeting(current.state, MeetingStep.OPEN)
    if after is current.state:
        return current
    now = station.clock.now()
    await store.change_meeting(work, meeting.id, state=after, opened_at=now)
    await append(station, work, who, "meeting.opened", meeting.subject)
    return replace(current, state=after, opened_at=now)


async def end_meeting(station: Station, who: Principal, meeting_id: str) -> Meeting:
    """End for all: the room closes, its recording stops, the booking is marked. Ending twice changes nothing.

    The room goes first: were media away, the meeting must not look ended while people still talk in it.
    Raises Unavailable then, and NotAllowed for who is no host.
    """
    meeting, seat = await take_seat(station, who, meeting_id)
    if not meeting.open:
        return meeting
    if not seat.may_end:
        raise NotAllowed
    if meeting.state is MeetingState.SCHEDULED:
        with suppress(DayIsOver):  # what was never held may be put away; what is still to come may not
            check_lobby(station, meeting)
    return await close_for_all(station, who, meeting)


async def close_for_all(station: Station, who: Principal, meeting: Meeting, at: datetime | None = None) -> Meeting:
    """`end_meeting` for who has looked at rights and times; `at` is when it ended, if that was not now."""
    await stop_broadcasts_of(station, who, meeting.id)
    await media_client.close_room(station, meeting.id)
    async with station.database.transaction() as work:
        current = await store.meeting_by_id(work.connection, meeting.id, for_update=True)
        assert current is not None
        if current.state is MeetingState.ENDED:
            return replace(current, cancelled=meeting.cancelled)
        after, ended_at = step_meeting(current.state, MeetingStep.END), at or station.clock.now()
        await store.change_meeting(work, meeting.id, state=after, ended_at=ended_at)
        if meeting.booking_id:  # the booking is locked before the ledger's head, as by whoever cancels it
            await _record_attendance(station, work, who, meeting)
        await append(station, work, who, "meeting.ended", meeting.subject)
    return replace(current, state=after, ended_at=ended_at, cancelled=meeting.cancelled)


async def _record_attendance(station: Station, work: Transaction, who: Principal, meeting: Meeting) -> None:
    entries = await store.entries_of(work.connection, meeting.id)
    came = any(entry.account == meeting.citizen and entry.granted_at for entry in entries)
    try:
        await record_attendance(station, work, who, meeting.booking_id, "attended" if came else "missed")
    except StepNotPossible:
        return  # cancelled meanwhile: the meeting ends all the same


async def close_cancelled(station: Station, arguments: dict[str, Any], _progress: object) -> None:
    """Job: the room of a booking that has been cancelled closes, and whoever is still in it leaves."""
    async with station.database.read() as connection:
        meeting = await store.meeting_by_booking(connection, str(arguments["booking"]))
    if meeting is None or meeting.state is MeetingState.ENDED:
        return
    meeting = await _with_booking(station, meeting)
    if meeting.cancelled:
        await close_for_all(station, SYSTEM, meeting)
