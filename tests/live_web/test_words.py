"""The page of a broadcast speaks of its buttons by the names that they have."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import insert

from station.base.station import Station
from station.live.web.store import broadcasts
from tests.fixtures import MONDAY_TEN, Person

NewPerson = Callable[..., Awaitable[Person]]


@pytest.mark.parametrize(
    ("language", "quoted"), [("zh-CN", r"没声音时点“([^”]+)”"), ("en", r"No sound\? Press “([^”]+)”")]
)
@pytest.mark.parametrize("state", ["live", "ended"])
async def test_the_advice_names_a_button_that_is_there(
    station: Station, new_person: NewPerson, state: str, language: str, quoted: str
) -> None:
    """On air and in the replay; beside the time stands how long it is, from the first moment on."""
    row = {"id": "bc_1", "meeting_id": "mt_1", "title": "听证会", "host": "林秀兰", "person": "ac_demo_deputy1"}
    more = {"state": state, "source_name": "林秀兰代表", "started_at": MONDAY_TEN, "published": True}
    async with station.database.transaction() as work:
        await work.execute(insert(broadcasts).values(**row, **more))
    guest = await new_person()
    guest.headers = {"Accept-Language": language}
    page = await guest.get("/live/bc_1")
    buttons = {
        re.sub(r"<[^>]*>", "", text).strip() for text in re.findall(r"<button[^>]*>(.*?)</button>", page, re.DOTALL)
    }
    advice = re.search(quoted, page)
    assert advice is not None and advice[1] in buttons, (advice, buttons)
    assert '<span class="at" id="at">0:00 / 0:00</span>' in page
