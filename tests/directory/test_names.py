"""Names as people read them: whole on the poster, and in English the same person on every page."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import pytest

from station.base.station import Station
from station.demo.booking import LIN, seed_booking
from station.demo.directory import seed_directory
from tests.fixtures import Person, seed

NewPerson = Callable[..., Awaitable[Person]]


@pytest.mark.parametrize(("language", "words"), [("zh-CN", "找{}代表"), ("en", "{}")])
async def test_a_poster_keeps_the_name_on_one_line(
    station: Station, new_person: NewPerson, language: str, words: str
) -> None:
    """Of every deputy, whatever the length of the name: it stands in one piece that no line breaks."""
    await seed(station, seed_directory)
    guest = await new_person()
    guest.headers = {"Accept-Language": language}
    listed = await guest.get("/deputies")
    found = dict(
        re.findall(r'href="/deputies/(dp_demo_\w+)">(?:[A-Z][\w ]+)?(?:<span\s+lang="zh-CN">)?([^<\s]+)', listed)
    )
    assert len(found) > 5 and found[LIN] == "林秀兰"
    for deputy, name in found.items():
        heading = re.search(r"<h1>(.*?)</h1>", await guest.get(f"/deputies/{deputy}/poster"), re.DOTALL)
        assert heading is not None
        [piece] = re.findall(r'<span class="nowrap">(.*?)</span>', heading[1], re.DOTALL)
        assert words.format(name) in piece


async def test_in_english_a_deputy_is_recognised_on_each_page(station: Station, new_person: NewPerson) -> None:
    """Latin letters to read out, and beside them the name as it stands on stations, cases and in notices."""
    await seed(station, seed_directory, seed_booking)
    guest = await new_person()
    guest.headers = {"Accept-Language": "en"}
    for path in ("/", "/deputies", f"/deputies/{LIN}"):
        page = await guest.get(path)
        assert re.search(r"Lin Xiulan\s*<span\s+lang=\"zh-CN\">林秀兰</span>", page), path
    guest.headers = {"Accept-Language": "zh-CN"}
    assert "Lin Xiulan" not in await guest.get("/deputies")
