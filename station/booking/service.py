"""Booking, cancelling, marking: one transaction and one ledger event each."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from weakref import WeakValueDictionary

from station.base import jobs
from station.base.clock import day_span, local_date
from station.base.database import Transaction
from station.base.errors import Conflict, NotFound
from station.base.ids import new_id
from station.base.keyset import Cursor, Slice, join_key
from station.base.principal import Principal, Role
from station.base.station import Station
from station.booking import day_store, store
from station.booking.model import (
    Booking,
    BookingState,
    BookingStep,
    FormChanged,
    FormOutdated,
    Matter,
    Mode,
    Slot,
    StepNotPossible,
    check_matter,
    check_own,
    check_place,
    check_reason,
    next_state,
)
from station.booking.notice_texts import gaps_of, kinds_of
from station.booking.photos import take_draft_photos
from station.booking.policy import booking_policy
from station.booking.rota import get_slot
from station.directory.service import Deputy, clerks_in_charge, get_deputy, is_in_charge
from station.ledger.service import append
from station.notices.kinds import REMINDERS, USE_WITHDRAWN
from station.notices.model import Outgoing
from station.notices.service import drop_waiting, queue_all
from station.people.model import ConsentKind
from station.people.service import accounts_with, answers_in, get_account, record_consent
from station.photos.model import booking_holder
from station.photos.service import open_photo

_turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
_STEP_TO = {BookingState.ATTENDED: BookingStep.ATTEND, BookingState.MISSED: BookingStep.MISS}


@dataclass(frozen=True, slots=True)
class _BookingRequest:
    """Who wants which slot by which form, and who is told of it."""

    who: Principal
    slot_id: str
    form_key: str
    deputy: Deputy
    told: _Recipients


@dataclass(frozen=True, slots=True)
class _Recipients:
    """The citizen's phone ("" if none), the deputy's accounts, and the clerks' where they have something to do."""

    phone: str
    accounts: list[str]

    def without(self, account: str) -> _Recipients:
        """The same people but the one who did it."""
        return _Recipients(self.phone, [known for known in self.accounts if known != account])


async def _wish(
    station: Station, who: Principal, slot_id: str, form_key: str, by_draft: bool = False
) -> _BookingRequest:
    async with station.database.snapshot(brief=True):
        slot = await get_slot(station, who, slot_id)
        await _check_early(station, who, slot, form_key, by_draft)
        deputy = await get_deputy(station, slot.deputy_id)
        if not deputy.is_bookable:  # has left office, or does not receive at present: each time is closed
            await _check_early(station, who, replace(slot, closed=True), form_key, by_draft)
        return _BookingRequest(who, slot_id, form_key, deputy, await _people_told(station, who.account, deputy.id))


def _turn(slot_id: str) -> asyncio.Lock:
    """Those of this process who want the same slot come one after another, so that all behind the one who gets it are
    told by their first question. Between processes the database's locks decide, as they do without this.
    """
    return _turns.setdefault(slot_id, asyncio.Lock())


async def _check_early(station: Station, who: Principal, slot: Slot, form_key: str, by_draft: bool) -> None:
    """Of many who want the last place, most are told so before they wait for the lock. Raises like `check_place`.

    Not who sends a form again, or one that is not theirs: what that comes to is decided in order.
    """
    now = station.clock.now()
    try:
        check_place(slot, (), now)
    except Conflict:
        async with station.database.read() as connection:
            own = await store.own_bookings(connection, who.account)
            draft = await store.draft_of(connection, who.account) if by_draft else None
        if by_draft and (draft is None or draft.key != form_key):
            return
        if form_key not in dict(own):
            check_place(slot, [booking for _, booking in own], now)


async def book_slot(station: Station, who: Principal, slot_id: str, matter: Matter, form_key: str) -> Booking:
    """Book a slot for the caller, who has agreed to the use of what they wrote.

    The same form sent twice gives the same booking. Of two who take the last place at once exactly one gets it.
    Raises NotFound, BadInput, SlotPast, SlotClosed, SlotTaken, OverlappingBooking, TooManyBookings, TooManyToday.
    """
    async with _turn(slot_id):
        return await _book_slot(station, who, slot_id, matter, form_key)


