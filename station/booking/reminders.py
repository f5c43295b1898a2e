"""A day and an hour before a meeting its citizen is reminded by SMS, once each, whatever happens to the work role."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import IntEnum

from station.base.database import Transaction
from station.base.errors import N_, NotFound, Phrase
from station.base.one_by_one import do_each
from station.base.station import Station
from station.booking import reminders_store as store
from station.booking.model import Booking, Mode
from station.booking.notice_texts import gaps_of
from station.notices import kinds
from station.notices.kinds import Kind, Value
from station.notices.model import Outgoing
from station.notices.service import queue_all
from station.people.service import get_account

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
AT_ONCE = 100  # reminders of one turn; the next turn goes on


class Reminder(IntEnum):
    """The last one that a booking has had."""

    NONE = 0
    DAY_BEFORE = 1
    HOUR_BEFORE = 2


_KINDS: dict[Reminder, Kind] = {
    Reminder.DAY_BEFORE: kinds.REMINDED_A_DAY_BEFORE,
    Reminder.HOUR_BEFORE: kinds.REMINDED_AN_HOUR_BEFORE,
}
_WHAT_TO_DO = {
    Mode.VIDEO: N_("请提前几分钟在网上“我的”里进入。"),
    Mode.ONSITE: N_("地址：%(address)s。"),
    Mode.PHONE: N_("请留意电话。"),
}


def reminder_due(booking: Booking, now: datetime) -> Reminder:
    """Which reminder it is time for; NONE when the meeting has begun, or was booked later than the reminder's time."""
    ahead, known = booking.starts_at - now, booking.starts_at - booking.created_at
    if timedelta(0) < ahead <= HOUR <= known:
        return Reminder.HOUR_BEFORE
    if HOUR < ahead <= DAY <= known:
        return Reminder.DAY_BEFORE
    return Reminder.NONE


async def send_reminders(station: Station) -> int:
    """Queue the reminders that are due; returns how many. Several work roles, or a second call, remind nobody twice."""
    now = station.clock.now()
    async with station.database.read() as connection:
        ahead = await store.bookings_to_remind(connection, now, now + HOUR, Reminder.HOUR_BEFORE, AT_ONCE)
        ahead += await store.bookings_to_remind(connection, now + HOUR, now + DAY, Reminder.DAY_BEFORE, AT_ONCE)
    return await do_each(ahead, lambda booking: _remind(station, booking, now))


async def _remind(station: Station, booking: Booking, now: datetime) -> bool:
    reminder = reminder_due(booking, now)
    try:
        phone = (await get_account(station, booking.citizen)).phone
    except NotFound:
        phone = ""
    async with station.database.transaction() as work:
        # Also one that was booked too late to be reminded is marked, so that the next turn does not look at it again.
        last = reminder or (Reminder.HOUR_BEFORE if booking.starts_at - now <= HOUR else Reminder.DAY_BEFORE)
        if not await store.mark_reminded(work, booking.id, last) or not (reminder and phone):
            return False
        await _queue(station, work, booking, phone, _KINDS[reminder])
    return True


async def _queue(station: Station, work: Transaction, booking: Booking, phone: str, kind: Kind) -> None:
    what_to_do = Phrase(_WHAT_TO_DO[booking.mode], address=f"{booking.station_name} {booking.station_address}".strip())
    gaps: dict[str, Value] = {**gaps_of(station, booking), "what_to_do": what_to_do}
    subject = f"booking:{booking.id}"
    await queue_all(station, work, [Outgoing("sms", phone, kind, gaps, subject, account=booking.citizen)])
