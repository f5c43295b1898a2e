"""Limits hit who misbehaves: not whom he names, nor who shares his address; and they tell nobody which logins exist."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import func, select

from station.app import build_app, close_station
from station.base.bus import LocalBus
from station.base.clock import FixedClock
from station.base.errors import StationError, TooManyRequests
from station.base.station import Station
from station.demo.logins import DEMO_ACCOUNTS, PASSWORD
from station.notices.service import list_newest
from station.people import signin, store
from station.people.model import TRIES_PER_BROWSER, TRY_WINDOW, Caller
from station.people.pages import SESSION_COOKIE
from tests.databases import NewDatabase
from tests.fixtures import MONDAY_TEN, Person, open_bare_station, seed_cheap_accounts, seeding

NewPerson = Callable[..., Awaitable[Person]]
CLERK = next(a for a in DEMO_ACCOUNTS if a.id == "ac_demo_clerk")
PHONE = "13912345678"


def otp_now(station: Station) -> str:
    return CLERK.otp_now(station.clock.now().timestamp())


def stranger(number: int) -> Caller:
    """One of many people elsewhere."""
    return Caller(f"203.0.113.{number}", f"visit of stranger {number}")


async def codes_sent(station: Station) -> list[str]:
    """All codes in the outbox of PHONE."""
    texts = [n.text for n in await list_newest(station, 200) if n.address == PHONE]
    return [re.search(r"\d{6,8}", text)[0] for text in texts]  # type: ignore[index]


async def outcomes(*calls: Awaitable[object]) -> Counter[str]:
    """How calls at the same moment ended: `ok`, or the error's name."""
    results = await asyncio.gather(*calls, return_exceptions=True)
    return Counter("ok" if not isinstance(r, BaseException) else type(r).__name__ for r in results)


DEMO = seeding(seed_cheap_accounts)


@pytest_asyncio.fixture
async def both(new_database: NewDatabase, tmp_path: Path) -> AsyncIterator[Station]:
    """A station with the demo's accounts, on SQLite and on PostgreSQL."""
    made = open_bare_station(await asyncio.to_thread(new_database, DEMO), tmp_path / "var")
    yield made
    await close_station(made)


# --- Staff -----------------------------------------------------------------------------------------------------------


async def test_strangers_lock_no_account(station: Station) -> None:
    """However many wrong passwords come from elsewhere, the owner signs in."""
    for number in range(3):
        for _ in range(6):
            with pytest.raises(StationError):
                await signin.check_password(station, CLERK.login, "not the password", "123456", stranger(number))
    assert await signin.check_password(station, CLERK.login, PASSWORD, otp_now(station), Caller("192.0.2.1", "mine"))


async def test_a_colleague_at_the_same_address_locks_nobody(station: Station) -> None:
    """Six wrong tries in one browser of an office leave the next browser free."""
    for _ in range(6):
        with pytest.raises(StationError):
            await signin.check_password(station, CLERK.login, "wrong", "123456", Caller("192.0.2.1", "another desk"))
    assert await signin.check_password(station, CLERK.login, PASSWORD, otp_now(station), Caller("192.0.2.1", "mine"))


@pytest.fixture
def few_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six tries from one address instead of thirty: checking a password is slow on purpose."""
    monkeypatch.setattr(signin, "TRIES_PER_NETWORK", 6)


@pytest.mark.usefixtures("few_tries")
async def test_throwing_the_cookie_away_gives_no_more_tries(station: Station) -> None:
    """A new visit for each try helps only so far: the address is counted too, an IPv6 one by its /64."""
    ends = [
        await outcomes(signin.check_password(station, CLERK.login, "wrong", "123456", Caller("2001:db8::/64", str(n))))
        for n in range(9)
    ]
    assert ends[5] == {"WrongLogin": 1}
    assert ends[6] == ends[8] == {"TooManyTries": 1}


@pytest.mark.parametrize(("left_s", "minutes"), [(0.4, 1), (60, 1), (60.4, 2)])
async def test_who_waits_as_long_as_told_may_try(station: Station, left_s: float, minutes: int) -> None:
    """The minutes told are whole ones, never "0" and never too few."""
    assert isinstance(station.clock, FixedClock)
    for _ in range(TRIES_PER_BROWSER):
        await signin._count_tries(station, CLERK.login, stranger(1))
    station.clock.at += TRY_WINDOW - timedelta(seconds=left_s)
    with pytest.raises(signin.TooManyTries) as told:
        await signin._count_tries(station, CLERK.login, stranger(1))
    assert told.value.params["minutes"] == minutes
    station.clock.at += timedelta(minutes=minutes)
    await signin._count_tries(station, CLERK.login, stranger(1))


@pytest.mark.usefixtures("few_tries")
async def test_a_browser_that_signed_in_before_is_counted_apart(new_person: NewPerson, station: Station) -> None:
    """While somebody at the same address tries with ever new cookies, the owner's usual browser still signs in."""
    owner = await new_person(CLERK.id)
    await owner.post("/signout")
    for number in range(8):
        with pytest.raises(StationError):
            await signin.check_password(station, CLERK.login, "wrong", "123456", Caller("127.0.0.1", str(number)))
    later = MONDAY_TEN + timedelta(minutes=1)  # the dynamic code of the first sign-in is used up
    station.clock.at = later  # type: ignore[attr-defined]
    await owner.sign_in(CLERK.id)
    assert "何晓雯" in await owner.get("/privacy")


