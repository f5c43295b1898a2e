"""Booking on a real database: places are never given twice, nothing typed is lost, nothing half-done remains."""

from __future__ import annotations

import asyncio
import io
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import update

from station.base.clock import FixedClock, local
from station.base.errors import BadInput, NotFound, StationError
from station.base.principal import SYSTEM, Principal, Role
from station.base.station import Station
from station.booking.drafts import drop_draft, get_draft, save_draft, start_draft
from station.booking.model import (
    BOOKINGS_A_DAY,
    Booking,
    BookingState,
    FormChanged,
    FormOutdated,
    Help,
    Matter,
    Mode,
    OverlappingBooking,
    RotaRule,
    Slot,
    SlotClosed,
    SlotPast,
    SlotTaken,
    StepNotPossible,
    TooManyBookings,
    TooManyToday,
)
from station.booking.photos import add_photo
from station.booking.rota import earliest_slots, extend_slots, get_slot, list_slots, receptions_of_day, set_rules
from station.booking.service import (
    book_slot,
    cancel_booking,
    confirm_draft,
    get_booking,
    mark_booking,
    my_bookings,
    page_of_day,
)
from station.demo.booking import CHEN, LIN, ZHOU, seed_booking
from station.directory.store import deputies
from station.ledger.service import timeline
from station.ledger.verify import verify_chain
from station.notices.service import list_newest
from station.people.service import consents_of, ensure_citizen
from tests.fixtures import MONDAY_TEN
from tests.photos.pictures import picture

ZHAO = Principal("ac_demo_citizen", Role.CITIZEN, "赵玉梅")
LI = Principal("ac_demo_citizen2", Role.CITIZEN, "李国强")
CLERK = Principal("ac_demo_clerk", Role.CLERK, "何晓雯", "st_demo_guihua")
LIN_HERSELF = Principal("ac_demo_deputy1", Role.DEPUTY, "林秀兰", LIN)
CHEN_HIMSELF = Principal("ac_demo_deputy2", Role.DEPUTY, "陈立新", CHEN)
LIFT = Matter(Mode.VIDEO, "7 号楼想装电梯，一楼两户不同意", "住了 24 户。", (Help.FAMILY,))
TODAY = date(2026, 10, 12)


def at(station: Station, moment: datetime) -> Station:
    return replace(station, clock=FixedClock(moment))


@pytest.fixture
def town(both_towns: Station) -> Station:
    """Every test here runs on SQLite and on PostgreSQL."""
    return both_towns


async def booked_on(station: Station, day: date, deputies: set[str] | None = None) -> list[str]:
    """The ids on a day's page of bookings."""
    found, total = await page_of_day(station, day, deputies, None, 50)
    assert total == len(found.items)
    return [booking.id for booking in found.items]


async def free_slots(station: Station, deputy: str = LIN) -> list[Slot]:
    return [slot for slot in await list_slots(station, ZHAO, deputy) if not slot.full and Mode.VIDEO in slot.modes]


async def test_booking_tells_everybody_and_is_on_record(town: Station) -> None:
    """A booking sends an SMS to the citizen and a word to the deputy, keeps the consent, and stands in the ledger."""
    slot = (await free_slots(town))[0]
    booking = await book_slot(town, ZHAO, slot.id, LIFT, "key-1")
    assert (booking.state, booking.deputy_name, booking.topic) == (BookingState.BOOKED, "林秀兰", LIFT.topic)
    told = {n.address: n.text for n in await list_newest(town) if n.subject == f"booking:{booking.id}"}
    assert set(told) == {"13800001234", "ac_demo_deputy1"}
    assert booking.number in told["13800001234"]
    consents = await consents_of(town, f"booking:{booking.id}")
    assert [(c.kind, c.given, c.account) for c in consents] == [("use", True, ZHAO.account)]
    actions = [event.action for event in await timeline(town, f"booking:{booking.id}")]
    assert actions == ["booking.booked", "consent.given"]
    assert (await get_slot(town, LI, slot.id)).full
    assert (await verify_chain(town.database)).ok


