"""The first start: a link, four steps whose words stay, one administrator, and then never again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from station.base.errors import BadInput
from station.base.identity import IdentityHolder
from station.base.link_keys import hash_key, make_key
from station.base.principal import Role
from station.base.station import Station
from station.people.service import accounts_with
from station.setup.start_service import (
    FirstAdministrator,
    SetUpOver,
    finish,
    keep_administrator,
    keep_secret,
    replace_link,
)
from station.setup.terminal import Asked
from station.setup.terminal import set_up as set_up_at_terminal
from tests.setup.real import DISTRICT, PASSWORD, browsing, code_for, open_link, real_station, secret_on, set_up


@pytest_asyncio.fixture
async def empty(database_url: str, tmp_path: Path) -> AsyncIterator[Station]:
    """On SQLite and on PostgreSQL."""
    async with real_station(database_url, tmp_path) as station:
        yield station


async def test_from_the_link_to_an_administrator_signed_in(empty: Station) -> None:
    """All steps, each with the district's own words; afterwards every set-up page says that it is over."""
    async with browsing(empty) as person:
        home = await set_up(person)
        assert 'href="/admin/district"' in home
        assert "方圆" in home and "青川县" in home
        identity = empty.identity
        assert (identity.district, identity.accent, identity.notice.version) == ("青川县", "#1f4e79", 1)
        assert "青川县人大常委会" in identity.notice.chinese and "{" not in identity.notice.chinese
        (admin,) = await accounts_with(empty, Role.ADMIN)
        assert admin.name == "方圆"
        for path in ("/setup", "/setup?key=x", "/setup/district", "/setup/admin"):
            assert "已经开站了" in await person.get(path, 410)
        await person.post("/setup/admin", 410, name="乙", login="second", password=PASSWORD, otp="000000")
        assert not await replace_link(empty, hash_key(make_key()))


async def test_without_a_good_link_a_page_says_what_to_do(empty: Station) -> None:
    """No link, a wrong one, one replaced by a newer start: never a form, always the way to a new link."""
    async with browsing(empty) as person:
        old = make_key()
        await replace_link(empty, hash_key(old))
        await replace_link(empty, hash_key(make_key()))
        for path in ("/setup", "/setup/admin", "/setup?key=wrong", f"/setup?key={old}"):
            page = await person.get(path, 403)
            assert "station setup-link" in page and "<form" not in page, path
        await person.post("/setup/district", 403, **DISTRICT)
        assert empty.identity.version == 0


async def test_a_link_lets_one_browser_in(empty: Station) -> None:
    """A second one that opens it reads what to do; `station setup-link` puts out whoever was let in."""
    async with browsing(empty) as person:
        key = make_key()
        await replace_link(empty, hash_key(key))
        await person.get(f"/setup?key={key}")
        await person.get(f"/setup?key={key}")  # the same browser: a page loaded again
        secret = (await keep_secret(empty)).totp_secret
        await replace_link(empty, hash_key(make_key()), browsers=True)
        for path in ("/setup/district", f"/setup?key={key}"):
            assert "<form" not in await person.get(path, 403), path
        assert (await keep_secret(empty)).totp_secret != secret
        person.client.session.cookie_jar.clear()
        key = make_key()
        await replace_link(empty, hash_key(key))
        await person.get(f"/setup?key={key}")
        person.client.session.cookie_jar.clear()
        assert "station setup-link" in await person.get(f"/setup?key={key}", 403)


async def test_what_another_window_kept_makes_nobody_administrator(empty: Station) -> None:
    """Who proved a code is not given the password that somebody else typed meanwhile: both are asked for again."""
    async with browsing(empty) as person:
        code = code_for(person, (await keep_secret(empty)).totp_secret)
    proven = await keep_administrator(empty, FirstAdministrator("方圆", "fangyuan", PASSWORD, code))
    with pytest.raises(BadInput):
        await keep_administrator(empty, FirstAdministrator("方圆", "fangyuan", "another-password", ""))
    with pytest.raises(BadInput) as refused:
        await finish(empty, proven)
    assert set(refused.value.fields) == {"password", "otp"}
    assert await accounts_with(empty, Role.ADMIN) == []


