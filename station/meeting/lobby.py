"""The door: people come, keep their place over a reload, are let in, turned away or put out."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from station.base.database import Transaction
from station.base.errors import N_, Conflict, NotAllowed, NotFound, Unavailable
from station.base.idempotency import claim_key
from station.base.ids import new_id
from station.base.principal import Principal
from station.base.station import Station
from station.booking.model import BookingState
from station.booking.service import booking_states
from station.ledger.service import append
from station.meeting import store
from station.meeting.model import (
    SIGN_OF_LIFE,
    Admission,
    DoorStep,
    Entry,
    Meeting,
    Relation,
    check_open,
    display_name,
    step_door,
)
from station.meeting.service import check_lobby, take_seat
from station.nodes import media_client
from station.nodes.journal_store import here_now

LOBBY_TOPIC = "lobby"
STEPS_A_MINUTE = 20  # in and out of the waiting room, by one person


class NobodyThere(Conflict):
    code = "nobody-there"
    message = N_("这个人已经不在等候室了")


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody stands in the queue: 1 is next. `busy`: the deputy is still with somebody else."""

    place: int
    busy: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody at the door, for those who may open it."""

    meeting: Meeting
    entry: Entry
    name: str


async def enter_lobby(station: Station, who: Principal, meeting_id: str, ready: bool = False) -> Admission:
    """Ask to come in. Coming again keeps the place; `ready` tells that the devices have been tried.

    Raises DoorClosed to somebody who was turned away, TooManyRequests, and like `check_lobby`.
    """
    meeting, seat = await take_seat(station, who, meeting_id)
    check_lobby(station, meeting)
    if seat.relation in (Relation.HOST, Relation.STAFF):
        return Admission.ADMITTED
    async with station.database.transaction() as work:
        # The meeting's row stands for the door: two tabs of one person must not both take a place.
        await store.meeting_by_id(work.connection, meeting_id, for_update=True)
        entry = await store.entry_of(work.connection, meeting_id, who.account)
        before = entry.state if entry else Admission.NONE
        after = step_door(before, DoorStep.ENTER)
        if entry is None:
            await _insert(station, work, who, meeting, after, ready)
        elif after is not before or (ready and not entry.ready):
            changed: store.EntryColumns = {
                "state": after,
                "ready": ready or entry.ready,
                "seen_at": station.clock.now(),
            }
            if after is not before:
                changed["entered_at"] = station.clock.now()
            await store.change_entry(work, meeting_id, who.account, **changed)
        else:
            was_away = after is Admission.WAITING and not entry.is_waiting(station.clock.now())
            await store.change_entry(work, meeting_id, who.account, seen_at=station.clock.now())
            if was_away:
                _tell_desks(station, work, "lobby.back")
            return after
        await station.bus.limit(f"door:{who.account}", STEPS_A_MINUTE, 60)  # each step is a row of the ledger
        await _record(station, work, who, "lobby.entered", meeting, who.account)
        return after


async def stay_in_lobby(station: Station, who: Principal, meeting_id: str) -> None:
    """A sign of life of somebody who waits; it lets nobody in, and nobody queue who does not."""
    async with station.database.transaction() as work:
        entry = await store.entry_of(work.connection, meeting_id, who.account, for_update=True)
        if entry is None or entry.state is not Admission.WAITING:
            return
        now = station.clock.now()
        await store.change_entry(work, meeting_id, who.account, seen_at=now)
        if not entry.is_waiting(now):
            _tell_desks(station, work, "lobby.back")


async def leave_lobby(station: Station, who: Principal, meeting_id: str) -> None:
    """Stop waiting; the place is lost. Leaving the room itself changes nothing here: one may come back."""
    meeting, _ = await take_seat(station, who, meeting_id)
    async with station.database.transaction() as work:
        entry = await store.entry_of(work.connection, meeting_id, who.account, for_update=True)
        if entry is None or entry.state is not Admission.WAITING:
            return
        await station.bus.limit(f"door:{who.account}", STEPS_A_MINUTE, 60)
        await store.change_entry(work, meeting_id, who.account, state=step_door(entry.state, DoorStep.LEAVE))
        await _record(station, work, who, "lobby.left", meeting, who.account)


async def admit(station: Station, who: Principal, meeting_id: str, person: str) -> None:
    """Let somebody in. Raises NotAllowed, NobodyThere, MeetingEnded."""
    await _decide(station, who, meeting_id, person, DoorStep.ADMIT, "lobby.admitted")


async def refuse(station: Station, who: Principal, meeting_id: str, person: str) -> None:
    """Turn somebody away, or put them out of the room. Raises NotAllowed, NobodyThere, MeetingEnded, Unavailable."""
    before = await _decide(station, who, meeting_id, person, DoorStep.REFUSE, "lobby.refused")
    try:  # whatever the row said before: a first try may have reached the row and not the room
        await media_client.remove_member(station, meeting_id, person)
    except Unavailable:
        if before is Admission.ADMITTED:
            raise


async def _decide(
    station: Station, who: Principal, meeting_id: str, person: str, step: DoorStep, action: str
) -> Admission:
    meeting, seat = await take_seat(station, who, meeting_id)
    check_open(meeting)
    if not seat.may_admit:
        raise NotAllowed
    async with station.database.transaction() as work:
        await claim_key(work, station.clock.now())
        entry = await store.entry_of(work.connection, meeting_id, person, for_update=True)
        if entry is None:
            raise NotFound
        gone = entry.state is Admission.WAITING and not entry.is_waiting(station.clock.now())
        if entry.state is Admission.LEFT or (gone and step is DoorStep.ADMIT):
            raise NobodyThere
        after = step_door(entry.state, step)
        if after is not entry.state:
            await store.change_entry(work, meeting_id, person, state=after)
            await _record(station, work, who, action, meeting, person)
        return entry.state


async def _insert(
    station: Station, work: Transaction, who: Principal, meeting: Meeting, state: Admission, ready: bool
) -> None:
    now = station.clock.now()
    await store.add_entry(
        work,
        id=new_id("le"),
        meeting_id=meeting.id,
        account=who.account,
        name=who.name,
        role=who.role,
        state=state,
        ready=ready,
        entered_at=now,
        seen_at=now,
    )


async def _record(
    station: Station, work: Transaction, who: Principal, action: str, meeting: Meeting, person: str
) -> None:
    await append(station, work, who, action, meeting.subject, {"person": person})
    _tell_desks(station, work, action)


def _tell_desks(station: Station, work: Transaction, action: str) -> None:
    async def tell() -> None:
        await station.bus.publish(LOBBY_TOPIC, {"action": action})

    work.after_commit.append(tell)


async def place_in_queue(station: Station, meeting: Meeting, account: str) -> Place | None:
    """The caller's place among all who wait for the same deputy; None when not waiting."""
    queue = await _queue(station, [meeting.deputy_id])
    async with station.database.read() as connection:
        let_in = await store.let_in_elsewhere(connection, meeting.deputy_id, meeting.id)
        here = await here_now(connection, {other for other, _ in let_in})
    for number, (other, entry) in enumerate(queue, start=1):
        if other.id == meeting.id and entry.account == account:
            return Place(number, busy=bool(let_in & here))
    return None


