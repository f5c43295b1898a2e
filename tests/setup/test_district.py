"""What a district says of itself reaches all pages, and is changed at /admin/district."""

from __future__ import annotations

import io
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import FormData
from sqlalchemy import func, select

from station.base.identity import IdentityHolder
from station.base.principal import Principal, Role
from station.base.station import Station
from station.cases.law.policy import policy_of
from station.ledger.store import ledger_events
from station.notices.service import signature_of
from station.people.model import ConsentKind
from station.people.service import give_consent, my_consents
from station.setup.model import Facts, Look, Texts
from station.setup.service import ChangedMeanwhile, load_identity, save_facts, save_look, save_texts
from tests.fixtures import Person

NewPerson = Callable[..., Awaitable[Person]]
ADMIN = Principal("ac_demo_admin", Role.ADMIN, "管理员")
FACTS = Facts("青川县", "青川县人大常委会", "0839-8882345", "周一至周五 9:00–17:00", "青川代表", ("zh", "en"))
FORM: dict[str, Any] = {
    "district": "青川县",
    "higher_unit": "青川县人大常委会",
    "help_phone": "0839-8882345",
    "help_hours": "周一至周五",
    "english": "yes",
}
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9v9z"/></svg>'


def seen_in(page: str) -> str:
    found = re.search(r'name="seen" value="(\d+)"', page)
    assert found
    return found[1]


async def test_names_reach_pages_messages_and_numbers_at_once(station: Station, new_person: NewPerson) -> None:
    """Head, foot, title, case numbers and the signature of messages: from the moment of the commit."""
    guest = await new_person()
    assert "清和区" in await guest.get("/")
    await save_facts(station, ADMIN, FACTS)
    page = await guest.get("/")
    assert "清和区" not in page and page.count("青川县") >= 2
    assert 'href="tel:08398882345"' in page and FACTS.help_hours in page
    assert policy_of(station).number_prefix == "青川" and signature_of(station) == "青川代表"


async def test_another_process_takes_over_what_was_changed(station: Station) -> None:
    """A second holder, as a second web has, finds the newer version; what did not change is not read again."""
    other = replace(station, identities=IdentityHolder())
    await save_facts(station, ADMIN, FACTS)
    await load_identity(other)
    held = other.identities.stored
    assert held is not None and held.district == "青川县"
    await load_identity(other)
    assert other.identities.stored is held


async def test_a_station_that_is_no_demo_never_shows_the_demos_names(station: Station) -> None:
    """Neither before it is set up nor where the settings are silent."""
    real = replace(station, settings=station.settings.model_copy(update={"demo": False}))
    assert (real.identity.district, real.identity.help_phone) == ("", "")
    assert policy_of(real).number_prefix == ""


async def test_an_administrator_changes_the_names_and_faults_keep_what_was_typed(
    station: Station, new_person: NewPerson
) -> None:
    """A wrong number is said beside its field with all that was typed; once saved, the ledger has no names."""
    admin = await new_person("ac_demo_admin")
    seen = seen_in(await admin.get("/admin/district"))
    page = await admin.post("/admin/district/facts", 422, **(FORM | {"help_phone": "找小王", "seen": seen}))
    assert "找小王" in page and "电话只能有数字" in page and 'value="青川县"' in page
    assert "存好了" in await admin.post("/admin/district/facts", **FORM | {"seen": seen})
    assert station.identity.district == "青川县" and station.identity.languages == ("zh", "en")
    async with station.database.read() as connection:
        query = select(ledger_events.c.data).where(ledger_events.c.action == "district.facts-changed")
        assert [str(row.data) for row in await connection.execute(query)] == ["{}"]


async def test_of_two_administrators_the_second_sees_both_and_keeps_his_words(
    station: Station, new_person: NewPerson
) -> None:
    """409 with what holds now beside what he typed; sent once more from there, it is taken."""
    admin = await new_person("ac_demo_admin")
    seen = seen_in(await admin.get("/admin/district"))
    await save_facts(station, ADMIN, FACTS)
    page = await admin.post("/admin/district/facts", 409, **(FORM | {"district": "江北区", "seen": seen}))
    assert "别人刚刚改过" in page and 'value="江北区"' in page and "<dd>青川县</dd>" in page
    await admin.post("/admin/district/facts", **FORM | {"district": "江北区", "seen": seen_in(page)})
    assert station.identity.district == "江北区"


async def send_look(person: Person, status: int, mark: bytes | None = None, **fields: str) -> str:
    form = FormData({"csrf": await person.token(), **fields}, default_to_multipart=True)
    form.add_field("mark", io.BytesIO(mark or b""), filename="m.svg", content_type="image/svg+xml")
    async with person.client.post("/admin/district/look", data=form, headers=person.headers) as answer:
        text = await answer.text()
        assert answer.status == status, text[:2000]
        return text


