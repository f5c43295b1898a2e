"""A town that a newcomer understands: made where STATION_DEMO is on; every call is harmless when repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from station.base.station import Station


async def seed(station: Station) -> None:
    """Fill the database with the demo: directory, rota, bookings, accounts, cases. What is there already stays."""
    from station.demo.accounts import seed_accounts  # noqa: PLC0415  the demo is loaded only where it is asked for
    from station.demo.booking import seed_booking  # noqa: PLC0415
    from station.demo.cases import seed_cases  # noqa: PLC0415
    from station.demo.directory import seed_directory  # noqa: PLC0415

    await seed_directory(station)
    await seed_accounts(station)
    await seed_booking(station)
    await seed_cases(station)