async def _book_slot(station: Station, who: Principal, slot_id: str, matter: Matter, form_key: str) -> Booking:
    wish = await _wish(station, who, slot_id, form_key)
    async with station.database.transaction() as work:
        await store.lock_draft(work, who.account)
        own = await store.own_bookings(work.connection, who.account)
        again = dict(own).get(form_key)
        return again or await _take_place(station, work, wish, matter, [booking for _, booking in own])


async def confirm_draft(station: Station, who: Principal, slot_id: str, form_key: str) -> Booking:
    """Book what the citizen has filled in and checked. Raises like `book_slot`, FormChanged, and FormOutdated.

    `form_key` stands for what was checked: what another window has made of it since is not agreed to.
    """
    async with _turn(slot_id):
        return await _confirm_draft(station, who, slot_id, form_key)


async def _confirm_draft(station: Station, who: Principal, slot_id: str, form_key: str) -> Booking:
    wish = await _wish(station, who, slot_id, form_key, by_draft=True)
    async with station.database.transaction() as work:
        draft = await store.lock_draft(work, who.account)
        own = await store.own_bookings(work.connection, who.account)
        again = dict(own).get(form_key)
        if again is not None and again.slot_id == slot_id:
            return again
        if form_key and draft.key and draft.key != form_key:
            raise FormChanged
        if again is not None or not form_key or not draft.key or draft.mode is None:
            raise FormOutdated
        matter = Matter(draft.mode, draft.topic, draft.description, draft.help)
        booking = await _take_place(station, work, wish, matter, [booking for _, booking in own])
        await store.change_draft(work, who.account, **store.EMPTY_DRAFT)
        await take_draft_photos(station, work, who, booking)
        return booking


async def _take_place(
    station: Station, work: Transaction, wish: _BookingRequest, matter: Matter, own: Sequence[Booking]
) -> Booking:
    """The caller holds the lock on the citizen's draft; the lock on the slot comes second, everywhere."""
    now, who, policy = station.clock.now(), wish.who, booking_policy(station)
    slot = await store.lock_slot(work, wish.slot_id, who.account, now)
    if slot is None:
        raise NotFound
    check_matter(matter, slot.modes, policy)
    check_place(slot, own, now)
    check_own(slot, own, now, policy)
    identity = new_id("bk")
    booking = await store.add_booking(work, **_row(identity, slot, wish, matter), created_at=now)
    data = {"slot": slot.id, "deputy": slot.deputy_id, "starts_at": slot.starts_at.isoformat(), "mode": matter.mode}
    await append(station, work, who, "booking.booked", f"booking:{identity}", data)
    await record_consent(station, work, who, ConsentKind.USE, f"booking:{identity}", True, is_new=True)
    await _tell(station, work, booking, wish.told)
    return booking


def _row(identity: str, slot: Slot, wish: _BookingRequest, matter: Matter) -> dict[str, object]:
    return {
        "id": identity,
        "slot": slot.id,
        "deputy": wish.deputy.id,
        "deputy_name": wish.deputy.name,
        "station_name": wish.deputy.station_name,
        "station_address": wish.deputy.station_address,
        "citizen": wish.who.account,
        "citizen_name": wish.who.name,
        "topic": matter.topic,
        "description": matter.description,
        "starts_at": slot.starts_at,
        "ends_at": slot.ends_at,
        "mode": matter.mode,
        "help": ",".join(matter.help),
        "state": BookingState.BOOKED,
        "sequence": 0,
        "form_key": wish.form_key,
    }


async def cancel_booking(
    station: Station, who: Principal, booking_id: str, reason: str = "", for_citizen: bool = False
) -> Booking:
    """Cancel. Cancelling twice changes nothing.

    A citizen's place is free again at once, also when a clerk cancels `for_citizen`, who has telephoned. A deputy or
    the station that cancels says why; the citizen is told, and the time stays closed: nobody else can be received in
    it either. Raises NotFound, BadInput (no reason), StepNotPossible (it has begun, or was held).
    """
    by_host = who.role is not Role.CITIZEN and not (for_citizen and who.role in (Role.CLERK, Role.ADMIN))
    booking = await get_booking(station, who, booking_id)
    words = check_reason(reason) if by_host and booking.state is BookingState.BOOKED else ""
    told = await _people_told(station, booking.citizen, booking.deputy_id, by_host)
    async with station.database.transaction() as work:
        booking = await _must_find(work, booking_id)
        if booking.state is BookingState.CANCELLED:
            return booking
        if booking.starts_at <= station.clock.now() and who.role is Role.CITIZEN:
            raise StepNotPossible
        return await _cancel(station, work, who, booking, told, who.role if by_host else Role.CITIZEN, words)


