"""Who cancels, why, who is told, and what becomes of the time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from station.base.clock import FixedClock, local_date
from station.base.errors import BadInput, NotFound
from station.base.principal import SYSTEM, Principal, Role
from station.base.station import Station
from station.booking.model import Booking, BookingState, Matter, Mode, RotaRule, SlotClosed
from station.booking.rota import earliest_slots, extend_slots, get_slot, list_slots, receptions_of_day, set_rules
from station.booking.service import book_slot, cancel_booking, get_booking, mark_booking
from station.demo.booking import LIN
from station.ledger.service import timeline
from station.meeting.service import meeting_of_booking
from station.notices.service import list_newest
from station.people.service import add_staff
from tests.fixtures import Person

NewPerson = Callable[..., Awaitable[Person]]
ZHAO = Principal("ac_demo_citizen", Role.CITIZEN, "赵玉梅")
LI = Principal("ac_demo_citizen2", Role.CITIZEN, "李国强")
CLERK = Principal("ac_demo_clerk", Role.CLERK, "何晓雯", "st_demo_guihua")
ADMIN = Principal("ac_demo_admin", Role.ADMIN, "")
LIN_HERSELF = Principal("ac_demo_deputy1", Role.DEPUTY, "林秀兰", LIN)
SHANGHAI = ZoneInfo("Asia/Shanghai")


async def booked(station: Station) -> Booking:
    slot = next(s for s in await list_slots(station, ZHAO, LIN) if not s.full and Mode.VIDEO in s.modes)
    return await book_slot(station, ZHAO, slot.id, Matter(Mode.VIDEO, "路灯不亮"), "key-1")


async def told(station: Station, booking: Booking, channel: str) -> list[str]:
    notices = [n for n in await list_newest(station, 200) if n.subject == f"booking:{booking.id}"]
    return [n.text for n in notices if n.channel == channel and "取消了" in n.text]


@pytest.mark.parametrize(
    ("who", "named"),
    [(LIN_HERSELF, "林秀兰代表取消"), (CLERK, "联络站的工作人员取消"), (ADMIN, "联络站的工作人员取消")],
)
async def test_a_host_says_why_and_the_time_stays_closed(both_towns: Station, who: Principal, named: str) -> None:
    """The citizen reads who cancelled and why; nobody else is offered the time, not even by its address."""
    town = both_towns
    booking = await booked(town)
    cancelled = await cancel_booking(town, who, booking.id, " 代表\n生病 ")
    assert (cancelled.state, cancelled.cancelled_by, cancelled.cancel_reason) == (
        BookingState.CANCELLED, str(who.role), "代表 生病",
    )  # fmt: skip
    (sms,) = await told(town, booking, "sms")
    assert named in sms and "原因：代表 生病" in sms and "已取消" not in sms
    assert booking.slot_id not in {s.id for s in await list_slots(town, LI, LIN)}
    assert (await earliest_slots(town, [LIN]))[LIN].id != booking.slot_id
    day = local_date(booking.starts_at)
    receptions = [r for r in await receptions_of_day(town, day, 100) if r.deputy.id == LIN]
    assert not any(r.starts_at == booking.starts_at for r in receptions)
    with pytest.raises(SlotClosed):
        await book_slot(town, LI, booking.slot_id, Matter(Mode.VIDEO, "电梯"), "key-2")
    await extend_slots(town)
    assert (await get_slot(town, LI, booking.slot_id)).full


@pytest.mark.parametrize("reason", ["", "   ", "\n", "字" * 101])
async def test_a_host_without_a_reason_cancels_nothing(town: Station, reason: str) -> None:
    """Empty, blank and endless reasons are refused, and the booking stands."""
    booking = await booked(town)
    for who in (LIN_HERSELF, CLERK):
        with pytest.raises(BadInput) as caught:
            await cancel_booking(town, who, booking.id, reason)
        assert set(caught.value.fields) == {"reason"}
    assert (await get_booking(town, ZHAO, booking.id)).state is BookingState.BOOKED


async def test_who_else_is_told(town: Station) -> None:
    """A deputy's cancellation reaches the clerks, a clerk's the deputy; nobody is told of their own."""
    booking = await booked(town)
    await cancel_booking(town, LIN_HERSELF, booking.id, "代表生病")
    notices = [n for n in await list_newest(town, 200) if n.channel == "app" and "取消了" in n.text]
    assert {n.address for n in notices} == {CLERK.account}


@pytest.mark.parametrize(
    ("scope", "sees"),
    [("st_demo_guihua", True), ("st_demo_main", True), ("", True), ("st_demo_wangjiang", False)],
)
async def test_a_booking_is_for_the_clerks_of_its_station(town: Station, scope: str, sees: bool) -> None:
    """A clerk of another station reads, cancels and enters nothing by its address, and is sent no notice of it."""
    booking = await booked(town)
    await add_staff(town, SYSTEM, Role.CLERK, "far", "钱晓", "a long password", scope, "ac_far")
    far = Principal("ac_far", Role.CLERK, "钱晓", scope)
    asked: list[Callable[[], Awaitable[object]]] = [
        lambda: get_booking(town, far, booking.id),
        lambda: meeting_of_booking(town, far, booking.id),
        lambda: mark_booking(town, far, booking.id, BookingState.MISSED),
        lambda: cancel_booking(town, far, booking.id, "代表生病"),
    ]
    for ask in [] if sees else asked:
        with pytest.raises(NotFound):
            await ask()
    if sees:
        assert (await get_booking(town, far, booking.id)).topic == "路灯不亮"
    assert (await get_booking(town, ZHAO, booking.id)).state is BookingState.BOOKED
    await cancel_booking(town, LIN_HERSELF, booking.id, "代表生病")
    notices = [n for n in await list_newest(town, 200) if n.channel == "app" and "取消了" in n.text]
    assert {n.address for n in notices} == {CLERK.account, *(["ac_far"] if sees else [])}


async def test_a_clerk_cancels_for_a_citizen_who_telephones(town: Station) -> None:
    """Then the time is offered to others at once, and the message says whose wish it was."""
    booking = await booked(town)
    cancelled = await cancel_booking(town, CLERK, booking.id, for_citizen=True)
    assert cancelled.cancelled_by == Role.CITIZEN and not cancelled.by_host
    assert not (await get_slot(town, LI, booking.slot_id)).full
    texts = [n.text for n in await list_newest(town, 200) if n.channel == "sms" and "已取消" in n.text]
    assert len(texts) == 1 and "您要求取消" in texts[0]


async def test_a_deputy_cannot_pass_a_cancellation_off_as_the_citizens(town: Station) -> None:
    """Only the station takes telephone calls."""
    booking = await booked(town)
    with pytest.raises(BadInput):
        await cancel_booking(town, LIN_HERSELF, booking.id, for_citizen=True)


async def test_the_ledger_knows_who_but_not_the_words(town: Station) -> None:
    """A reason is somebody's own words; the chain keeps the role."""
    booking = await booked(town)
    await cancel_booking(town, CLERK, booking.id, "林代表家里有事")
    event = (await timeline(town, f"booking:{booking.id}"))[-1]
    assert event.action == "booking.cancelled" and event.data["by"] == "clerk"
    assert "家里" not in str(event.data) + event.reason


