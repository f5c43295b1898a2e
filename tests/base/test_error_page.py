"""What an error page says: to who reads it, about what they did, with their own way on."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import pytest

from tests.fixtures import Person

NewPerson = Callable[..., Awaitable[Person]]
HOMES = {
    None: ("/", "回首页", "To the home page"),
    "ac_demo_citizen": ("/my", "看我的预约和事项", "See my bookings and cases"),
    "ac_demo_deputy1": ("/deputy", "回我的接待", "Back to my receptions"),
    "ac_demo_clerk": ("/desk", "回今天的工作", "Back to today’s work"),
    "ac_demo_unit": ("/unit", "回承办事项", "Back to the matters you handle"),
    "ac_demo_supervisor": ("/oversight", "回督办", "Back to oversight"),
    "ac_demo_admin": ("/desk", "回今天的工作", "Back to today’s work"),
}
LEFT_OUT = ("没有丢", "没能存下来", "http-404", "still here", "still there", "could not store")


def main_of(page: str) -> str:
    return page.partition("<main")[2].partition("</main>")[0]


@pytest.mark.parametrize("account", list(HOMES))
async def test_a_page_that_is_not_there_speaks_to_its_reader(new_person: NewPerson, account: str | None) -> None:
    """Nothing was filled in and nothing went wrong, so nothing is said of it; the way on is the reader's own."""
    person = await new_person(account)
    home, *names = HOMES[account]
    for language, name in zip(("zh-CN", "en"), names, strict=True):
        person.headers = {"Accept-Language": language}
        page = main_of(await person.get("/nowhere", status=404))
        found = re.search(r'<a class="btn btn-main"\s+href="([^"]+)">([^<]+)</a>', page)
        assert found is not None
        assert (found[1], found[2].strip()) == (home, name)
        assert not any(words in page for words in LEFT_OUT)
        assert '<b class="num">' not in page  # nothing went wrong that a number would find in the log
        for path in {path for path, *_ in HOMES.values()} - {home, "/"}:
            assert f'href="{path}"' not in page


@pytest.mark.parametrize(
    ("account", "path"), [("ac_demo_citizen", "/desk"), ("ac_demo_unit", "/oversight"), ("ac_demo_clerk", "/unit")]
)
async def test_a_page_for_others_says_so(new_person: NewPerson, account: str, path: str) -> None:
    """Not that something was lost or mistyped: that it is for somebody else, and what helps."""
    page = main_of(await (await new_person(account)).get(path, status=403))
    assert "只给别的身份的人看" in page and "没有丢" not in page and "网址可能少了一截" not in page


async def test_a_form_that_was_refused_is_spoken_of_as_that(new_person: NewPerson) -> None:
    """Something was done and did not work: the way back is told, and nothing is promised that was not kept."""
    clerk = await new_person("ac_demo_clerk")
    page = main_of(await clerk.post("/notices/nowhere", status=405))
    assert "只给别的身份的人看" not in page and "网址可能少了一截" not in page


async def test_a_long_sentence_is_no_heading(new_person: NewPerson) -> None:
    """What happened is the heading and the page's title; what helps stands below it, whole."""
    person = await new_person()
    for language, head, more in (
        ("zh-CN", "这个地址里有不能用的字符", "请从首页重新进入。"),
        ("en", "This address holds characters that cannot be used", "Please start again from the home page."),
    ):
        person.headers = {"Accept-Language": language}
        page = await person.get("/cases?q=%00", status=400)
        assert f"<title>{head} · " in page, page[:600]
        assert f"<h1>{head}</h1>" in page and f"<p>{more}</p>" in page