async def _cancel(
    station: Station, work: Transaction, who: Principal, booking: Booking, told: _Recipients, by: Role, reason: str = ""
) -> Booking:
    """The caller holds the booking's row."""
    if by is not Role.CITIZEN:
        # Before the ledger's head is locked: whoever books locks the slot first and the head after it.
        await store.close_slots(work, [booking.slot_id])
    changed: store.BookingColumns = {"cancelled_by": str(by), "cancel_reason": reason}
    await _change_state(station, work, who, booking, BookingStep.CANCEL, "booking.cancelled", changed)
    booking = await _must_find(work, booking.id)
    await drop_waiting(work, f"booking:{booking.id}", REMINDERS.values())
    await _tell(station, work, booking, told.without(who.account))
    # Booking knows no meetings: the work role closes the one that may have been made for this booking.
    arguments = {"booking": booking.id}
    await jobs.enqueue(work, "close-cancelled", f"close-cancelled:{booking.id}", arguments, station.clock.now())
    return booking


async def withdraw_use(station: Station, who: Principal, booking_id: str, staff: Sequence[str]) -> None:
    """Take back the consent to the use of what was written: a booking that is still ahead is cancelled with it.

    Nobody but the citizen reads what was written any longer (`Booking.for_host`).
    `staff`, the accounts of the deputy and the clerks, are told: they must see to what has already been handed on,
    and to what has been published of it, which holds nobody's name. Twice changes nothing. Raises NotFound.
    """
    booking = await get_booking(station, who, booking_id)
    told = await _people_told(station, booking.citizen, booking.deputy_id)
    subject = f"booking:{booking_id}"
    async with station.database.transaction() as work:
        booking = await _must_find(work, booking_id)
        if (await answers_in(work, who, subject)).get(ConsentKind.USE) is False:
            return
        if booking.state is BookingState.BOOKED and booking.starts_at > station.clock.now():
            await _cancel(station, work, who, booking, told, Role.CITIZEN)
        await store.change_booking(work, booking_id, use_withdrawn=True)
        await record_consent(station, work, who, ConsentKind.USE, subject, False)
        gaps = {"citizen": booking.citizen_name, "number": booking.number}
        await queue_all(station, work, [Outgoing("app", account, USE_WITHDRAWN, gaps, subject) for account in staff])


async def mark_booking(station: Station, who: Principal, booking_id: str, state: BookingState | str) -> Booking:
    """Note that the meeting was "attended" or "missed". Noting the same twice changes nothing.

    Raises NotFound, StepNotPossible.
    """
    await get_booking(station, who, booking_id)
    async with station.database.transaction() as work:
        return await record_attendance(station, work, who, booking_id, state)


async def record_attendance(
    station: Station, work: Transaction, who: Principal, booking_id: str, state: BookingState | str
) -> Booking:
    """`mark_booking` as part of a larger unit of work, such as the end of a meeting. Raises like it."""
    step = _STEP_TO.get(BookingState(state))
    if step is None:
        raise StepNotPossible
    booking = await _must_find(work, booking_id)
    if booking.state == state:
        return booking
    await _change_state(station, work, who, booking, step, f"booking.{BookingState(state)}")
    return await _must_find(work, booking_id)


def enter_minutes_before(station: Station) -> int:
    """How long before an appointment its waiting room opens, by this station's policy."""
    return booking_policy(station).enter_minutes_before


async def booking_states(station: Station, booking_ids: Sequence[str]) -> dict[str, BookingState]:
    """Where bookings stand now, by id; for the packages whose rows belong to a booking."""
    async with station.database.read() as connection:
        return await store.states_of(connection, booking_ids)


