"""What a reception is called: by what its citizen wrote, for as long as they agree that it is used."""

from __future__ import annotations

from station.base.principal import SYSTEM
from station.base.station import Station
from station.booking.model import Booking
from station.booking.service import get_booking
from station.meeting import store


def topic_of(booking: Booking) -> str:
    """The topic, or the booking's number: a title is for all who come, so not even she puts the words back."""
    return booking.for_host().topic or booking.number


async def forget_topic(station: Station, booking: Booking) -> None:
    """Call the reception by its booking's number. Twice changes nothing; the ledger has the consent taken back."""
    async with station.database.transaction() as work:
        await store.retitle_reception(work, booking.id, booking.number)


async def agreed_title(station: Station, booking_id: str, title: str) -> str:
    """The title of a reception just made; the use of its topic may have been taken back since that was read."""
    booking = await get_booking(station, SYSTEM, booking_id)
    if not booking.use_withdrawn:
        return title
    await forget_topic(station, booking)
    return booking.number
