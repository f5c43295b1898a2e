"""Signing in: codes, passwords, dynamic codes, lock-out."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from station.base.clock import FixedClock
from station.base.errors import BadInput
from station.base.principal import GUEST
from station.base.station import Station
from station.demo.logins import DEMO_ACCOUNTS, PASSWORD
from station.notices.service import list_newest
from station.people import signin
from station.people.model import Caller, check_phone
from station.people.pages import SESSION_COOKIE
from tests.fixtures import MONDAY_TEN, Person

NewPerson = Callable[..., Awaitable[Person]]
HERE = Caller("192.0.2.1", "visit of this browser")
PHONE = "13912345678"
CLERK = next(a for a in DEMO_ACCOUNTS if a.id == "ac_demo_clerk")
FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}


def not_it(code: str) -> str:
    """A code of the same length that is wrong."""
    return "".join(str((int(digit) + 1) % 10) for digit in code)


async def codes_sent(station: Station, phone: str) -> AsyncIterator[str]:
    for notice in await list_newest(station):
        if notice.address == phone:
            found = re.search(r"\d{6,8}(?= 是您的登录数字)", notice.text)
            assert found
            yield found[0]


async def code_sent(station: Station, phone: str) -> str:
    return await anext(codes_sent(station, phone))


async def test_citizen_signs_in_with_a_code(new_person: NewPerson) -> None:
    """A phone and the code from the outbox are enough to sign in."""
    citizen = await new_person("ac_demo_citizen")
    assert "赵玉梅" in await citizen.get("/privacy")


async def test_wrong_code_says_how_many_tries_are_left(station: Station) -> None:
    """Each wrong code is counted; after five the right one is refused too, until another is asked for."""
    await signin.send_code(station, "139 1234 5678", HERE)
    right = await code_sent(station, PHONE)
    for left in (4, 3, 2, 1):
        with pytest.raises(signin.WrongCode) as caught:
            await signin.check_code(station, not_it(right), HERE)
        assert str(left) in caught.value.fields["code"]
    with pytest.raises(signin.WrongCode):
        await signin.check_code(station, not_it(right), HERE)
    with pytest.raises(signin.CodeExpired):
        await signin.check_code(station, right, HERE)
    await signin.send_code(station, PHONE, HERE)
    (fresh,) = {code async for code in codes_sent(station, PHONE)} - {right}
    assert await signin.check_code(station, fresh, HERE)


async def test_code_expires_after_ten_minutes(station: Station) -> None:
    """A code of eleven minutes ago is refused with a word of its own."""
    await signin.send_code(station, PHONE, HERE)
    code = await code_sent(station, PHONE)
    later = replace(station, clock=FixedClock(MONDAY_TEN + timedelta(minutes=11)))
    with pytest.raises(signin.CodeExpired):
        await signin.check_code(later, code, HERE)


async def test_blank_code_costs_no_try(station: Station) -> None:
    """Who presses the button too early is told what is missing, and has all tries left."""
    await signin.send_code(station, PHONE, HERE)
    with pytest.raises(BadInput) as caught:
        await signin.check_code(station, "", HERE)
    assert not isinstance(caught.value, signin.WrongCode)
    with pytest.raises(signin.WrongCode) as wrong:
        await signin.check_code(station, not_it(await code_sent(station, PHONE)), HERE)
    assert "4" in wrong.value.fields["code"]


@pytest.mark.parametrize(
    "write",
    [
        "".join, " ".join, "-".join, lambda c: f" {c[:3]}\u00a0{c[3:]}\u200b", lambda c: c.translate(FULL_WIDTH),
        lambda c: f"验证码 {c}", lambda c: f"【网上代表联络站】{c} 是您的登录数字，10 分钟内有效。不要告诉别人。",
        lambda c: "".join(chr(0x0660 + int(d)) for d in c),
    ],
)  # fmt: skip
async def test_right_code_is_right_in_any_spelling(station: Station, write: Callable[[str], str]) -> None:
    """Full-width digits, spaces, dashes, hidden signs or the whole message pasted: the right code signs in."""
    await signin.send_code(station, PHONE, HERE)
    token, account = await signin.check_code(station, write(await code_sent(station, PHONE)), HERE)
    assert token
    assert account.phone == PHONE


@pytest.mark.parametrize("phone", ["", "1380000", "23800001234", "1380000123x", "138000012345", "+86", "\u200b"])
async def test_bad_phone_is_told_in_words(new_person: NewPerson, phone: str) -> None:
    """A phone that cannot be one comes back with the fault, and what was typed stays."""
    guest = await new_person()
    text = await guest.post("/signin", status=422, phone=phone)
    assert "有 1 处要改" in text


@pytest.mark.parametrize(
    "phone",
    [
        "１３８００００１２３４",
        "\u202d13800001234\u202c",
        "\u200e138 0000 1234",
        "＋86 138-0000-1234",
        "(+86)13800001234",
        "138–0000–1234",
        "138—0000—1234",
        "8613800001234",
        "008613800001234",
        "138.0000.1234",
        "86-138\u00a00000\u30001234",
        "\ufeff+86（138）00001234",
    ],
)
def test_phone_is_understood_in_its_usual_spellings(phone: str) -> None:
    """Digits of a Chinese keyboard, dashes, brackets, the country's code and copied invisible signs are no fault."""
    assert check_phone(phone) == "13800001234"


