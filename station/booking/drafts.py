"""Filling in the form: what is typed is kept, and the slot is held meanwhile."""

from __future__ import annotations

from datetime import datetime, timedelta

from station.base.errors import Conflict, NotFound
from station.base.ids import new_id
from station.base.principal import SYSTEM, Principal
from station.base.station import Station
from station.booking import store
from station.booking.model import Draft, Matter, Slot, SlotClosed, check_matter, check_own, check_place
from station.booking.policy import booking_policy
from station.directory.service import is_bookable
from station.photos import service as photos
from station.photos.model import draft_holder

# Holding is a courtesy that ends by itself; it is no step in anybody's matter, so it leaves no ledger event.

KEEP_DRAFTS = timedelta(days=7)


async def start_draft(station: Station, who: Principal, slot_id: str) -> tuple[Draft, Slot]:
    """Hold the slot for the citizen and take up what they typed before.

    Raises NotFound, SlotPast, SlotClosed, SlotTaken, OverlappingBooking, TooManyBookings, TooManyToday; the text typed
    before stays.
    """
    now = station.clock.now()
    async with station.database.transaction() as work:
        draft = await store.lock_draft(work, who.account)
        slot = await store.lock_slot(work, slot_id, who.account, now)
        if slot is None:
            raise NotFound
        if not await is_bookable(work, slot.deputy_id):
            raise SlotClosed
        own = await store.bookings_of_citizen(work.connection, who.account)
        check_place(slot, own, now)
        check_own(slot, own, now, booking_policy(station))
        until = _held_until(station, draft, slot_id, now)
        changed: store.DraftColumns = {"slot": slot_id, "held_until": until, "key": draft.key or new_id("fk")}
        await store.change_draft(work, who.account, **changed)
        return await store.lock_draft(work, who.account), slot


def _held_until(station: Station, draft: Draft, slot_id: str, now: datetime) -> datetime:
    running = draft.slot_id == slot_id and draft.held_until is not None and draft.held_until > now
    fresh = now + timedelta(minutes=booking_policy(station).hold_minutes)
    return draft.held_until if running and draft.held_until is not None else fresh


def _is_same(draft: Draft, slot_id: str, matter: Matter) -> bool:
    """Whether the check page shows what it showed: a form's key stands for that, and is agreed to with it."""
    before = draft.slot_id, draft.mode, draft.topic, draft.description, draft.help
    return bool(draft.key) and before == (slot_id, matter.mode, matter.topic, matter.description, matter.help)


async def save_draft(station: Station, who: Principal, slot_id: str, matter: Matter) -> Draft:
    """Keep what was typed, then make sure that the slot is still there.

    Raises BadInput (nothing is kept: the page shows the form again), or NotFound, SlotPast, SlotClosed, SlotTaken,
    OverlappingBooking after the text has been kept.
    """
    now = station.clock.now()
    gone: Conflict | None = None
    async with station.database.transaction() as work:
        draft = await store.lock_draft(work, who.account)
        slot = await store.lock_slot(work, slot_id, who.account, now)
        if slot is None:
            raise NotFound
        check_matter(matter, slot.modes, booking_policy(station))
        changed: store.DraftColumns = {
            "key": draft.key if _is_same(draft, slot_id, matter) else new_id("fk"),
            "slot": slot_id,
            "held_until": _held_until(station, draft, slot_id, now),
            "mode": matter.mode or "",
            "topic": matter.topic,
            "description": matter.description,
            "help": ",".join(matter.help),
        }
        try:
            check_place(slot, await store.bookings_of_citizen(work.connection, who.account), now)
        except Conflict as error:
            gone = error
            changed |= {"slot": "", "held_until": now}
        await store.change_draft(work, who.account, **changed)
        draft = await store.lock_draft(work, who.account)
    if gone is not None:
        raise gone
    return draft


async def get_draft(station: Station, who: Principal) -> Draft | None:
    """What the citizen has filled in so far, if anything."""
    async with station.database.read() as connection:
        draft = await store.draft_of(connection, who.account)
    return draft if draft is not None and draft.key else None


async def drop_draft(station: Station, who: Principal) -> None:
    """Forget what was typed and the photos with it, and let the slot go."""
    async with station.database.transaction() as work:
        await store.lock_draft(work, who.account)
        await store.change_draft(work, who.account, **store.EMPTY_DRAFT)
        await photos.remove(station, work, who, draft_holder(who.account))


async def forget_old_drafts(station: Station) -> None:
    """Delete what was never sent, words and photos: after KEEP_DRAFTS nobody expects it there, and it is personal."""
    async with station.database.transaction() as work:
        for citizen in await store.delete_drafts_before(work, station.clock.now() - KEEP_DRAFTS):
            await photos.remove(station, work, SYSTEM, draft_holder(citizen))