# --- Days off --------------------------------------------------------------------------------------------------------


async def test_slots_laid_out_on_a_holiday_before_are_closed(bare_town: Station) -> None:
    """Unbooked ones are offered no more; a booked one stands, for somebody to speak with the citizen."""
    october = [date(2026, 10, 1), date(2026, 10, 2)]
    rules = [RotaRule(f"rr_{day:%d}", LIN, "st_demo_guihua", None, day, 540, 580, 20, (Mode.VIDEO,)) for day in october]
    town = replace(bare_town, clock=FixedClock(datetime(2026, 9, 28, 9, tzinfo=SHANGHAI)))
    await set_rules(town, SYSTEM, rules)
    await extend_slots(town)
    first = (await list_slots(town, ZHAO, LIN))[0]
    await book_slot(town, ZHAO, first.id, Matter(Mode.VIDEO, "路灯不亮"), "key-1")
    weekly = [replace(rule, day=None, weekday=rule.day.weekday() if rule.day else 0) for rule in rules]
    await set_rules(town, SYSTEM, weekly)
    await extend_slots(town)
    left = [slot for slot in await list_slots(town, LI, LIN) if local_date(slot.starts_at) in october]
    assert [slot.id for slot in left] == [first.id] and left[0].full


# --- Pages -----------------------------------------------------------------------------------------------------------