async def test_the_last_place_is_given_once(town: Station) -> None:
    """Twenty citizens ask for one place at the same moment: one gets it, the others are told so."""
    slot = (await free_slots(town))[0]
    people = []
    for number in range(20):
        async with town.database.transaction() as work:
            account = await ensure_citizen(town, work, f"139000000{number:02}")
        people.append(Principal(account.id, Role.CITIZEN, account.name))
    results = await asyncio.gather(
        *(book_slot(town, who, slot.id, LIFT, "key") for who in people), return_exceptions=True
    )
    won = [r for r in results if isinstance(r, Booking)]
    lost = [r for r in results if isinstance(r, SlotTaken)]
    assert (len(won), len(lost)) == (1, 19)
    assert await booked_on(town, TODAY, {LIN}) == [won[0].id]
    told = [n for n in await list_newest(town, 100) if n.subject.startswith("booking:") and n.channel == "sms"]
    assert sum(n.subject == f"booking:{won[0].id}" for n in told) == 1
    assert (await verify_chain(town.database)).ok


async def test_a_slot_for_two_takes_two(town: Station) -> None:
    """Capacity counts: of five at once exactly two get in."""
    await set_rules(
        town, SYSTEM, [RotaRule("rr_two", ZHOU, "st_demo_liuyin", None, TODAY, 780, 800, 20, (Mode.VIDEO,), 2)]
    )
    await extend_slots(town)
    slot = next(s for s in await list_slots(town, ZHAO, ZHOU) if s.capacity == 2)
    people = []
    for number in range(5):
        async with town.database.transaction() as work:
            account = await ensure_citizen(town, work, f"1390000010{number}")
        people.append(Principal(account.id, Role.CITIZEN, account.name))
    results = await asyncio.gather(*(book_slot(town, w, slot.id, LIFT, "key") for w in people), return_exceptions=True)
    assert sum(isinstance(r, Booking) for r in results) == 2


async def test_the_same_form_twice_is_one_booking(town: Station) -> None:
    """A double click, at once or one after the other, gives the same booking."""
    slot = (await free_slots(town))[0]
    first, second = await asyncio.gather(*(book_slot(town, ZHAO, slot.id, LIFT, "same") for _ in range(2)))
    third = await book_slot(town, ZHAO, slot.id, LIFT, "same")
    assert first == second == third
    assert len([b for b in await my_bookings(town, ZHAO) if b.state is BookingState.BOOKED]) == 1


async def test_own_bookings_may_not_overlap(town: Station) -> None:
    """Two deputies at the same time is refused, also when both are asked for at the same moment."""
    evening = [s for s in await free_slots(town) if local(s.starts_at).hour == 19]
    other = [s for s in await free_slots(town, CHEN) if s.starts_at < evening[0].ends_at]
    results = await asyncio.gather(
        book_slot(town, ZHAO, evening[0].id, LIFT, "one"),
        book_slot(town, ZHAO, other[0].id, LIFT, "two"),
        return_exceptions=True,
    )
    assert sum(isinstance(r, OverlappingBooking) for r in results) == 1
    assert sum(isinstance(r, Booking) for r in results) == 1


async def test_a_citizen_has_at_most_three_bookings_ahead(town: Station) -> None:
    """The fourth is refused until one is over or cancelled."""
    slots = await free_slots(town)
    booked = [await book_slot(town, ZHAO, slot.id, LIFT, slot.id) for slot in slots[:3]]
    with pytest.raises(TooManyBookings):
        await book_slot(town, ZHAO, slots[3].id, LIFT, "fourth")
    await cancel_booking(town, ZHAO, booked[0].id)
    await book_slot(town, ZHAO, slots[3].id, LIFT, "fourth")


async def test_booking_and_cancelling_by_turns_ends(town: Station) -> None:
    """Each round is two SMS and two notices: after ten in a day it is tomorrow's, also from the form's first page."""
    slot = (await free_slots(town))[0]
    for n in range(BOOKINGS_A_DAY):
        booked = await book_slot(town, ZHAO, slot.id, LIFT, f"round-{n}")
        await cancel_booking(town, ZHAO, booked.id)
    with pytest.raises(TooManyToday):
        await book_slot(town, ZHAO, slot.id, LIFT, "one-more")
    with pytest.raises(TooManyToday):
        await start_draft(town, ZHAO, slot.id)
    await book_slot(town, LI, slot.id, LIFT, "somebody-else")