async def test_colour_and_mark_reach_the_pages_without_inline_styles(station: Station, new_person: NewPerson) -> None:
    """A pale colour is refused with the nearest that passes, one press away; mark and colours are files of ours."""
    admin, guest = await new_person("ac_demo_admin"), await new_person()
    assert "/identity.css" not in await guest.get("/")
    seen = seen_in(await admin.get("/admin/district"))
    page = await send_look(admin, 422, accent="own", code="#3F9C93", seen=seen)
    offered = re.search(r'name="use" value="(#[0-9a-f]{6})"', page)
    assert offered and 'value="#3F9C93"' in page
    await send_look(admin, 422, b"GIF89a", accent="own", code="#1f4e79", seen=seen)
    await send_look(admin, 200, SVG, accent="own", code="#3F9C93", use=offered[1], seen=seen)
    page = await guest.get("/")
    sheet = re.search(r'href="(/identity\.css\?v=\w+)"', page)
    icon = re.search(r'src="(/mark\.svg\?v=\w+)"', page)
    assert sheet and icon and 'rel="icon" href="/mark.svg' in page and "style=" not in page
    async with guest.client.get(sheet[1]) as answer:
        assert offered[1] in await answer.text() and answer.content_type == "text/css"
        etag = answer.headers["ETag"]
    async with guest.client.get(sheet[1], headers={"If-None-Match": etag}) as answer:
        assert answer.status == 304
    async with guest.client.get(icon[1]) as answer:
        assert answer.headers["Content-Security-Policy"].endswith("sandbox") and answer.content_type == "image/svg+xml"
    await guest.get("/mark.png", 404)
    await send_look(admin, 200, accent="#0b5351", without_mark="yes", seen=seen_in(await admin.get("/admin/district")))
    assert station.identity.mark is None and "/identity.css" not in await guest.get("/")


async def test_a_consent_keeps_the_version_of_the_texts_it_was_given_under(
    station: Station, new_person: NewPerson
) -> None:
    """Built-in texts are version 0; a change makes one version more, and the same text again makes none."""
    who = Principal("ac_demo_citizen", Role.CITIZEN, "赵玉梅")
    await give_consent(station, who, ConsentKind.USE, "booking:1", True)
    texts = Texts("谁在用\n本县", "", "只用来办这件事", "")
    await save_texts(station, ADMIN, texts)
    await save_texts(station, ADMIN, texts)
    await save_texts(station, ADMIN, replace(texts, notice="谁在用\n本县人大"))
    await give_consent(station, who, ConsentKind.USE, "booking:2", True)
    versions = {c.subject: (c.notice_version, c.wording_version) for c in await my_consents(station, who)}
    assert versions == {"booking:1": (0, 0), "booking:2": (2, 1)}
    guest, admin = await new_person(), await new_person("ac_demo_admin")
    page = await guest.get("/privacy")
    assert "本县人大" in page and "第 2 版" in page and "保管多久" in page
    assert "<p>本县</p>" in await admin.get("/admin/district/texts/notice/1")
    await admin.get("/admin/district/texts/notice/3", 404)
    page = await admin.get("/admin/district")
    fields: dict[str, Any] = {"notice": "又一版", "consent": "也是", "seen": seen_in(page)}
    assert "不能空着" in await admin.post("/admin/district/texts", 422, **(fields | {"consent": ""}))
    await admin.post("/admin/district/texts", **fields)
    assert station.identity.notice.version == 3


async def test_where_only_chinese_is_offered_pages_are_chinese(station: Station, new_person: NewPerson) -> None:
    """Whatever the browser asks for, and no way to English is shown."""
    guest = await new_person()
    guest.headers = {"Accept-Language": "en"}
    assert 'lang="en"' in await guest.get("/")
    await save_facts(station, ADMIN, replace(FACTS, languages=("zh",)))
    page = await guest.get("/")
    assert '<html lang="zh-CN"' in page and "/language/" not in page


async def test_two_saves_at_once_leave_one_row_and_one_winner(bare_town: Station) -> None:
    """On both databases: the second of two forms that saw the same version is told."""
    await save_look(bare_town, ADMIN, Look("#1f4e79"), seen=0)
    with pytest.raises(ChangedMeanwhile):
        await save_facts(bare_town, ADMIN, FACTS, seen=0)
    async with bare_town.database.read() as connection:
        told = select(func.count()).where(ledger_events.c.action.startswith("district."))
        assert await connection.scalar(told) == 1
