"""Where people are told to ask for help: by the number of the settings, and never by the demo's on a real station."""

from __future__ import annotations

from dataclasses import replace

import pytest
from aiohttp.test_utils import TestClient, TestServer

from station.app import build_app
from station.base.settings import DEMO_HELP_PHONE
from station.base.station import Station
from station.booking.service import cancel_booking
from station.demo.booking import LIN
from station.notices.service import list_newest
from tests.booking.test_cancelling import LIN_HERSELF, booked
from tests.fixtures import Person

PAGES = ("/", "/deputies", "/live", "/signin", "/nowhere", f"/deputies/{LIN}/poster")
OWN = "(0571) 8765 4321"


def real_station(station: Station, **settings: object) -> Station:
    """The same station as no demo."""
    return replace(station, settings=station.settings.model_copy(update={"demo": False, **settings}))


async def pages_of(station: Station, language: str = "zh-CN", mode: str = "") -> list[str]:
    """All pages that a guest sees, those of an error too."""
    async with TestClient(TestServer(build_app(station))) as client:
        guest = Person(client, station)
        guest.headers = {"Accept-Language": language, **({"Cookie": f"mode={mode}"} if mode else {})}
        return [await guest.get(path, status=404 if path == "/nowhere" else 200) for path in PAGES]


@pytest.mark.parametrize("mode", ["", "elder"])
@pytest.mark.parametrize(("language", "words"), [("zh-CN", "打联络站的电话"), ("en", "Call a station")])
async def test_without_a_number_pages_lead_to_the_stations(town: Station, language: str, words: str, mode: str) -> None:
    """No invented number, no empty link: the list of the stations has each one's own."""
    for page in await pages_of(real_station(town), language, mode):
        assert words in page and 'href="tel:"' not in page
        assert DEMO_HELP_PHONE not in page


async def test_a_number_that_is_set_stands_on_each_page(town: Station) -> None:
    """As it is written, and as a link that dials it; in the demo its invented one does."""
    for page in await pages_of(real_station(town, help_phone=OWN)):
        assert OWN in page and "打联络站的电话" not in page and DEMO_HELP_PHONE not in page
    for page in await pages_of(town):
        assert DEMO_HELP_PHONE in page


@pytest.mark.parametrize(("phone", "said"), [("", "另选时间。"), (OWN, f"另选时间，或打电话 {OWN}。")])
async def test_text_messages_name_it_only_if_there_is_one(town: Station, phone: str, said: str) -> None:
    """Booking and cancelling: no sentence ends in a number that is not there."""
    real = real_station(town, help_phone=phone)
    booking = await booked(real)
    [text] = [n.text for n in await list_newest(real, 50) if n.address == "13800001234"]
    assert text.endswith(f"取消，或打电话 {OWN}。" if phone else "里取消。")
    await cancel_booking(real, LIN_HERSELF, booking.id, "代表生病")
    texts = [n.text for n in await list_newest(real, 50) if n.address == "13800001234"]
    assert any(text.endswith(said) for text in texts), texts