async def test_past_unknown_and_unfit_slots_are_refused(town: Station) -> None:
    """A slot that has begun, one that never was, and a way to meet it has not: each gets its own answer."""
    slot = (await free_slots(town))[0]
    with pytest.raises(SlotPast):
        await book_slot(at(town, slot.starts_at), ZHAO, slot.id, LIFT, "late")
    with pytest.raises(NotFound):
        await book_slot(town, ZHAO, "sl_none", LIFT, "none")
    with pytest.raises(BadInput):
        await book_slot(town, ZHAO, slot.id, replace(LIFT, topic=""), "empty")
    assert [b for b in await my_bookings(town, ZHAO) if b.state is BookingState.BOOKED] == []


async def test_cancelling_frees_the_place_and_can_be_undone_by_booking_again(town: Station) -> None:
    """After a cancellation others, and the same citizen, can have the slot; cancelling twice tells nobody twice."""
    slot = (await free_slots(town))[0]
    booking = await book_slot(town, ZHAO, slot.id, LIFT, "key-1")
    cancelled = await cancel_booking(town, ZHAO, booking.id)
    assert (cancelled.state, cancelled.sequence) == (BookingState.CANCELLED, 1)
    assert await cancel_booking(town, ZHAO, booking.id) == cancelled
    texts = [n.text for n in await list_newest(town) if n.subject == f"booking:{booking.id}" and n.channel == "sms"]
    assert sum("】已取消" in text for text in texts) == 1
    assert not (await get_slot(town, LI, slot.id)).full
    assert (await book_slot(town, ZHAO, slot.id, LIFT, "key-2")).id != booking.id


async def test_strangers_see_nothing_of_a_booking(town: Station) -> None:
    """Another citizen, another deputy, a unit: not found. The own deputy and the clerk see it."""
    booking = await book_slot(town, ZHAO, (await free_slots(town))[0].id, LIFT, "key-1")
    unit = Principal("ac_demo_unit", Role.UNIT, "", "un_demo_housing")
    for stranger in (LI, CHEN_HIMSELF, unit):
        for attempt in (get_booking, cancel_booking):
            with pytest.raises(NotFound):
                await attempt(town, stranger, booking.id)
        with pytest.raises(NotFound):
            await mark_booking(town, stranger, booking.id, "attended")
    for friend in (ZHAO, LIN_HERSELF, CLERK, SYSTEM):
        assert (await get_booking(town, friend, booking.id)).id == booking.id


async def test_marking_follows_the_table(town: Station) -> None:
    """Missed can become attended; attended is the end; noting the same twice changes nothing."""
    booking = await book_slot(town, ZHAO, (await free_slots(town))[0].id, LIFT, "key-1")
    with pytest.raises(StepNotPossible):
        await mark_booking(town, ZHAO, booking.id, "attended")
    assert (await mark_booking(town, CLERK, booking.id, "missed")).state is BookingState.MISSED
    done = await mark_booking(town, LIN_HERSELF, booking.id, BookingState.ATTENDED)
    assert await mark_booking(town, LIN_HERSELF, booking.id, "attended") == done
    for step in ("missed", "cancelled"):
        with pytest.raises(StepNotPossible):
            await mark_booking(town, CLERK, booking.id, step)
    with pytest.raises(StepNotPossible):
        await cancel_booking(town, ZHAO, booking.id)


async def test_no_time_is_held_with_a_deputy_who_does_not_receive(town: Station) -> None:
    """Nobody fills in a form whose time is closed in the end."""
    slot = (await free_slots(town))[0]
    async with town.database.transaction() as work:
        await work.execute(update(deputies).where(deputies.c.id == slot.deputy_id).values(receiving=False))
    with pytest.raises(SlotClosed):
        await start_draft(town, ZHAO, slot.id)
    assert await get_draft(town, ZHAO) is None


async def test_a_held_slot_is_kept_for_ten_minutes(town: Station) -> None:
    """While one fills in the form the other finds the slot full; after ten minutes it is free again."""
    slot = (await free_slots(town))[0]
    draft, _ = await start_draft(town, ZHAO, slot.id)
    assert draft.held_until == MONDAY_TEN + timedelta(minutes=10)
    with pytest.raises(SlotTaken):
        await start_draft(town, LI, slot.id)
    with pytest.raises(SlotTaken):
        await book_slot(town, LI, slot.id, LIFT, "li")
    assert not (await get_slot(town, ZHAO, slot.id)).full
    later = at(town, MONDAY_TEN + timedelta(minutes=10))
    await start_draft(later, LI, slot.id)
    with pytest.raises(SlotTaken):
        await start_draft(later, ZHAO, slot.id)


