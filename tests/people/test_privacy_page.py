"""What people are told about their data."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from station.people.devices import DEVICE_COOKIE, KEEP_S
from tests.fixtures import Person

NewPerson = Callable[..., Awaitable[Person]]


@pytest.mark.parametrize(
    ("language", "rights", "mark"),
    [
        ("zh-CN", ("要看、要改、要删", "先核对是您本人"), "一个随机的记号"),
        ("en", ("Seeing, correcting, deleting", "make sure that it is you"), "A random mark"),
    ],
)
async def test_the_page_says_how_to_correct_and_delete_and_names_what_the_browser_keeps(
    new_person: NewPerson, language: str, rights: tuple[str, str], mark: str
) -> None:
    """Whom to ask and what is done then; the cookie that outlives a sign-in is told with its year."""
    citizen = await new_person("ac_demo_citizen")
    citizen.headers = {"Accept-Language": language}
    page = await citizen.get("/privacy")
    assert all(words in page for words in rights) and 'href="/stations"' in page
    assert DEVICE_COOKIE in {cookie.key for cookie in citizen.client.session.cookie_jar}
    assert KEEP_S == 365 * 86400 and mark in page
