"""Where one is signed in, for everybody, and the way out of each place."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import pytest

from station.base.station import Station
from station.people.browser_model import name_browser
from tests.fixtures import Person

NewPerson = Callable[..., Awaitable[Person]]
CITIZEN = "ac_demo_citizen"


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 "
         "Safari/537.36 Edg/137.0.0.0", "Edge · Windows"),
        ("Mozilla/5.0 (Linux; Android 14; V2309A) AppleWebKit/537.36 Chrome/116.0 Mobile Safari/537.36 "
         "MicroMessenger/8.0.50", "微信 · Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
         "Version/18.5 Mobile/15E148 Safari/604.1", "Safari · iPhone"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox · Linux"),
        ("<script>", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_a_browser_in_two_words(agent: str, words: str) -> None:
    """Most browsers claim to be several; what is nobody's is no word, so that nothing sent from outside is shown."""
    assert name_browser(agent) == words


async def test_one_ends_ones_own_sessions_and_nobody_elses(station: Station, new_person: NewPerson) -> None:
    """One by one, or all but this; a session of another account is not found, whoever names it."""
    here, there, third, clerk = [await new_person(account) for account in (CITIZEN, CITIZEN, CITIZEN, "ac_demo_clerk")]
    page = await here.get("/my/sessions")
    others = re.findall(r'name="session"\s+value="([0-9a-f]+)"', page)
    assert len(others) == 2 and page.count("（就是这里）") == 1
    await clerk.post("/my/sessions/end", 404, session=others[0])
    await clerk.post("/my/sessions/end", 404, session="")
    left = await here.post("/my/sessions/end", session=others[0])
    assert len(re.findall(r'name="session"', left)) == 1
    left = await here.post("/my/sessions/end-others")
    assert "全都退出" not in left and "（就是这里）" in left
    for gone in (there, third):
        assert "手机号" in await gone.get("/my/sessions"), "asked to sign in"
    assert "（就是这里）" in await clerk.get("/my/sessions")
