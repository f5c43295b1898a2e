"""A real station, read whole: no page of it holds a word of the demo's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pyotp
from sqlalchemy import insert

from station.base.database import migrate_url
from station.base.principal import SYSTEM, Role
from station.base.settings import DEMO_DISTRICT, DEMO_HELP_PHONE
from station.base.station import Station
from station.demo.directory import CONSTITUENCIES, DEPUTIES, STATIONS, UNITS
from station.demo.logins import DEMO_ACCOUNTS
from station.directory import store as directory
from station.people.model import Caller
from station.people.pages import SESSION_COOKIE
from station.people.service import add_staff
from station.people.signin import open_session
from station.people.store import account_by_id, accounts
from station.routes import ROUTES
from tests.fixtures import Person
from tests.setup.real import PASSWORD, browsing, real_station, set_up

LOGINS = {Role.CLERK: "st_1", Role.DEPUTY: "dp_1", Role.UNIT: "un_1", Role.SUPERVISOR: ""}
GONE = {"/demo", "/metrics"}
# What a page may be asked for instead of a name in its address.
IDS = {"deputy": "dp_1", "code": "c0ffee", "language": "zh", "mode": "standard", "kind": "notice", "version": "1"}


def demo_words() -> set[str]:
    """Names, places and numbers that only the demo has, taken from its data."""
    said = str([STATIONS, DEPUTIES, CONSTITUENCIES, UNITS, [account.name for account in DEMO_ACCOUNTS]])
    names = set(re.findall(r"[\u4e00-\u9fff]{2,}", str([STATIONS, DEPUTIES])))
    names = {name for name in names if name in said and len(name) >= 3}
    return {DEMO_DISTRICT, DEMO_DISTRICT[:2], DEMO_HELP_PHONE, "(0000)", "桂花", "林秀兰", *names} - GENERAL


# Words of the demo's data that are also words of the trade: every station has them.
GENERAL = {"联络站", "中心站", "教师", "医生"}


async def put_in(station: Station) -> None:
    """One station, one constituency, one deputy, one unit, and an account of each role."""
    rows = (
        (directory.districts, {"id": "di_1", "name": "青川县"}),
        (
            directory.stations,
            {
                "id": "st_1", "district": "di_1", "parent": None, "tier": "main", "name": "乔庄镇总站",
                "address": "乔庄镇 1 号", "phone": "0839-1",
            },
        ),
        (directory.terms, {"id": "te_1", "name": "第一届", "starts_on": date(2026, 1, 1), "ends_on": None}),
        (directory.constituencies, {"id": "co_1", "district": "di_1", "name": "第一选区", "whole_district": False}),
        (directory.places, {"id": "pl_1", "name": "乔庄镇", "kind": "street", "constituency": "co_1"}),
        (
            directory.deputies,
            {
                "id": "dp_1", "code": "c0ffee", "name": "何平", "latin": "He Ping", "letters": "heping",
                "initials": "hp", "station": "st_1", "job": "农民", "concerns": "", "bio": "",
            },
        ),
        (
            directory.seats,
            {"id": "se_1", "deputy": "dp_1", "term": "te_1", "constituency": "co_1", "level": "district"},
        ),
        (directory.units, {"id": "un_1", "name": "县水利局", "phone": "0839-2"}),
        (
            accounts,
            {
                "id": "ac_citizen", "role": "citizen", "name": "张三", "phone": "13900000001",
                "created_at": station.clock.now(),
            },
        ),
    )  # fmt: skip
    async with station.database.transaction() as work:
        for table, row in rows:
            await work.execute(insert(table).values(**row))


def pages() -> Iterator[str]:
    """Every address that answers a GET with something to read."""
    for route in ROUTES:
        streams = route.path.endswith(("/events", "/ws")) or route.bearer
        if route.method == "GET" and not streams and route.path not in GONE:
            yield re.sub(r"\{(\w+)[^}]*\}", lambda found: IDS.get(found[1], "x"), route.path)


async def read_all(person: Person, words: set[str]) -> list[str]:
    """Which pages hold one of the words, and which answered as they must not."""
    faults = []
    for path in pages():
        async with person.client.get(path, headers=person.headers) as answer:
            text = (await answer.read()).decode(errors="replace")
            faults += [f"{path}: {word}" for word in words if word in text]
            if answer.status >= 500 and answer.status not in (502, 503):
                faults.append(f"{path}: {answer.status}")
    return faults


async def test_no_page_of_a_real_station_holds_a_word_of_the_demos(tmp_path: Path, station_folder: Path) -> None:
    """Empty and with its first station and deputy, as a guest and in each role; empty pages say what is not there."""
    words = demo_words()
    assert {"清和区", "(0000) 880 0123", "林秀兰", "桂花"} <= words
    folder = tmp_path / "var"
    folder.mkdir()
    database = f"sqlite+aiosqlite:///{folder / 'station.db'}"
    migrate_url(database, folder)
    async with real_station(database, folder) as station:
        async with browsing(station) as admin:
            home = await set_up(admin)
            assert home.count("data-missing=") == 8 and "代表名单是空的" in home
            for path, plain in (
                ("/", "现在还不能约"), ("/deputies", "代表名单还没有放上来"), ("/stations", "地址还没有放上来"),
                ("/book", "代表名单还没有放上来"), ("/live", "现在没有直播"), ("/cases", "还没有公开的事项"),
            ):  # fmt: skip
                page = await admin.get(path)
                assert plain in page, path
                assert ("看还差什么" in page) == (path in ("/", "/deputies", "/stations", "/book")), path
            await put_in(station)
            secrets = {}
            for role, scope in LOGINS.items():
                _, secrets[role] = await add_staff(station, SYSTEM, role, role, f"{role}甲", PASSWORD, scope)
            assert await read_all(admin, words) == []
        async with browsing(station) as guest:
            assert await read_all(guest, words) == []
        async with browsing(station) as citizen:
            async with station.database.transaction() as work:
                account = await account_by_id(work.connection, "ac_citizen")
                assert account is not None
                token = await open_session(station, work, account, Caller("127.0.0.1", ""), "")
            citizen.client.session.cookie_jar.update_cookies({SESSION_COOKIE: token}, citizen.client.make_url("/"))
            assert "张三" in await citizen.get("/my")
            assert await read_all(citizen, words) == []
        for role, secret in secrets.items():
            async with browsing(station) as person:
                otp = pyotp.TOTP(secret).at(station.clock.now())
                await person.post("/signin/staff", login=str(role), password=PASSWORD, otp=otp)
                assert await read_all(person, words) == []