@pytest.mark.parametrize(
    "phone", ["+852 5123 4567", "+853-6612-3456", "００８８６ 912 345 678", "51234567", "0912345678"]
)
def test_number_of_hong_kong_macao_or_taiwan_is_told_where_to_call(phone: str) -> None:
    """Where no SMS of ours arrives, the words say so and name another way."""
    with pytest.raises(BadInput) as caught:
        check_phone(phone)
    assert "内地" in caught.value.fields["phone"]
    assert "电话" in caught.value.fields["phone"]


async def test_no_phone_number_stands_in_an_address(new_person: NewPerson) -> None:
    """The second page knows the number from the visit, so no history and no log of a proxy does."""
    guest = await new_person()
    data = {"phone": "13912345678", "next": "/cases", "csrf": await guest.token()}
    async with guest.client.post("/signin", data=data) as answer:
        hops = [str(hop.url) for hop in (*answer.history, answer)]
        text = await answer.text()
    assert "/signin/code?next=" in hops[-1]
    assert not any("139" in url for url in hops)
    assert "139 **** 5678" in text
    assert "13912345678" not in text


async def test_code_page_without_a_code_leads_to_the_first(new_person: NewPerson) -> None:
    """Who opens the second page in another browser is asked for the number again, and keeps the way back."""
    guest = await new_person()
    async with guest.client.get("/signin/code?next=/cases") as answer:
        assert answer.url.path == "/signin"
        assert answer.url.query["next"] == "/cases"


async def test_another_code_is_sent_to_the_number_of_the_visit(station: Station, new_person: NewPerson) -> None:
    """ "再发一次" needs no number; both codes then work."""
    guest = await new_person()
    await guest.post("/signin", phone="13912345678")
    first = await code_sent(station, "13912345678")
    await guest.post("/signin", again="yes")
    assert len([n for n in await list_newest(station) if n.address == "13912345678"]) == 2
    assert "5678" in await guest.post("/signin/code", code=first, next="/privacy")


async def test_staff_needs_the_dynamic_code_and_each_works_once(station: Station) -> None:
    """The password alone is not enough, and a dynamic code cannot be replayed."""
    otp = CLERK.otp_now(station.clock.now().timestamp())
    with pytest.raises(signin.WrongLogin):
        await signin.check_password(station, CLERK.login, PASSWORD, not_it(otp), HERE)
    await signin.check_password(station, CLERK.login, PASSWORD, otp, HERE)
    with pytest.raises(signin.WrongLogin):
        await signin.check_password(station, CLERK.login, PASSWORD, otp, HERE)


async def test_the_demo_shows_a_dynamic_code_that_still_counts(new_person: NewPerson) -> None:
    """Whoever signs in twice within half a minute is shown the next code, and it opens a session."""
    seen = set()
    for _ in range(2):
        staff = await new_person()
        found = re.search(r'data-login="clerk".*?class="num otp">(\d{6})', await staff.get("/demo"), re.DOTALL)
        assert found
        seen.add(found[1])
        await staff.post("/signin/staff", login="clerk", password=PASSWORD, otp=found[1], next="/privacy")
        assert CLERK.name in await staff.get("/desk")
    assert len(seen) == 2


