"""What people read when a booking was made or cancelled."""

from __future__ import annotations

from station.base.principal import Role
from station.base.station import Station
from station.booking.model import Booking, Mode

_MODE_WORDS = {Mode.VIDEO: "视频见面", Mode.ONSITE: "到站见面", Mode.PHONE: "电话联系"}


def _or_call(station: Station) -> str:
    phone = station.settings.shown_help_phone
    return f"，或打电话 {phone}" if phone else ""


def words_of_booking(station: Station, booking: Booking, when: str) -> tuple[str, str]:
    """What the citizen reads, and what the deputy reads."""
    return (
        f"约好了：{when}，和{booking.deputy_name}代表{_MODE_WORDS[booking.mode]}，预约号 {booking.number}。"
        f"来不了请在网上“我的”里取消{_or_call(station)}。",
        f"新预约：{when}，{booking.citizen_name}，{_MODE_WORDS[booking.mode]}。",
    )


def words_of_cancelling(station: Station, booking: Booking, when: str) -> tuple[str, str]:
    """What the citizen reads, and what deputy and clerks read: who cancelled, and why."""
    if not booking.by_host:
        return (
            f"已取消：{when}，和{booking.deputy_name}代表的预约（{booking.number}），是您要求取消的。随时可以再约。",
            f"预约取消：{when}，{booking.citizen_name}，是群众自己取消的。",
        )
    host = f"{booking.deputy_name}代表" if booking.cancelled_by == Role.DEPUTY else "联络站"
    return (
        f"见面取消了：{when}，和{booking.deputy_name}代表的预约（{booking.number}），是{host}取消的。"
        f"原因：{booking.cancel_reason}。对不起，请在网上另选时间{_or_call(station)}。",
        f"{host}取消了预约：{when}，{booking.deputy_name}接待{booking.citizen_name}。原因：{booking.cancel_reason}。",
    )