@pytest.mark.usefixtures("few_tries")
async def test_device_cookie_of_another_login_counts_for_nothing(new_person: NewPerson, station: Station) -> None:
    """Nor does one that was made up: it stands for the name for which the station made it."""
    other = await new_person("ac_demo_unit")
    for number in range(8):
        with pytest.raises(StationError):
            await signin.check_password(station, CLERK.login, "wrong", "123456", Caller("127.0.0.1", str(number)))
    for cookie in (None, "0" * 32 + "." + "1" * 32, "x", "é"):
        if cookie is not None:
            other.client.session.cookie_jar.update_cookies({"station_device": cookie})
        await other.post("/signin/staff", status=429, login=CLERK.login, password=PASSWORD, otp=otp_now(station))


async def test_after_the_lock_tries_start_anew(station: Station) -> None:
    """A quarter of an hour later there are five tries again, not one."""
    here = Caller("192.0.2.1", "mine")
    for _ in range(9):
        with pytest.raises(StationError):
            await signin.check_password(station, CLERK.login, "wrong", "123456", here)
    later = replace(station, clock=FixedClock(MONDAY_TEN + timedelta(minutes=15)))
    for _ in range(4):
        with pytest.raises(signin.WrongLogin):
            await signin.check_password(later, CLERK.login, "wrong", "123456", here)
    assert await signin.check_password(later, CLERK.login, PASSWORD, otp_now(later), here)


@pytest.mark.parametrize("spelling", ["clerk", "Clerk", "ｃｌｅｒｋ"])
async def test_known_and_unknown_logins_answer_alike(new_person: NewPerson, spelling: str) -> None:
    """Ten wrong tries at a login that exists and at one that does not: the same statuses and the same words."""
    seen = []
    for login in (spelling, "nobody-here"):
        guest = await new_person()
        answers = []
        for _ in range(10):
            data = {"login": login, "password": "wrong", "otp": "123456", "csrf": await guest.token()}
            async with guest.client.post("/signin/staff", data=data) as answer:
                text = re.sub(r'(?:content|value)="[^"]*"', "", await answer.text())
                answers.append((answer.status, text))
        seen.append(answers)
    assert seen[0] == seen[1]
    assert [status for status, _ in seen[0]] == [401] * 5 + [429] * 5


async def test_one_dynamic_code_opens_one_session(both: Station) -> None:
    """Used six times at once, from six browsers, it signs in once."""
    callers = [stranger(number) for number in range(6)]
    ends = await outcomes(*(signin.check_password(both, CLERK.login, PASSWORD, otp_now(both), c) for c in callers))
    assert ends == {"ok": 1, "WrongLogin": 5}
    async with both.database.read() as connection:
        assert (await connection.execute(select(func.count()).select_from(store.sessions))).scalar_one() == 1


async def test_wrong_passwords_at_once_all_count(both: Station) -> None:
    """Nineteen at the same moment are nineteen tries: five are looked at."""
    here = Caller("192.0.2.1", "mine")
    ends = await outcomes(
        *(signin.check_password(both, CLERK.login, "wrong", "123456", here) for _ in range(19)),
    )
    assert ends == {"WrongLogin": 5, "TooManyTries": 14}


# --- Citizens --------------------------------------------------------------------------------------------------------


async def test_strangers_who_ask_for_codes_keep_nobody_out(station: Station) -> None:
    """Sixty requests for somebody's number from elsewhere, and wrong guesses, and her own code still works."""
    mine = Caller("192.0.2.1", "mine")
    await signin.send_code(station, PHONE, mine)
    (code,) = await codes_sent(station)
    for number in range(10):
        for _ in range(6):
            await outcomes(signin.send_code(station, PHONE, stranger(number)))
            await outcomes(signin.check_code(station, "000000" if code != "000000" else "1", stranger(number)))
    assert await signin.check_code(station, code, mine)
    await signin.send_code(station, PHONE, mine)


async def test_a_code_is_no_use_in_another_browser(station: Station) -> None:
    """Guesses elsewhere are guesses at codes that were asked for there."""
    await signin.send_code(station, PHONE, Caller("192.0.2.1", "mine"))
    await signin.send_code(station, PHONE, stranger(1))
    for code in await codes_sent(station):
        with pytest.raises(signin.CodeExpired):
            await signin.check_code(station, code, stranger(2))


async def test_codes_grow_when_many_are_open(station: Station) -> None:
    """The more codes of one number are open, the less a guess is worth; the owner gets one all the same."""
    for number in range(11):
        await signin.send_code(station, PHONE, stranger(number))
    lengths = Counter(len(code) for code in await codes_sent(station))
    assert lengths == {6: 10, 8: 1}
    (long,) = [code for code in await codes_sent(station) if len(code) == 8]
    assert await signin.check_code(station, f"{long[:4]} {long[4:]}", stranger(10))


