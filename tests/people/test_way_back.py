"""The way back through sign-in: the whole address, to the right form, and never to another site."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs, urlsplit

import pytest

from station.demo.logins import DEMO_ACCOUNTS, PASSWORD
from station.people.way_back import safe_next
from tests.fixtures import Person

NewPerson = Callable[..., Awaitable[Person]]
ELSEWHERE = [
    "//other.example", "/\t/other.example/", "/\\other.example", "\\\\other.example", "/\n//other.example",
    "https://other.example/", "javascript:alert(1)", "/\r/other.example", "/a\\..\\other.example", "///other.example",
    "/\x0b/other.example", "/\x00", "other.example", "/\u2028x", "/a b", "/" + "a" * 3000, "", "/\ud800", "/\u200b/x",
]  # fmt: skip


@pytest.mark.parametrize("address", ELSEWHERE)
def test_another_site_is_no_way_back(address: str) -> None:
    """Whatever a browser would read as another site, or a header refuses, is ignored."""
    assert safe_next(address) == ""


@pytest.mark.parametrize(
    ("address", "sent"),
    [
        ("/my", "/my"), ("/oversight?month=2026-10", "/oversight?month=2026-10"),
        ("/cases/1#progress", "/cases/1#progress"),
        ("/cases?q=路灯", "/cases?q=%E8%B7%AF%E7%81%AF"), ("/cases?q=%E8%B7%AF&page=2", "/cases?q=%E8%B7%AF&page=2"),
    ],
)  # fmt: skip
def test_an_address_of_ours_is_kept_whole(address: str, sent: str) -> None:
    """Path, query and fragment come back, in the signs that a header takes."""
    assert safe_next(address) == sent


@pytest.mark.parametrize("way", ["/language/zh", "/mode/elder", "/signin/staff", "/signin"])
@pytest.mark.parametrize("crafted", ["/%09/other.example/", "/%5Cother.example", "/%00", "/%0b", "//other.example"])
async def test_a_crafted_address_leads_home(new_person: NewPerson, way: str, crafted: str) -> None:
    """Over HTTP each of them is answered, and with nothing that leads away."""
    guest = await new_person()
    async with guest.client.get(f"{way}?next={crafted}", allow_redirects=False) as answer:
        assert answer.status in (200, 303, 400)
        assert answer.headers.get("Location", "/") == "/"
        assert "other.example" not in await answer.text()


async def where(person: Person, path: str) -> str:
    """Where a request is sent on to."""
    async with person.client.get(path, allow_redirects=False) as answer:
        assert answer.status == 303
        return answer.headers["Location"]


def onward(location: str) -> str:
    return parse_qs(urlsplit(location).query)["next"][0]


@pytest.mark.parametrize(
    "page", ["/desk", "/deputy", "/unit/cases/cs_x", "/oversight?month=2026-10", "/desk/hearings/new"]
)
async def test_staff_pages_ask_for_the_staff_form(new_person: NewPerson, page: str) -> None:
    """A page that no citizen may open leads to the staff form, with the whole address as the way back."""
    location = await where(await new_person(), page)
    assert urlsplit(location).path == "/signin/staff"
    assert onward(location) == page


async def test_a_shared_page_asks_for_the_form_used_before(new_person: NewPerson) -> None:
    """A link to a meeting leads who signed in as staff before to the staff form, and a citizen to theirs."""
    page = "/meet/mt_x?from=sms"
    guest, citizen = await new_person(), await new_person("ac_demo_citizen")
    deputy = await new_person("ac_demo_deputy1")
    await citizen.post("/signout")
    await deputy.post("/signout")
    assert [urlsplit(await where(p, page)).path for p in (guest, citizen, deputy)] == [
        "/signin", "/signin", "/signin/staff",
    ]  # fmt: skip
    assert onward(await where(deputy, page)) == page


async def test_both_forms_lead_to_each_other_with_the_way_back(new_person: NewPerson) -> None:
    """Whoever was sent to the wrong form changes over and still comes back; so does who changes the language."""
    guest = await new_person()
    back = "next=%2Fmeet%2Fmt_x%3Ffrom%3Dsms"
    assert f'href="/signin/staff?{back}"' in await guest.get(f"/signin?{back}")
    text = await guest.get(f"/signin/staff?{back}")
    assert f'href="/signin?{back}"' in text
    assert f'href="/language/en?next=%2Fsignin%2Fstaff%3F{back.replace("%", "%25").replace("=", "%3D")}"' in text


async def test_sign_in_comes_back_to_the_query(new_person: NewPerson) -> None:
    """After signing in the month that was asked for is shown."""
    supervisor = next(a for a in DEMO_ACCOUNTS if a.id == "ac_demo_supervisor")
    person = await new_person()
    location = await where(person, "/oversight?month=2026-09&x=%E8%B7%AF")
    otp = supervisor.otp_now(person.station.clock.now().timestamp())
    data = {"login": supervisor.login, "password": PASSWORD, "otp": otp, "next": onward(location)}
    data["csrf"] = await person.token()
    async with person.client.post("/signin/staff", data=data) as answer:
        assert answer.url.raw_path_qs == "/oversight?month=2026-09&x=%E8%B7%AF"


async def test_language_switch_keeps_the_query(new_person: NewPerson) -> None:
    """Choosing another language stays on the same search."""
    guest = await new_person()
    assert "/language/en?next=%2Fcases%3Fq%3D%25E8%25B7%25AF" in await guest.get("/cases?q=路")
