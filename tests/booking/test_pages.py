"""The pages from finding a deputy to cancelling, as a browser without script uses them."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from icalendar import Calendar

from station.base.clock import FixedClock
from station.base.principal import Principal, Role
from station.base.station import Station
from station.booking.model import Matter, Mode, Slot
from station.booking.rota import list_slots
from station.booking.service import book_slot
from station.demo.booking import CHEN, LIN
from station.notices.service import list_newest
from tests.fixtures import MONDAY_TEN, Person

NewPerson = Callable[..., Awaitable[Person]]
LI = Principal("ac_demo_citizen2", Role.CITIZEN, "李国强")
TOPIC = "7 号楼想装电梯，一楼两户不同意"


async def first_slot(station: Station, deputy: str = LIN) -> Slot:
    return next(slot for slot in await list_slots(station, LI, deputy) if not slot.full)


def key_in(page: str) -> str:
    found = re.search(r'name="key" value="(\w+)"', page)
    assert found
    return found[1]


async def book(citizen: Person, slot: Slot, topic: str = TOPIC) -> str:
    """Through all pages; returns the address of the booking."""
    await citizen.get(f"/book/{slot.id}")
    check = await citizen.post(f"/book/{slot.id}", topic=topic, description="住了 24 户。", mode="video", help="family")
    done = await citizen.post(f"/book/{slot.id}/check", key=key_in(check), use="yes")
    found = re.search(r"/bookings/bk_\w+", done)
    assert found
    return found[0]


async def test_a_citizen_finds_books_and_cancels(town: Station, new_person: NewPerson) -> None:
    """From the estate to the confirmation and back again, each page says what comes next."""
    citizen = await new_person("ac_demo_citizen")
    assert "林秀兰" in await citizen.get("/deputies?place=柳荫新村")
    slot = await first_slot(town)
    assert slot.id in await citizen.get(f"/deputies/{LIN}")
    form = await citizen.get(f"/book?deputy={LIN}&slot={slot.id}")
    assert "您想说什么事？" in form
    assert "为您保留到 10:10" in form
    address = await book(citizen, slot)
    done = await citizen.get(address)
    assert "约好了" in done
    assert "进去见面" in done
    mine = await citizen.get("/my")
    assert f"/meet{address.replace('bookings', 'booking')}" in mine
    assert "要取消这次预约吗" in await citizen.get(f"{address}/cancel")
    assert "已取消" in await citizen.post(f"{address}/cancel")
    assert re.search(rf'value="{slot.id}"\s+data', await citizen.get(f"/deputies/{LIN}"))
    texts = [n.text.partition("】")[2][:3] for n in await list_newest(town) if n.address == "13800001234" and n.subject]
    assert sorted(texts) == ["已取消", "约好了"]


async def test_a_guest_comes_back_after_signing_in(town: Station, new_person: NewPerson) -> None:
    """Choosing a time leads to the sign-in, which leads back to the same slot."""
    guest = await new_person()
    slot = await first_slot(town)
    page = await guest.get(f"/book?deputy={LIN}&slot={slot.id}")
    assert f'name="next" value="/book/{slot.id}"' in page
    await guest.sign_in("ac_demo_citizen")
    assert "您想说什么事？" in await guest.get(f"/book/{slot.id}")


async def test_faults_are_told_at_their_fields_and_nothing_is_lost(town: Station, new_person: NewPerson) -> None:
    """Two faults: a summary of two, both fields marked, what was typed still there, the title says so."""
    citizen = await new_person("ac_demo_citizen")
    slot = await first_slot(town)
    page = await citizen.post(
        f"/book/{slot.id}", status=422, topic="", description="字" * 501, mode="video", help="text"
    )
    assert "有 2 处要改" in page.split("</title>")[0]
    assert page.count("用一句话写下您要说的事") == 2
    assert "字" * 501 in page
    assert re.search(r'value="text"\s+checked', page)


async def test_no_time_chosen_is_told(town: Station, new_person: NewPerson) -> None:
    """Pressing on without a time shows the times again, with the fault."""
    guest = await new_person()
    page = await guest.get(f"/book?deputy={LIN}", status=422)
    assert "请先选一个时间" in page


async def test_a_lost_slot_keeps_what_was_typed(town: Station, new_person: NewPerson) -> None:
    """When another was faster the times come back with the reason, and the text waits in the form of the next slot."""
    citizen = await new_person("ac_demo_citizen")
    first, second = [s for s in await list_slots(town, LI, LIN) if not s.full][:2]
    await citizen.get(f"/book/{first.id}")
    town.clock.at = MONDAY_TEN + timedelta(minutes=11)  # type: ignore[attr-defined]
    await book_slot(town, LI, first.id, Matter(Mode.VIDEO, "别的事"), "li")
    page = await citizen.post(f"/book/{first.id}", status=409, topic=TOPIC, description="住了 24 户。", mode="video")
    assert "这个时段刚被别人约走了" in page
    assert second.id in page
    form = await citizen.get(f"/book/{second.id}")
    assert TOPIC in form
    assert "住了 24 户。" in form


async def test_who_booked_the_slot_in_another_window_is_not_told_that_others_were_faster(
    town: Station, new_person: NewPerson
) -> None:
    """Going on in the window that was left open, or opening the form again, names one's own booking; the text stays."""
    citizen = await new_person("ac_demo_citizen")
    first, second = [s for s in await list_slots(town, LI, LIN) if not s.full][:2]
    key = key_in(await citizen.post(f"/book/{first.id}", topic="先写的", mode="video"))
    await citizen.post(f"/book/{first.id}/check", key=key, use="yes")
    late = await citizen.post(f"/book/{first.id}", status=409, topic=TOPIC, mode="video")
    for page in (late, await citizen.get(f"/book/{first.id}", status=409)):
        assert "这个时间您已经约了林秀兰代表" in page and "别人约走" not in page
    assert TOPIC in await citizen.get(f"/book/{second.id}")


