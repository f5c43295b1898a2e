"""A long day's page of bookings begins with what is not over; what went before is a page back."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from bench.city import NOW
from station.app import close_station
from station.base.clock import local_date
from station.base.keyset import Cursor
from station.booking.service import page_of_day
from tests.cases.test_list_costs import MANY, open_city
from tests.databases import NewDatabase


async def test_a_long_day_begins_with_what_is_not_over(new_database: NewDatabase, tmp_path: Path) -> None:
    """None of the page is over at ten; the pages before hold all that is; a day that fits is shown whole."""
    city = await open_city(new_database, tmp_path, MANY)
    day = local_date(NOW)
    page, total = await page_of_day(city, day, None, None, 3)
    assert page.items and all(booking.ends_at > NOW for booking in page.items)
    whole, _ = await page_of_day(city, day, None, None, 50)
    assert len(whole.items) == total and [b for b in whole.items if b.ends_at <= NOW]
    back, _ = await page_of_day(city, day, None, Cursor(page.before, backwards=True), 50)
    assert whole.items == back.items
    tomorrow, _ = await page_of_day(city, day + timedelta(days=1), {"dp000"}, None, 50)
    assert {booking.deputy_id for booking in tomorrow.items} <= {"dp000"}
    await close_station(city)