async def test_what_was_typed_stays_when_going_back_and_over_a_restart(empty: Station) -> None:
    """Saved steps, faults with what was typed, and the browser that was opened outlive a new start with a new link."""
    async with browsing(empty) as person:
        assert "哪个区" in await open_link(person)
        page = await person.post("/setup/district", 422, **{**DISTRICT, "district": ""})
        assert 'value="0839-8882345"' in page and "请填区的名称" in page
        await person.post("/setup/district", **DISTRICT)
        assert 'value="青川县"' in await person.get("/setup/district")
        await person.get("/setup/admin")  # not yet: leads to the step that is next
        restarted = replace(empty, identities=IdentityHolder())
        await replace_link(restarted, hash_key(make_key()))
        cookies = {c.key: c.value for c in person.client.session.cookie_jar}
        async with browsing(restarted) as again:
            again.client.session.cookie_jar.update_cookies(cookies, again.client.make_url("/setup"))
            assert "样子" in await again.get("/setup") and 'value="青川县"' in await again.get("/setup/district")


async def test_a_late_code_costs_no_password(empty: Station) -> None:
    """Name, login and secret stay; the password is noted as a hash, so that only the code is typed again."""
    async with browsing(empty) as person:
        await open_link(person)
        await person.post("/setup/district", **DISTRICT)
        await person.post("/setup/look", accent="#0b5351")
        await person.post("/setup/texts", notice="谁在用", consent="只办这件事")
        page = await person.get("/setup/admin")
        typed: dict[str, Any] = {"name": "方圆", "login": "Fang Yuan", "password": "short", "otp": ""}
        page = await person.post("/setup/admin", 422, **typed)
        assert "密码至少 12 位" in page and 'value="方圆"' in page
        page = await person.post("/setup/admin", 422, name="方圆", login="fangyuan", password=PASSWORD, otp="123")
        assert PASSWORD not in page and "数字不对" in page and "密码记下了" in page
        secret = secret_on(page)
        assert secret == secret_on(await person.get("/setup/admin"))
        await person.post("/setup/admin", name="方圆", login="fangyuan", password="", otp=code_for(person, secret))
        await person.get("/admin")


async def test_of_two_who_finish_at_once_one_is_the_administrator(empty: Station) -> None:
    """On both databases: the other reads that set-up is over, and no second account is made."""
    secret = (await keep_secret(empty)).totp_secret
    async with browsing(empty) as person:
        code = code_for(person, secret)
    proven = await keep_administrator(empty, FirstAdministrator("方圆", "fangyuan", PASSWORD, code))
    done = await asyncio.gather(finish(empty, proven), finish(empty, proven), return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["SetUpOver", "tuple"]
    assert len(await accounts_with(empty, Role.ADMIN)) == 1


async def test_the_command_line_does_the_same(empty: Station, tmp_path: Path) -> None:
    """`station init`: district, texts, mark, administrator with a code in step; a second time it refuses."""
    mark = tmp_path / "mark.svg"
    mark.write_text('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9"/></svg>')
    told: list[str] = []
    asked = Asked(facts=DISTRICT, colour="#1f4e79", mark=mark, name="方圆", login="fangyuan", password=PASSWORD)

    def code() -> str:
        secret = next(line for line in told if line.startswith("Authenticator")).rpartition(" ")[2]
        return code_for(person, secret)

    async with browsing(empty) as person:
        await set_up_at_terminal(empty, asked, told.append, code)
        await person.post("/signin/staff", 401, login="fangyuan", password=PASSWORD, otp=code())  # used by the proof
        empty.clock.at += timedelta(seconds=30)  # type: ignore[attr-defined]
        await person.post("/signin/staff", login="fangyuan", password=PASSWORD, otp=code())
        assert "青川县" in await person.get("/admin")
        assert empty.identity.mark is not None and empty.identity.notice.version == 1
    with pytest.raises(SetUpOver):
        await set_up_at_terminal(empty, asked, told.append, code)