async def test_a_slot_lost_at_the_last_step_keeps_what_was_typed(town: Station, new_person: NewPerson) -> None:
    """Also on the check page: 409, choose another, text kept."""
    citizen = await new_person("ac_demo_citizen")
    first, second = [s for s in await list_slots(town, LI, LIN) if not s.full][:2]
    key = key_in(await citizen.post(f"/book/{first.id}", topic=TOPIC, mode="video"))
    town.clock.at = MONDAY_TEN + timedelta(minutes=11)  # type: ignore[attr-defined]
    await book_slot(town, LI, first.id, Matter(Mode.VIDEO, "别的事"), "li")
    assert "刚被别人约走" in await citizen.post(f"/book/{first.id}/check", status=409, key=key, use="yes")
    assert TOPIC in await citizen.get(f"/book/{second.id}")


async def test_consent_to_use_must_be_given(town: Station, new_person: NewPerson) -> None:
    """Without the tick nothing is booked; the tick is not preset; the refusal names the page that it stands on."""
    citizen = await new_person("ac_demo_citizen")
    slot = await first_slot(town)
    check = await citizen.post(f"/book/{slot.id}", topic=TOPIC, mode="video")
    assert not re.search(r'name="use"\s+value="yes"\s+checked', check)
    refused = await citizen.post(f"/book/{slot.id}/check", status=422, key=key_in(check))
    assert "要您同意" in refused
    assert f'<meta name="page-of-form" content="/book/{slot.id}/check">' in refused
    assert "page-of-form" not in await citizen.get(f"/book/{slot.id}/check")
    assert not any(n.subject.startswith("booking:") and n.address == "13800001234" for n in await list_newest(town))


async def test_a_double_submit_books_once(town: Station, new_person: NewPerson) -> None:
    """The same confirmation sent again shows the same booking."""
    citizen = await new_person("ac_demo_citizen")
    slot = await first_slot(town)
    key = key_in(await citizen.post(f"/book/{slot.id}", topic=TOPIC, mode="video"))
    pages = [await citizen.post(f"/book/{slot.id}/check", key=key, use="yes") for _ in range(2)]
    assert "约好了" in pages[1]
    numbers = [re.search(r"预约号 (\w\w \w\w \w\w)", page) for page in pages]
    assert numbers[0] and numbers[1] and numbers[0][1] == numbers[1][1]


@pytest.mark.parametrize("path", ["/book/sl_none", "/book/%00", "/bookings/bk_none", "/deputies/dp_none", "/d/none"])
async def test_unknown_addresses_are_not_found(town: Station, new_person: NewPerson, path: str) -> None:
    """What does not exist is a 404 with a way on."""
    citizen = await new_person("ac_demo_citizen")
    await citizen.get(path, status=404)


async def test_a_past_slot_is_told(town: Station, new_person: NewPerson) -> None:
    """A link to a time that is over shows the times that are left."""
    citizen = await new_person("ac_demo_citizen")
    slot = await first_slot(town)
    town.clock.at = slot.starts_at  # type: ignore[attr-defined]
    page = await citizen.get(f"/book/{slot.id}", status=409)
    assert "这个时间已经过了" in page


async def test_nobody_sees_anothers_booking(town: Station, new_person: NewPerson) -> None:
    """Another citizen and another deputy get a 404 for page, calendar and cancelling; the own deputy may look."""
    citizen, other = await new_person("ac_demo_citizen"), await new_person("ac_demo_citizen2")
    chen, lin = await new_person("ac_demo_deputy2"), await new_person("ac_demo_deputy1")
    address = await book(citizen, await first_slot(town))
    for stranger in (other, chen):
        for path in ("", "/calendar.ics", "/cancel"):
            await stranger.get(address + path, status=404)
        await stranger.post(f"{address}/cancel", status=404)
    assert TOPIC in await lin.get(address)
    assert "约好了" in await citizen.get(address)


