"""Signing in: codes, passwords, dynamic codes, lock-out."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from station.base.clock import FixedClock
from station.base.station import Station
from station.demo.accounts import DEMO_ACCOUNTS, PASSWORD
from station.notices.service import list_newest
from station.people import signin
from tests.fixtures import MONDAY_TEN, Person

NewPerson = Callable[..., Awaitable[Person]]


async def code_sent(station: Station, phone: str) -> str:
    text = next(n.text for n in await list_newest(station) if n.address == phone)
    found = re.search(r"\d{6}", text)
    assert found
    return found[0]


async def test_citizen_signs_in_with_a_code(new_person: NewPerson) -> None:
    """A phone and the code from the outbox are enough to sign in."""
    citizen = await new_person("ac_demo_citizen")
    assert "赵玉梅" in await citizen.get("/privacy")


async def test_wrong_code_says_how_many_tries_are_left(station: Station) -> None:
    """Each wrong code is counted; after five the right one is refused too."""
    phone = await signin.send_code(station, "139 1234 5678", "here")
    right = await code_sent(station, phone)
    wrong = "000000" if right != "000000" else "111111"
    for left in (4, 3, 2, 1):
        with pytest.raises(signin.WrongCode) as caught:
            await signin.check_code(station, phone, wrong)
        assert str(left) in caught.value.fields["code"]
    with pytest.raises(signin.WrongCode):
        await signin.check_code(station, phone, wrong)
    with pytest.raises(signin.CodeExpired):
        await signin.check_code(station, phone, right)


async def test_code_expires_after_ten_minutes(station: Station) -> None:
    """A code of eleven minutes ago is refused with a word of its own."""
    phone = await signin.send_code(station, "13912345678", "here")
    code = await code_sent(station, phone)
    later = replace(station, clock=FixedClock(MONDAY_TEN + timedelta(minutes=11)))
    with pytest.raises(signin.CodeExpired):
        await signin.check_code(later, phone, code)


@pytest.mark.parametrize(
    "phone", ["", "1380000", "23800001234", "1380000123x", "１３８００００１２３４", "138000012345"]
)
async def test_bad_phone_is_told_in_words(new_person: NewPerson, phone: str) -> None:
    """A phone that cannot be one comes back with the fault, and what was typed stays."""
    guest = await new_person()
    text = await guest.post("/signin", status=422, phone=phone)
    assert "有 1 处要改" in text


async def test_staff_needs_the_dynamic_code_and_each_works_once(station: Station) -> None:
    """The password alone is not enough, and a dynamic code cannot be replayed."""
    clerk = next(a for a in DEMO_ACCOUNTS if a.id == "ac_demo_clerk")
    otp = clerk.otp_now(station.clock.now().timestamp())
    with pytest.raises(signin.WrongLogin):
        await signin.check_password(station, clerk.login, PASSWORD, "000000" if otp != "000000" else "1")
    await signin.check_password(station, clerk.login, PASSWORD, otp)
    with pytest.raises(signin.WrongLogin):
        await signin.check_password(station, clerk.login, PASSWORD, otp)


async def test_account_locks_after_five_failures(station: Station) -> None:
    """Five wrong passwords in a row lock the account for a quarter of an hour, even for the right one."""
    clerk = next(a for a in DEMO_ACCOUNTS if a.id == "ac_demo_clerk")
    for _ in range(5):
        with pytest.raises(signin.WrongLogin):
            await signin.check_password(station, clerk.login, "not the password", "123456")
    otp = clerk.otp_now(station.clock.now().timestamp())
    with pytest.raises(signin.AccountLocked):
        await signin.check_password(station, clerk.login, PASSWORD, otp)


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


async def test_sign_out_ends_the_session(new_person: NewPerson) -> None:
    """After signing out the name is gone from the page."""
    citizen = await new_person("ac_demo_citizen")
    await citizen.post("/signout")
    assert "赵玉梅" not in await citizen.get("/privacy")
