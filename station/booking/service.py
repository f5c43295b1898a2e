"""Booking, cancelling, marking: one transaction and one ledger event each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sqlalchemy import insert, update

from station.base import jobs
from station.base.clock import local_date
from station.base.database import Transaction
from station.base.errors import NotFound
from station.base.i18n import format_day, format_time
from station.base.ids import new_id
from station.base.principal import Principal, Role
from station.base.station import Station
from station.booking import store
from station.booking.drafts import EMPTY
from station.booking.model import (
    Booking,
    FormOutdated,
    Matter,
    Mode,
    Slot,
    State,
    Step,
    StepNotPossible,
    check_matter,
    check_own,
    check_place,
    next_state,
)
from station.booking.photos import take_draft_photos
from station.booking.policy import booking_policy
from station.booking.rota import day_span, get_slot
from station.directory.service import Deputy, get_deputy
from station.ledger.service import append
from station.notices.service import queue
from station.people.service import accounts_with, get_account, record_consent
from station.photos.model import booking_holder
from station.photos.service import open_photo

_MODE_WORDS = {Mode.VIDEO: "视频见面", Mode.ONSITE: "到站见面", Mode.PHONE: "电话联系"}
_STEP_TO = {State.ATTENDED: Step.ATTEND, State.MISSED: Step.MISS}


@dataclass(frozen=True, slots=True)
class _Wish:
    """Who wants which slot by which form, and who is told of it."""

    who: Principal
    slot_id: str
    form_key: str
    deputy: Deputy
    told: _Told


@dataclass(frozen=True, slots=True)
class _Told:
    """The citizen's phone ("" if none) and the deputy's accounts."""

    phone: str
    accounts: list[str]


async def _wish(station: Station, who: Principal, slot_id: str, form_key: str) -> _Wish:
    deputy = await get_deputy(station, (await get_slot(station, who, slot_id)).deputy_id)
    return _Wish(who, slot_id, form_key, deputy, await _people_told(station, who.account, deputy.id))


async def book_slot(station: Station, who: Principal, slot_id: str, matter: Matter, form_key: str) -> Booking:
    """Book a slot for the caller, who has agreed to the use of what they wrote.

    The same form sent twice gives the same booking. Of two who take the last place at once exactly one gets it.
    Raises NotFound, BadInput, SlotPast, SlotTaken, OverlappingBooking, TooManyBookings.
    """
    wish = await _wish(station, who, slot_id, form_key)
    async with station.database.transaction() as work:
        await store.lock_draft(work, who.account)
        return await _same_form(work, wish) or await _take_place(station, work, wish, matter)


async def confirm_draft(station: Station, who: Principal, slot_id: str, form_key: str) -> Booking:
    """Book what the citizen has filled in and checked. Raises like `book_slot`, and FormOutdated."""
    wish = await _wish(station, who, slot_id, form_key)
    async with station.database.transaction() as work:
        draft = await store.lock_draft(work, who.account)
        again = await _same_form(work, wish)
        if again is not None:
            return again
        if not form_key or draft.key != form_key or draft.mode is None:
            raise FormOutdated
        matter = Matter(draft.mode, draft.topic, draft.description, draft.help)
        booking = await _take_place(station, work, wish, matter)
        await store.change_draft(work, who.account, **EMPTY)
        await take_draft_photos(station, work, who, booking)
        return booking


async def _same_form(work: Transaction, wish: _Wish) -> Booking | None:
    return await store.booking_where(work.connection, citizen=wish.who.account, form_key=wish.form_key)


async def _take_place(station: Station, work: Transaction, wish: _Wish, matter: Matter) -> Booking:
    """The caller holds the lock on the citizen's draft; the lock on the slot comes second, everywhere."""
    now, who, policy = station.clock.now(), wish.who, booking_policy()
    slot = await store.lock_slot(work, wish.slot_id, who.account, now)
    if slot is None:
        raise NotFound
    check_matter(matter, slot.modes, policy)
    check_place(slot, now)
    check_own(slot, await store.bookings_where(work.connection, citizen=who.account), now, policy)
    identity = new_id("bk")
    await work.execute(insert(store.bookings).values(_row(identity, slot, wish, matter) | {"created_at": now}))
    data = {"slot": slot.id, "deputy": slot.deputy_id, "starts_at": slot.starts_at.isoformat(), "mode": matter.mode}
    await append(station, work, who, "booking.booked", f"booking:{identity}", data)
    await record_consent(station, work, who, "use", f"booking:{identity}", True)
    booking = await _must_find(work, identity)
    await _tell(station, work, booking, wish.told, "booked")
    return booking


