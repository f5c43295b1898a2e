"""The page for the State Council's notice, as an administrator uses it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from station.base.station import Station
from station.demo.accounts import seed_accounts
from station.demo.directory import seed_directory
from station.holidays.service import list_notices
from tests.fixtures import Person
from tests.holidays.notices import NOTICE_2027

NewPerson = Callable[..., Awaitable[Person]]


async def test_a_notice_is_pasted_read_shown_and_used(station: Station, new_person: NewPerson) -> None:
    """What was understood is shown before anything changes; then it stands on the page, and can be taken back."""
    await seed_directory(station)
    await seed_accounts(station)
    admin = await new_person("ac_demo_admin")
    shown = await admin.post("/admin/holidays", year="2027", text=NOTICE_2027)
    assert "2月5日（周五）到2月12日（周五），共 8 天" in shown
    assert "2月14日（周日）、2月20日（周六）" in shown.replace("\n", "")
    assert not await list_notices(station)
    kept = await admin.post("/admin/holidays/2027", text=NOTICE_2027, seen="0")
    assert "现在知道到2027年12月31日（周五）为止" in kept
    assert "管理员在" in kept
    assert "收回 2027 年" in await admin.get("/admin/holidays/2027/withdraw")
    gone = await admin.post("/admin/holidays/2027/withdraw", seen="1")
    assert "管理员在" not in gone


async def test_a_slip_is_named_and_the_text_stays(station: Station, new_person: NewPerson) -> None:
    """Every fault stands on the page, in the reader's language, and what was pasted is still in its field."""
    await seed_directory(station)
    await seed_accounts(station)
    admin = await new_person("ac_demo_admin")
    wrong = NOTICE_2027.replace("2月14日（周日）", "2月14日（周六）").replace("共7天", "共6天")
    page = await admin.post("/admin/holidays", status=422, year="2027", text=wrong)
    assert "春节：2月14日（周日）写的是周六，其实是周日" in page
    assert "国庆节：写着共 6 天，数出来是 7 天" in page
    assert "2月14日（周六）、2月20日" in page
    admin.headers["Accept-Language"] = "en"
    assert "国庆节: it says 6 days, but counts 7" in await admin.post(
        "/admin/holidays", status=422, year="2027", text=wrong
    )


async def test_whatever_is_sent_is_answered(station: Station, new_person: NewPerson) -> None:
    """Years that are none and versions that are none: a page that says what to do, or none there."""
    await seed_directory(station)
    await seed_accounts(station)
    admin = await new_person("ac_demo_admin")
    for year in ("", "二〇二七", "2026", "99999"):
        assert "请选一个还没有安排的年份" in await admin.post("/admin/holidays", status=422, year=year, text="x")
    await admin.post("/admin/holidays/20277", status=404, text=NOTICE_2027, seen="0")
    await admin.post("/admin/holidays/2027", status=409, text=NOTICE_2027, seen="7")
    await admin.post("/admin/holidays/2027/withdraw", status=404, seen="1")
