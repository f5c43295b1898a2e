"""A booking as a calendar file (RFC 5545), so that the phone reminds its owner."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from station.booking.model import Booking, BookingState, Mode

if TYPE_CHECKING:
    from icalendar import Alarm

PRODUCT = "-//Online Deputy Liaison Station//booking//ZH"


# UID and ORGANIZER never name the host: one booking fetched under two names of the station stays one entry
# (RFC 5545 §3.8.4.7; .invalid is no mailbox anywhere, RFC 2606).
UID_SUFFIX = "@liaison-station"
ORGANIZER = "mailto:station@liaison-station.invalid"


def calendar_of(booking: Booking, now: datetime, url: str, summary: str, where: str, organizer: str) -> bytes:
    """One event; SEQUENCE grows with each change, so that a calendar that has it already replaces it.

    The topic stays out: calendars are shared with families and phone makers.
    """
    from icalendar import Calendar, Event, vCalAddress, vText  # noqa: PLC0415  eighty modules, seldom wanted

    event = Event()
    event.add("uid", booking.id + UID_SUFFIX)
    event.add("sequence", booking.sequence)
    event.add("dtstamp", now)
    event.add("dtstart", booking.starts_at)
    event.add("dtend", booking.ends_at)
    event.add("summary", summary)
    event.add("status", "CANCELLED" if booking.state is BookingState.CANCELLED else "CONFIRMED")
    event.add("url", url)
    if booking.mode is not Mode.PHONE:
        event.add("location", where)
    address = vCalAddress(ORGANIZER)
    address.params["cn"] = vText(organizer)
    event.add("organizer", address, encode=False)
    if booking.state is BookingState.BOOKED:
        event.add_component(_alarm(summary))
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(event)
    return bytes(calendar.to_ical())


def _alarm(summary: str) -> Alarm:
    from icalendar import Alarm  # noqa: PLC0415

    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", summary)
    alarm.add("trigger", timedelta(minutes=-15))
    return alarm