async def test_staff_see_their_own_page_of_a_booking(town: Station, new_person: NewPerson) -> None:
    """Deputy, clerk and administrator have the desk's navigation, not the citizen's words, and what was wished for."""
    booking = await booked(town)
    for account in ("ac_demo_deputy1", "ac_demo_clerk", "ac_demo_admin"):
        person = await new_person(account)
        page = await person.get(f"/bookings/{booking.id}")
        assert 'data-density="desk"' in page and "路灯不亮" in page, account
        for words in ("约好了", "加到手机日历", "来不了怎么办", "您要说的事"):
            assert words not in page, (account, words)
        assert ("进会场" in page) == (account != "ac_demo_admin"), account
    citizen = await new_person("ac_demo_citizen")
    assert "加到手机日历" in await citizen.get(f"/bookings/{booking.id}")


async def test_a_deputy_is_asked_why_on_the_page(town: Station, new_person: NewPerson) -> None:
    """Without a reason the form comes back with it named; with one the citizen's page says who and why."""
    booking = await booked(town)
    deputy, citizen = await new_person("ac_demo_deputy1"), await new_person("ac_demo_citizen")
    page = await deputy.get(f"/bookings/{booking.id}/cancel")
    assert "取消的原因" in page and 'name="asked_by"' not in page
    again = await deputy.post(f"/bookings/{booking.id}/cancel", status=422, reason="  ")
    assert 'id="reason-error"' in again
    done = await deputy.post(f"/bookings/{booking.id}/cancel", reason="开会走不开")
    assert "开会走不开" in done and "没有再给别人约" in done
    shown = await citizen.get(f"/bookings/{booking.id}")
    assert "是林秀兰代表取消的" in shown and "开会走不开" in shown and "让给别人" not in shown


async def test_a_clerk_is_asked_whose_wish_it_is(town: Station, new_person: NewPerson) -> None:
    """The citizen's wish needs no reason and frees the time."""
    booking = await booked(town)
    clerk = await new_person("ac_demo_clerk")
    assert 'name="asked_by"' in await clerk.get(f"/bookings/{booking.id}/cancel")
    assert "群众自己取消的" in await clerk.post(f"/bookings/{booking.id}/cancel", asked_by="citizen")
    assert not (await get_slot(town, LI, booking.slot_id)).full


async def test_kept_words_are_spoken_of_only_where_there_are_some(town: Station, new_person: NewPerson) -> None:
    """Somebody who wrote nothing is not told that it is kept."""
    booking = await booked(town)
    other = await new_person("ac_demo_citizen2")
    page = await other.get(f"/book/{booking.slot_id}", status=409)
    assert "刚被别人约走" in page and "您写的内容还在" not in page
    free = next(s for s in await list_slots(town, LI, LIN) if not s.full and Mode.VIDEO in s.modes)
    await other.get(f"/book/{free.id}")
    await other.upload(f"/book/{free.id}", [], topic="电梯", mode="video")
    assert "您写的内容还在" in await other.get(f"/book/{booking.slot_id}", status=409)


# --- Policy ----------------------------------------------------------------------------------------------------------


async def test_a_regions_own_limits_are_told_as_they_are(town: Station, new_person: NewPerson) -> None:
    """`policy/booking.toml` in the data folder counts, and the field, its count and the message name its number."""
    folder = town.settings.data / "policy"
    folder.mkdir()
    (folder / "booking.toml").write_text("topic_length = 40\ndescription_length = 80\n", encoding="utf-8")
    citizen = await new_person("ac_demo_citizen")
    slot = next(s for s in await list_slots(town, ZHAO, LIN) if not s.full)
    page = await citizen.upload(
        f"/book/{slot.id}", [], status=422, topic="字" * 41, description="字" * 81, mode="video"
    )
    assert "最多 40 字" in page and "最多写 80 字" in page and "60 字" not in page
    # Not the bare number: the page's own keys are random, and hold any three digits now and then.
    assert "500 字" not in page and "500&nbsp;字" not in page and 'maxlength="1000"' not in page
    assert f'maxlength="{2 * 40}"' in page
    citizen.headers = {"Accept-Language": "en"}
    page = await citizen.upload(f"/book/{slot.id}", [], status=422, topic="字" * 41, description="", mode="video")
    assert "At most 40 characters" in page


async def test_the_next_meeting_is_not_a_cancelled_one(town: Station, new_person: NewPerson) -> None:
    """After a deputy cancelled, the citizen's page shows no way into that meeting."""
    booking = await booked(town)
    later = replace(town, clock=FixedClock(booking.starts_at - timedelta(minutes=5)))
    await cancel_booking(later, LIN_HERSELF, booking.id, "生病")
    citizen = await new_person("ac_demo_citizen")
    assert f"/meet/booking/{booking.id}" not in await citizen.get("/my")