def _row(identity: str, slot: Slot, wish: _Wish, matter: Matter) -> dict[str, object]:
    return {
        "id": identity, "slot": slot.id, "deputy": wish.deputy.id, "deputy_name": wish.deputy.name,
        "station_name": wish.deputy.station_name, "station_address": wish.deputy.station_address,
        "citizen": wish.who.account, "citizen_name": wish.who.name, "topic": matter.topic,
        "description": matter.description, "starts_at": slot.starts_at, "ends_at": slot.ends_at,
        "mode": matter.mode, "help": ",".join(matter.help), "state": State.BOOKED, "sequence": 0,
        "form_key": wish.form_key,
    }  # fmt: skip


async def cancel_booking(station: Station, who: Principal, booking_id: str) -> Booking:
    """Cancel; the place is free again at once. Cancelling twice changes nothing.

    Raises NotFound, StepNotPossible (it has begun, or was held).
    """
    booking = await get_booking(station, who, booking_id)
    told = await _people_told(station, booking.citizen, booking.deputy_id)
    async with station.database.transaction() as work:
        booking = await _must_find(work, booking_id)
        if booking.state is State.CANCELLED:
            return booking
        if booking.starts_at <= station.clock.now() and who.role is Role.CITIZEN:
            raise StepNotPossible
        await _change_state(station, work, who, booking, Step.CANCEL, "booking.cancelled")
        booking = await _must_find(work, booking_id)
        await _tell(station, work, booking, told, "cancelled")
        # Booking knows no meetings: the work role closes the one that may have been made for this booking.
        arguments = {"booking": booking_id}
        await jobs.enqueue(work, "close-cancelled", f"close-cancelled:{booking_id}", arguments, station.clock.now())
        return booking


async def mark_booking(station: Station, who: Principal, booking_id: str, state: State | str) -> Booking:
    """Note that the meeting was "attended" or "missed". Noting the same twice changes nothing.

    Raises NotFound, StepNotPossible.
    """
    await get_booking(station, who, booking_id)
    async with station.database.transaction() as work:
        return await record_attendance(station, work, who, booking_id, state)


async def record_attendance(
    station: Station, work: Transaction, who: Principal, booking_id: str, state: State | str
) -> Booking:
    """`mark_booking` as part of a larger unit of work, such as the end of a meeting. Raises like it."""
    step = _STEP_TO.get(State(state))
    if step is None:
        raise StepNotPossible
    booking = await _must_find(work, booking_id)
    if booking.state == state:
        return booking
    await _change_state(station, work, who, booking, step, f"booking.{State(state)}")
    return await _must_find(work, booking_id)


async def booking_states(station: Station, booking_ids: Sequence[str]) -> dict[str, State]:
    """Where bookings stand now, by id; for the packages whose rows belong to a booking."""
    async with station.database.read() as connection:
        return await store.states_of(connection, booking_ids)


async def _change_state(
    station: Station, work: Transaction, who: Principal, booking: Booking, step: Step, action: str
) -> None:
    after = next_state(booking.state, step, who.role)
    changed = {"state": after, "sequence": booking.sequence + 1}
    await work.execute(update(store.bookings).where(store.bookings.c.id == booking.id).values(changed))
    await append(station, work, who, action, f"booking:{booking.id}", {"from": booking.state, "to": after})