async def test_looking_again_does_not_hold_longer(town: Station) -> None:
    """Reloading the form keeps the end of the hold; only a lapsed one begins anew."""
    slot = (await free_slots(town))[-1]
    first, _ = await start_draft(town, ZHAO, slot.id)
    again, _ = await start_draft(at(town, MONDAY_TEN + timedelta(minutes=9)), ZHAO, slot.id)
    assert again.held_until == first.held_until
    anew, _ = await start_draft(at(town, MONDAY_TEN + timedelta(minutes=11)), ZHAO, slot.id)
    assert anew.held_until == MONDAY_TEN + timedelta(minutes=21)


async def test_two_who_start_at_once_do_not_both_hold(town: Station) -> None:
    """Holding is fought over like booking: exactly one of two gets it."""
    slot = (await free_slots(town))[0]
    results = await asyncio.gather(*(start_draft(town, who, slot.id) for who in (ZHAO, LI)), return_exceptions=True)
    assert sum(isinstance(r, SlotTaken) for r in results) == 1


async def test_what_was_typed_outlives_a_lost_slot(town: Station) -> None:
    """When the hold lapsed and somebody else booked, the text is kept and goes on with the next slot."""
    first, second = (await free_slots(town))[:2]
    await start_draft(town, ZHAO, first.id)
    later = at(town, MONDAY_TEN + timedelta(minutes=11))
    await book_slot(later, LI, first.id, LIFT, "li")
    with pytest.raises(SlotTaken):
        await save_draft(later, ZHAO, first.id, LIFT)
    draft, _ = await start_draft(later, ZHAO, second.id)
    assert (draft.topic, draft.description, draft.help) == (LIFT.topic, LIFT.description, LIFT.help)
    booking = await confirm_draft(later, ZHAO, second.id, (await save_draft(later, ZHAO, second.id, LIFT)).key)
    assert (booking.topic, booking.help) == (LIFT.topic, (Help.FAMILY,))


async def test_confirming_uses_the_form_up(town: Station) -> None:
    """The same form confirmed twice is one booking; a foreign or used key makes none; the draft is gone after."""
    slot, other = (await free_slots(town))[:2]
    await start_draft(town, ZHAO, slot.id)
    key = (await save_draft(town, ZHAO, slot.id, LIFT)).key
    with pytest.raises(FormChanged):
        await confirm_draft(town, ZHAO, slot.id, "forged")
    with pytest.raises(FormOutdated):
        await confirm_draft(town, LI, slot.id, key)
    first, second = await asyncio.gather(*(confirm_draft(town, ZHAO, slot.id, key) for _ in range(2)))
    assert first == second
    assert await get_draft(town, ZHAO) is None
    with pytest.raises(FormOutdated):
        await confirm_draft(town, ZHAO, other.id, "")


@pytest.mark.parametrize("changed", ["slot", "words", "mode", "help", "photo"])
async def test_only_what_was_checked_is_booked(town: Station, changed: str) -> None:
    """What another window makes of the form is not handed over by who agreed to what this one shows; nor is it lost."""
    slot, other = (await free_slots(town))[:2]
    key = (await save_draft(town, ZHAO, slot.id, LIFT)).key
    assert (await save_draft(town, ZHAO, slot.id, LIFT)).key == key  # sent again by itself
    if changed == "photo":
        await add_photo(town, ZHAO, io.BytesIO(picture()))
    else:
        matters = {
            "words": replace(LIFT, topic="邻居的事"),
            "mode": replace(LIFT, mode=Mode.PHONE),
            "help": replace(LIFT, help=()),
        }
        await save_draft(town, ZHAO, other.id if changed == "slot" else slot.id, matters.get(changed, LIFT))
    with pytest.raises(FormChanged):
        await confirm_draft(town, ZHAO, slot.id, key)
    kept = await get_draft(town, ZHAO)
    assert kept is not None and kept.key != key
    assert (await confirm_draft(town, ZHAO, kept.slot_id, kept.key)).topic == kept.topic