async def test_the_calendar_file_is_sound(town: Station, new_person: NewPerson) -> None:
    """RFC 5545: the same UID before and after cancelling, SEQUENCE grown, STATUS told, no word of the matter."""
    citizen = await new_person("ac_demo_citizen")
    slot = await first_slot(town)
    address = await book(citizen, slot)
    first = await citizen.get(f"{address}/calendar.ics")
    await citizen.post(f"{address}/cancel")
    second = await citizen.get(f"{address}/calendar.ics")
    events = [Calendar.from_ical(text).walk("VEVENT")[0] for text in (first, second)]
    assert events[0]["uid"] == events[1]["uid"]
    assert (events[0]["sequence"], events[1]["sequence"]) == (0, 1)
    assert [str(e["status"]) for e in events] == ["CONFIRMED", "CANCELLED"]
    assert events[0].decoded("dtstart") == slot.starts_at
    assert events[0]["organizer"].params["CN"].startswith("网上代表联络站")
    assert "METHOD:PUBLISH" in first
    assert "电梯" not in first


async def test_one_booking_is_one_calendar_entry_under_any_name(town: Station, new_person: NewPerson) -> None:
    """Fetched under two names of the station, UID and ORGANIZER are the same; only the link follows the name."""
    citizen = await new_person("ac_demo_citizen")
    address = await book(citizen, await first_slot(town))
    texts = []
    for host in ("one.example.cn", "two.example.cn:8443"):
        async with citizen.client.get(f"{address}/calendar.ics", headers={"Host": host}) as answer:
            texts.append(await answer.text())
    events = [Calendar.from_ical(text).walk("VEVENT")[0] for text in texts]
    assert events[0]["uid"] == events[1]["uid"]
    assert events[0]["organizer"] == events[1]["organizer"]
    assert str(events[1]["url"]).startswith("http://two.example.cn:8443/bookings/")


async def test_what_is_typed_is_never_markup(town: Station, new_person: NewPerson) -> None:
    """A topic of script tags is shown as text everywhere."""
    citizen = await new_person("ac_demo_citizen")
    address = await book(citizen, await first_slot(town), "<script>alert(1)</script>")
    for path in (address, "/my", f"/deputies?place={'<script>alert(1)</script>'}", "/deputies?name=<b>x"):
        page = await citizen.get(path)
        assert "<script>alert" not in page
        assert "<b>x" not in page


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("mode", ["standard", "elder"])
async def test_all_public_pages_speak(town: Station, new_person: NewPerson, language: str, mode: str) -> None:
    """Each page renders in both languages and both reading modes; the English ones hold the English words."""
    guest = await new_person()
    guest.headers = {"Accept-Language": language}
    await guest.get(f"/mode/{mode}?next=/privacy")
    paths = ["/", "/deputies", "/deputies?name=lxl", "/deputies?place=柳阴新村", "/stations", f"/deputies/{CHEN}"]
    pages = [await guest.get(path) for path in [*paths, f"/deputies/{LIN}/poster", "/deputies?page=2"]]
    heading = "Talk to your deputy face to face" if language == "en" else "有事，找代表当面说"
    assert heading in pages[0]
    assert "Lin Xiulan" in pages[2] if language == "en" else "林秀兰" in pages[2]


async def test_the_code_on_a_poster_leads_to_the_deputy(town: Station, new_person: NewPerson) -> None:
    """The QR code is an SVG without script, and its address shows the deputy's times."""
    guest = await new_person()
    assert "林秀兰" in await guest.get("/d/LIN3")
    svg = await guest.get(f"/deputies/{LIN}/qr.svg")
    assert "<svg" in svg
    assert "<script" not in svg


async def test_the_home_page_shows_who_receives_today(town: Station, new_person: NewPerson) -> None:
    """Today's receptions with their free places; late at night tomorrow's."""
    guest = await new_person()
    page = await guest.get("/")
    assert "今天接待" in page
    assert "约满" in page or "还有" in page
    assert isinstance(town.clock, FixedClock)
    town.clock.at = MONDAY_TEN + timedelta(hours=13, minutes=59)
    assert "明天接待" in await guest.get("/")


async def test_my_page_sends_others_to_their_desk(town: Station, new_person: NewPerson) -> None:
    """A citizen sees the empty state before the first booking; a guest is asked to sign in."""
    citizen, guest = await new_person("ac_demo_citizen2"), await new_person()
    assert "您还没有约过代表" in await citizen.get("/my")
    assert "用手机号登录" in await guest.get("/my")


async def test_another_window_changes_what_is_confirmed(town: Station, new_person: NewPerson) -> None:
    """The page that agreed to other words shows the newest ones and asks again; then they are booked."""
    slot = await first_slot(town)
    citizen = await new_person("ac_demo_citizen")
    old = key_in(await citizen.post(f"/book/{slot.id}", topic="第一件事", mode="video"))
    await citizen.post(f"/book/{slot.id}", topic="邻居吵架的事", mode="video")
    page = await citizen.post(f"/book/{slot.id}/check", status=422, key=old, use="yes")
    assert "您在别的窗口里改过" in page and "邻居吵架的事" in page and "第一件事" not in page
    done = await citizen.post(f"/book/{slot.id}/check", key=key_in(page), use="yes")
    assert "邻居吵架的事" in done