async def _must_find(work: Transaction, booking_id: str) -> Booking:
    booking = await store.booking_where(work.connection, lock=True, id=booking_id)
    if booking is None:
        raise NotFound
    return booking


async def get_booking(station: Station, who: Principal, booking_id: str) -> Booking:
    """A booking for its citizen, its deputy, a clerk or an administrator. Raises NotFound for anybody else."""
    async with station.database.read() as connection:
        booking = await store.booking_where(connection, id=booking_id)
    if booking is None or not may_see(who, booking):
        raise NotFound
    return booking


async def open_booking_photo(station: Station, who: Principal, booking_id: str, photo_id: str) -> Path:
    """The file of a photo of a booking that the caller may see. Raises NotFound."""
    booking = await get_booking(station, who, booking_id)
    return await open_photo(station, booking_holder(booking.id), photo_id)


def may_see(who: Principal, booking: Booking) -> bool:
    """Whether the caller has to do with the booking."""
    if who.role is Role.CITIZEN:
        return booking.citizen == who.account
    if who.role is Role.DEPUTY:
        return booking.deputy_id == who.scope
    return who.role in (Role.CLERK, Role.ADMIN, Role.SYSTEM)


def may_enter(station: Station, booking: Booking) -> bool:
    """Whether the way into the meeting shows; in the demo always, so that a newcomer need not wait."""
    now = station.clock.now()
    ahead = booking.state is State.BOOKED and booking.ends_at > now
    return (
        ahead and booking.mode is Mode.VIDEO and (station.settings.demo or booking.enter_from(booking_policy()) <= now)
    )


async def my_bookings(station: Station, who: Principal) -> list[Booking]:
    """A citizen's own bookings, or those with a deputy, in order of time."""
    async with station.database.read() as connection:
        if who.role is Role.DEPUTY:
            return await store.bookings_where(connection, deputy=who.scope)
        return await store.bookings_where(connection, citizen=who.account)


async def bookings_of_day(station: Station, day: date, deputy_id: str | None = None) -> list[Booking]:
    """All bookings that begin on a day in Shanghai, cancelled ones too, in order; for the desks."""
    since, until = day_span(day)
    where = {} if deputy_id is None else {"deputy": deputy_id}
    async with station.database.read() as connection:
        return await store.bookings_where(connection, since, until, **where)


async def _people_told(station: Station, citizen: str, deputy_id: str) -> _Told:
    account = await get_account(station, citizen)
    return _Told(account.phone, [a.id for a in await accounts_with(station, Role.DEPUTY, deputy_id)])


async def _tell(station: Station, work: Transaction, booking: Booking, told: _Told, what: str) -> None:
    today = local_date(station.clock.now())
    when = f"{format_day(booking.starts_at, 'zh', today)}{format_time(booking.starts_at)}"
    texts = {
        "booked": (
            f"约好了：{when}，和{booking.deputy_name}代表{_MODE_WORDS[booking.mode]}，预约号 {booking.number}。"
            f"来不了请在网上“我的”里取消，或打电话 {station.settings.help_phone}。",
            f"新预约：{when}，{booking.citizen_name}，{_MODE_WORDS[booking.mode]}。",
        ),
        "cancelled": (
            f"已取消：{when}，和{booking.deputy_name}代表的预约（{booking.number}）。随时可以再约。",
            f"预约取消：{when}，{booking.citizen_name}。",
        ),
    }
    to_citizen, to_deputy = texts[what]
    subject = f"booking:{booking.id}"
    if told.phone:
        await queue(station, work, "sms", told.phone, to_citizen, subject, account=booking.citizen)
    for account in told.accounts:
        await queue(station, work, "app", account, to_deputy, subject)
