"""Which notices go out when a booking was made or cancelled, and what fills their gaps."""

from __future__ import annotations

from station.base.errors import N_, Phrase
from station.base.principal import Role
from station.base.station import Station
from station.booking.model import Booking, BookingState, Mode
from station.notices import kinds
from station.notices.kinds import Kind, Value

_MODE_WORDS = {Mode.VIDEO: N_("视频见面"), Mode.ONSITE: N_("到站见面"), Mode.PHONE: N_("电话联系")}


def kinds_of(booking: Booking) -> tuple[Kind, Kind]:
    """What the citizen reads, and what deputy and clerks read: that it was made, or who cancelled it, and why."""
    if booking.state is not BookingState.CANCELLED:
        return kinds.BOOKED, kinds.BOOKED_WITH_YOU
    if booking.by_host:
        return kinds.CANCELLED_BY_HOST, kinds.HOST_CANCELLED
    return kinds.CANCELLED_BY_YOU, kinds.CANCELLED_BY_CITIZEN


def gaps_of(station: Station, booking: Booking) -> dict[str, Value]:
    """What fills the gaps of any notice about a booking."""
    phone = station.identity.help_phone
    by_deputy = booking.cancelled_by == Role.DEPUTY
    return {
        "when": booking.starts_at,
        "deputy": booking.deputy_name,
        "citizen": booking.citizen_name,
        "mode": Phrase(_MODE_WORDS[booking.mode]),
        "number": booking.number,
        "or_call": (Phrase(N_("，或打电话 %(phone)s"), phone=phone),) if phone else (),
        "host": Phrase(N_("%(name)s代表"), name=booking.deputy_name) if by_deputy else Phrase(N_("联络站的工作人员")),
        "reason": booking.cancel_reason,
    }