async def list_waiting(station: Station, deputy_ids: Collection[str] | None = None) -> list[Waiting]:
    """Who waits now, for some deputies or, with None, at all doors."""
    found = await _queue(station, deputy_ids)
    return [Waiting(m, entry, display_name(entry.role, entry.name, m.public)) for m, entry in found]


async def _queue(station: Station, deputy_ids: Collection[str] | None) -> list[tuple[Meeting, Entry]]:
    """Who waits in front of the page, for a meeting of today that has not been cancelled."""
    seen_since = station.clock.now() - SIGN_OF_LIFE
    async with station.database.read() as connection:
        found = await store.waiting_for(connection, deputy_ids, seen_since)
    bookings = [meeting.booking_id for meeting, _ in found if meeting.booking_id]
    states = await booking_states(station, bookings) if bookings else {}
    stand = [(m, entry) for m, entry in found if states.get(m.booking_id) is not BookingState.CANCELLED]
    return [(m, entry) for m, entry in stand if _is_due(station, m)]


def _is_due(station: Station, meeting: Meeting) -> bool:
    try:
        check_lobby(station, meeting)
    except Conflict:
        return False
    return True


async def people_of(station: Station, meeting_id: str) -> list[Entry]:
    """Everybody who came to the door of a meeting, in the order they came."""
    async with station.database.read() as connection:
        return await store.entries_of(connection, meeting_id)