@pytest.mark.parametrize(
    ("login", "write"),
    [
        ("Clerk", "".join),
        ("ｃｌｅｒｋ", "".join),
        (" CLERK\u200b", " ".join),
        ("clerk", lambda c: c.translate(FULL_WIDTH)),
        ("clerk", lambda c: f"{c[:3]}\u00a0{c[3:]}"),
    ],
)
async def test_login_and_dynamic_code_are_folded(station: Station, login: str, write: Callable[[str], str]) -> None:
    """Capitals, full-width letters and digits, and hidden spaces are another spelling of what is right."""
    otp = CLERK.otp_now(station.clock.now().timestamp())
    _, account = await signin.check_password(station, login, PASSWORD.translate(FULL_WIDTH), write(otp), HERE)
    assert account.id == CLERK.id


@pytest.mark.parametrize("otp", ["●●●●●●", "一二三四五六", "\ud83d", "１２３", "123\x00456"])
@pytest.mark.parametrize("login", ["clerk", "nobody"])
async def test_no_spelling_of_a_dynamic_code_is_an_error_of_ours(station: Station, login: str, otp: str) -> None:
    """What is no code is a wrong code, for logins that exist and that do not."""
    with pytest.raises(signin.WrongLogin):
        await signin.check_password(station, login, PASSWORD, otp, HERE)


async def test_blank_staff_form_says_what_is_missing(new_person: NewPerson) -> None:
    """Three empty fields are three faults in words, and no try is spent."""
    guest = await new_person()
    for _ in range(8):
        assert "有 3 处要改" in await guest.post("/signin/staff", status=422, login="", password=" ", otp="\u200b")


async def test_the_pages_leave_room_to_paste_a_code(new_person: NewPerson) -> None:
    """Neither field for a code cuts off what is pasted."""
    guest = await new_person()
    staff = await guest.get("/signin/staff")
    code = await guest.post("/signin", phone=PHONE)
    for page in (staff, code):
        assert "one-time-code" in page
        assert "maxlength" not in page


async def test_visit_is_made_anew_at_sign_in_and_sign_out(new_person: NewPerson) -> None:
    """A visit that somebody planted, and the token bound to it, is worth nothing after signing in."""
    planted = "0123456789abcdef" * 2
    citizen = await new_person()
    citizen.client.session.cookie_jar.update_cookies({"station_visit": planted})
    before = await citizen.token()
    await citizen.sign_in("ac_demo_citizen")
    signed_in = await citizen.token()
    async with citizen.client.post("/signout", data={"csrf": before}) as answer:
        assert answer.status == 403
    await citizen.post("/signout")
    assert len({before, signed_in, await citizen.token()}) == 3


async def test_post_without_token_is_refused(new_person: NewPerson) -> None:
    """A form without the CSRF token, or from another origin, changes nothing."""
    guest = await new_person()
    async with guest.client.post("/signin", data={"phone": "13800001234"}) as answer:
        assert answer.status == 403
    headers = {"Origin": "https://elsewhere.example"}
    data = {"phone": "13800001234", "csrf": await guest.token()}
    async with guest.client.post("/signin", data=data, headers=headers) as answer:
        assert answer.status == 403


async def test_next_never_leads_to_another_site(new_person: NewPerson) -> None:
    """A crafted next= does not send people elsewhere."""
    guest = await new_person()
    text = await guest.get("/signin?next=//evil.example/x")
    assert "evil.example" not in text


@pytest.mark.parametrize("account", ["ac_demo_citizen", "ac_demo_admin"])
async def test_signing_in_over_a_living_session_ends_it(station: Station, new_person: NewPerson, account: str) -> None:
    """The browser's earlier session is gone, whoever it was of; a stolen copy of its cookie opens nothing."""
    person = await new_person("ac_demo_clerk")
    before = next(c.value for c in person.client.session.cookie_jar if c.key == SESSION_COOKIE)
    assert (await signin.find_principal(station, before, "")).account == "ac_demo_clerk"
    await person.sign_in(account)
    assert await signin.find_principal(station, before, "") == GUEST
    now = next(c.value for c in person.client.session.cookie_jar if c.key == SESSION_COOKIE)
    assert (await signin.find_principal(station, now, "")).account == account


async def test_sign_out_ends_the_session(new_person: NewPerson) -> None:
    """After signing out the name is gone from the page."""
    citizen = await new_person("ac_demo_citizen")
    await citizen.post("/signout")
    assert "赵玉梅" not in await citizen.get("/privacy")