async def _change_state(
    station: Station,
    work: Transaction,
    who: Principal,
    booking: Booking,
    step: BookingStep,
    action: str,
    more: store.BookingColumns | None = None,
) -> None:
    after = next_state(booking.state, step, who.role)
    changed: store.BookingColumns = {**(more or {}), "state": after, "sequence": booking.sequence + 1}
    await store.change_booking(work, booking.id, **changed)
    data: dict[str, object] = {"from": booking.state, "to": after}
    if step is BookingStep.CANCEL:
        data["by"] = changed["cancelled_by"]  # the reason is somebody's own words and stays out of the chain
    await append(station, work, who, action, f"booking:{booking.id}", data)


async def _must_find(work: Transaction, booking_id: str) -> Booking:
    booking = await store.booking_by_id(work.connection, booking_id, for_update=True)
    if booking is None:
        raise NotFound
    return booking


async def get_booking(station: Station, who: Principal, booking_id: str) -> Booking:
    """A booking for its citizen, its deputy (`for_host`), a clerk of its station, an administrator. Raises NotFound."""
    async with station.database.read() as connection:
        booking = await store.booking_by_id(connection, booking_id)
    if booking is None or not await _may_see(station, who, booking):
        raise NotFound
    return booking if booking.citizen == who.account else booking.for_host()


async def open_booking_photo(station: Station, who: Principal, booking_id: str, photo_id: str) -> Path:
    """The file of a photo of a booking that the caller may see. Raises NotFound."""
    booking = await get_booking(station, who, booking_id)
    if booking.use_withdrawn and booking.citizen != who.account:
        raise NotFound
    return await open_photo(station, booking_holder(booking.id), photo_id)


async def _may_see(station: Station, who: Principal, booking: Booking) -> bool:
    """Whether the caller has to do with the booking; a clerk of another station has not."""
    if who.role is Role.CITIZEN:
        return booking.citizen == who.account
    if who.role is Role.DEPUTY:
        return booking.deputy_id == who.scope
    if who.role is Role.CLERK:
        return await is_in_charge(station, who.scope, booking.deputy_id)
    return who.role in (Role.ADMIN, Role.SYSTEM)


def may_enter(station: Station, booking: Booking) -> bool:
    """Whether the way into the meeting shows; in the demo always, so that a newcomer need not wait."""
    now = station.clock.now()
    ahead = booking.state is BookingState.BOOKED and booking.ends_at > now
    early = not station.settings.demo and now < booking.enter_from(booking_policy(station))
    return ahead and booking.mode is Mode.VIDEO and not early


async def my_bookings(station: Station, who: Principal) -> list[Booking]:
    """A citizen's own bookings, or those with a deputy, in order of time."""
    async with station.database.read() as connection:
        if who.role is Role.DEPUTY:
            return [booking.for_host() for booking in await store.bookings_of_deputy(connection, who.scope)]
        return await store.bookings_of_citizen(connection, who.account)


async def page_of_day(
    station: Station, day: date, deputies: Collection[str] | None, cursor: Cursor | None, size: int
) -> tuple[Slice[Booking], int]:
    """A page of the bookings of a day that are not cancelled, in order, and how many there are.

    Without a cursor, when today is longer than a page, the page begins with what lasts now.
    """
    since, until = day_span(day)
    async with station.database.read() as connection:
        total = await day_store.count_bookings(connection, since, until, deputies)
        if cursor is None and total > size and day == local_date(station.clock.now()):
            begins = await day_store.first_not_over(connection, since, until, deputies, station.clock.now())
            cursor = Cursor(join_key((begins, ""))) if begins else None
        found = await day_store.bookings_page(connection, since, until, deputies, cursor, size)
    return found.map(Booking.for_host), total


async def _people_told(station: Station, citizen: str, deputy_id: str, clerks: bool = False) -> _Recipients:
    account = await get_account(station, citizen)
    staff = await accounts_with(station, Role.DEPUTY, deputy_id)
    staff += await clerks_in_charge(station, deputy_id) if clerks else []
    return _Recipients(account.phone, [a.id for a in staff])


async def _tell(station: Station, work: Transaction, booking: Booking, told: _Recipients) -> None:
    to_citizen, to_staff = kinds_of(booking)
    gaps, subject = gaps_of(station, booking), f"booking:{booking.id}"
    outgoing = [Outgoing("app", account, to_staff, gaps, subject) for account in told.accounts]
    if told.phone:
        outgoing.append(Outgoing("sms", told.phone, to_citizen, gaps, subject, account=booking.citizen))
    await queue_all(station, work, outgoing)