async def test_a_second_code_leaves_the_first_as_it_was(station: Station) -> None:
    """Both messages say "10 分钟内有效", and both are."""
    for used in (0, 1):
        here = Caller("192.0.2.1", f"visit {used}")
        before = set(await codes_sent(station))
        await signin.send_code(station, PHONE, here)
        await signin.send_code(station, PHONE, here)
        mine = [code for code in await codes_sent(station) if code not in before]
        assert await signin.check_code(station, mine[used], here)


async def test_one_number_may_be_asked_for_five_times_by_one_address(station: Station) -> None:
    """The sixth time is refused, however the address changes inside its /64; another number is not."""
    for _ in range(5):
        await signin.send_code(station, PHONE, stranger(1))
    with pytest.raises(TooManyRequests):
        await signin.send_code(station, PHONE, replace(stranger(1), visit="another visit"))
    await signin.send_code(station, "13912345679", stranger(1))


async def test_a_hall_behind_one_address_signs_in(station: Station) -> None:
    """Sixty people at one address get their code within a minute; past the setting the words name another way."""
    for number in range(60):
        await signin.send_code(station, f"1391234{number:04}", Caller("192.0.2.1", str(number)))
    small = replace(station, settings=station.settings.model_copy(update={"codes_per_address": 20}), bus=LocalBus())
    for number in range(2):
        await signin.send_code(small, f"1391235{number:04}", Caller("192.0.2.1", str(number)))
    with pytest.raises(signin.BusyNetwork) as caught:
        await signin.send_code(small, "13912359999", Caller("192.0.2.1", "late"))
    assert "电话" in caught.value.text


async def test_an_office_behind_one_address_signs_in(station: Station) -> None:
    """Many members of staff at one address, each with a mistake, are not one attacker."""
    for number in range(10):
        ends = await outcomes(
            signin.check_password(station, f"colleague{number}", "wrong", "123456", Caller("192.0.2.1", str(number)))
        )
        assert ends == {"WrongLogin": 1}
    assert await signin.check_password(station, CLERK.login, PASSWORD, otp_now(station), Caller("192.0.2.1", "mine"))


async def test_requests_for_a_code_at_once_all_succeed(both: Station) -> None:
    """Five clicks at the same moment are five codes, none an error of ours."""
    server = TestServer(build_app(both))
    async with TestClient(server) as client:
        token = await Person(client, both).token()

        async def ask() -> int:
            data = {"phone": PHONE, "csrf": token}
            async with client.post("/signin", data=data, allow_redirects=False) as answer:
                return answer.status

        assert Counter(await asyncio.gather(*(ask() for _ in range(7)))) == {303: 5, 429: 2}


async def test_one_code_opens_one_session_and_one_account(both: Station) -> None:
    """The right code six times at once, and two codes of a new number in two browsers, make one account."""
    here, there = Caller("192.0.2.1", "mine"), Caller("192.0.2.2", "the telephone")
    await signin.send_code(both, PHONE, here)
    (first,) = await codes_sent(both)
    await signin.send_code(both, PHONE, there)
    (second,) = set(await codes_sent(both)) - {first}
    calls = [signin.check_code(both, first, here) for _ in range(6)] + [signin.check_code(both, second, there)]
    ends = await outcomes(*calls)
    assert ends == {"ok": 2, "CodeExpired": 5}
    query = select(func.count()).select_from(store.accounts).where(store.accounts.c.phone == PHONE)
    async with both.database.read() as connection:
        assert (await connection.execute(query)).scalar_one() == 1


async def test_refusal_says_when_to_come_back(new_person: NewPerson) -> None:
    """The sixth request for one number is 429 on the form itself, what was typed stays, and Retry-After says when."""
    guest = await new_person()
    for _ in range(5):
        await guest.post("/signin", phone=PHONE)
    data = {"phone": PHONE, "csrf": await guest.token()}
    async with guest.client.post("/signin", data=data) as answer:
        assert answer.status == 429
        assert 0 < int(answer.headers["Retry-After"]) <= 3601
        text = await answer.text()
    assert "分钟后再试" in text
    assert f'value="{PHONE}"' in text
    assert SESSION_COOKIE not in {cookie.key for cookie in guest.client.session.cookie_jar}


async def test_whoever_wears_out_an_address_keeps_out_no_citizen_who_was_here(
    new_person: NewPerson, station: Station
) -> None:
    """All tries of an address are used up: a browser that signed in by code before does so again, a new one waits."""
    citizen = await new_person("ac_demo_citizen")
    await citizen.post("/signout")
    with pytest.raises(TooManyRequests):
        while True:
            await station.bus.limit("tries-from:127.0.0.1", station.settings.sign_ins_per_address, signin.TRIES_PER_S)
    await citizen.sign_in("ac_demo_citizen")
    assert "赵玉梅" in await citizen.get("/privacy")
    newcomer = await new_person()
    await newcomer.post("/signin", phone=PHONE)
    await newcomer.post("/signin/code", status=429, code="123456")
