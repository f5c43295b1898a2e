"""Photos that go with a matter: added to the draft, handed on with it, seen by those who may see the booking."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import IO
from weakref import WeakValueDictionary

from station.base.database import Transaction
from station.base.ids import new_id
from station.base.principal import SYSTEM, Principal
from station.base.station import Station
from station.booking import store
from station.booking.model import Booking
from station.ledger.service import append
from station.photos import service as photos
from station.photos.model import Photo, booking_holder, draft_holder

PHOTOS_AN_HOUR = 60
KEEP_CANCELLED = timedelta(days=30)  # after the time that was cancelled; /privacy says so
LOOK_BACK = timedelta(days=400)  # for a station that was away for long
LOOKED_AT_ONCE = 500
_turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()


async def add_photo(station: Station, who: Principal, sent: IO[bytes]) -> Photo:
    """Take a photo into the citizen's draft.

    Raises NotAPhoto, TooManyPixels, PhotoTooLong, TooManyPhotos, PhotoNotKept, TooManyRequests; then nothing stays.
    """
    await station.bus.limit(f"photos:{who.account}", PHOTOS_AN_HOUR, 3600)
    async with _turn(who.account), photos.prepare(station, sent) as prepared, station.database.transaction() as work:
        await _renew_key(work, who)
        return await photos.attach(station, work, who, draft_holder(who.account), prepared)


def _turn(account: str) -> asyncio.Lock:
    """The photos of one person are decoded one after another: few are decoded at once, and others must come to it."""
    return _turns.setdefault(account, asyncio.Lock())


async def remove_photo(station: Station, who: Principal, photo_id: str) -> None:
    """Take a photo out of the citizen's draft. One that is not there changes nothing."""
    async with station.database.transaction() as work:
        await _renew_key(work, who)
        await photos.remove(station, work, who, draft_holder(who.account), photo_id)


async def _renew_key(work: Transaction, who: Principal) -> None:
    """Lock the draft. What a check page shows in another window is not what would be handed over now."""
    if (await store.lock_draft(work, who.account)).key:
        await store.change_draft(work, who.account, key=new_id("fk"))


async def draft_photos(station: Station, who: Principal) -> list[Photo]:
    """The photos of the citizen's draft."""
    return await photos.list_photos(station, draft_holder(who.account))


async def open_draft_photo(station: Station, who: Principal, photo_id: str) -> Path:
    """The file of a photo of the citizen's own draft. Raises NotFound."""
    return await photos.open_photo(station, draft_holder(who.account), photo_id)


async def booking_photos(station: Station, who: Principal, booking: Booking) -> list[Photo]:
    """The photos of a booking that the caller was allowed to see, and may still see."""
    if booking.use_withdrawn and booking.citizen != who.account:
        return []
    return await photos.list_photos(station, booking_holder(booking.id))


async def take_draft_photos(station: Station, work: Transaction, who: Principal, booking: Booking) -> None:
    """Hand the draft's photos on to the booking made of it; the ledger ties them to it by their checksums."""
    taken = await photos.hand_on(work, draft_holder(who.account), booking_holder(booking.id))
    if taken:
        data = {"photos": {photo.id: photo.sha256 for photo in taken}}
        await append(station, work, who, "booking.photos_added", f"booking:{booking.id}", data)


async def cancelled_with_photos(station: Station) -> AsyncIterator[list[str]]:
    """The ids of bookings that were cancelled, KEEP_CANCELLED after their time, that still have photos; in lots."""
    until = station.clock.now() - KEEP_CANCELLED
    async with station.database.read() as connection:
        found = await store.cancelled_between(connection, until - LOOK_BACK, until)
    for at in range(0, len(found), LOOKED_AT_ONCE):
        lot = found[at : at + LOOKED_AT_ONCE]
        counts = await photos.count_photos(station, [booking_holder(booking_id) for booking_id in lot])
        if counts:
            yield [booking_id for booking_id in lot if counts[booking_holder(booking_id)]]


async def remove_photos(station: Station, booking_id: str) -> None:
    """Delete the photos of a booking whose term is over."""
    async with station.database.transaction() as work:
        await photos.remove(station, work, SYSTEM, booking_holder(booking_id))