async def test_a_booking_is_no_answer_for_another_time(town: Station) -> None:
    """Who has only opened another time meanwhile books the one that was checked; the other is not said to be booked."""
    slot, other = (await free_slots(town))[:2]
    key = (await save_draft(town, ZHAO, slot.id, LIFT)).key
    await start_draft(town, ZHAO, other.id)
    booking = await confirm_draft(town, ZHAO, slot.id, key)
    assert (booking.slot_id, booking.topic) == (slot.id, LIFT.topic)
    with pytest.raises(FormOutdated):
        await confirm_draft(town, ZHAO, other.id, key)
    assert await confirm_draft(town, ZHAO, slot.id, key) == booking


async def test_giving_up_lets_the_slot_go(town: Station) -> None:
    """Dropping the form forgets the text and frees the slot at once."""
    slot = (await free_slots(town))[0]
    await start_draft(town, ZHAO, slot.id)
    await save_draft(town, ZHAO, slot.id, LIFT)
    await drop_draft(town, ZHAO)
    assert await get_draft(town, ZHAO) is None
    await start_draft(town, LI, slot.id)


async def test_an_incomplete_form_is_not_saved(town: Station) -> None:
    """A form without a topic comes back with its fault."""
    slot = (await free_slots(town))[0]
    await start_draft(town, ZHAO, slot.id)
    with pytest.raises(BadInput) as caught:
        await save_draft(town, ZHAO, slot.id, replace(LIFT, topic=""))
    assert set(caught.value.fields) == {"topic"}


async def test_laying_out_again_adds_nothing(town: Station) -> None:
    """The rota is laid out once; the next day brings one more day."""
    assert await extend_slots(town) == 0
    assert await extend_slots(at(town, MONDAY_TEN + timedelta(days=1))) > 0
    await seed_booking(town)
    assert await extend_slots(town) == 0


async def test_two_weeks_lie_ahead_and_today_is_bookable(town: Station) -> None:
    """林秀兰 has a free slot today, and slots up to two weeks from today."""
    slots = await list_slots(town, ZHAO, LIN)
    assert local(slots[0].starts_at).date() == TODAY
    assert slots[0].starts_at - MONDAY_TEN <= timedelta(minutes=30)
    assert local(slots[-1].starts_at).date() > TODAY + timedelta(days=7)
    assert local(slots[-1].starts_at).date() < TODAY + timedelta(days=14)


@pytest.mark.parametrize("hour", [0, 7, 21.8, 22.5, 23.7, 23.99])
async def test_lin_is_bookable_at_any_hour_of_the_demo(bare_town: Station, hour: float) -> None:
    """Started at night or at noon, the demo has a slot of 林秀兰 within the next hours."""
    moment = MONDAY_TEN - timedelta(hours=10) + timedelta(hours=hour)
    then = at(bare_town, moment)
    await seed_booking(then)
    first = (await earliest_slots(then, [LIN]))[LIN]
    assert first.starts_at - moment <= timedelta(hours=1)
    assert len([s for s in await list_slots(then, ZHAO, LIN) if s.starts_at - moment < timedelta(hours=9)]) >= 4


async def test_the_days_receptions_are_joined(town: Station) -> None:
    """Slots that follow each other are one line; who is booked out shows no free place."""
    receptions = await receptions_of_day(town, TODAY, 100)
    lin = next(r for r in receptions if r.deputy.id == LIN)
    assert lin.free == len([s for s in await list_slots(town, LI, LIN) if local(s.starts_at).date() == TODAY])
    assert receptions == sorted(receptions, key=lambda r: r.starts_at)


async def test_a_days_bookings_are_listed_in_order(town: Station) -> None:
    """Midnight in Shanghai parts the days, not midnight in Greenwich."""
    late = [s for s in await free_slots(town) if local(s.starts_at).date() == TODAY][-1]
    booking = await book_slot(town, ZHAO, late.id, LIFT, "late")
    assert local(booking.starts_at).hour == 23
    assert booking.id in await booked_on(town, TODAY)
    assert booking.id not in await booked_on(town, TODAY + timedelta(days=1))
    assert booking.id in [b.id for b in await my_bookings(town, LIN_HERSELF)]


async def test_every_refusal_speaks_to_the_user(town: Station) -> None:
    """All errors of booking carry a sentence and a status of their own audience."""
    for error in (SlotTaken(), SlotPast(), OverlappingBooking(name="林秀兰"), TooManyBookings(count=3), FormOutdated()):
        assert isinstance(error, StationError)
        assert error.status == 409
        assert "%(" not in str(error)
