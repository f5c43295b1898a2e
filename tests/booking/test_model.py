"""The rules of booking, without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import combinations, product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.base.calendar import ChineseCalendar, china
from station.base.clock import SHANGHAI, local
from station.base.errors import BadInput
from station.base.principal import Role
from station.booking.model import (
    A_DAY,
    BOOKINGS_A_DAY,
    TRANSITIONS,
    Booking,
    BookingPolicy,
    BookingState,
    BookingStep,
    Help,
    Matter,
    Mode,
    OverlappingBooking,
    RotaRule,
    Slot,
    SlotPast,
    SlotTaken,
    StepNotPossible,
    TooManyBookings,
    TooManyToday,
    check_matter,
    check_own,
    check_place,
    check_policy,
    helps_of,
    lay_out,
    modes_of,
    next_state,
    overlap,
    places_free,
)
from station.booking.policy import POLICY_FILE, read_policy

MONDAY = date(2026, 10, 12)
NOW = datetime(2026, 10, 12, 2, 0, tzinfo=UTC)
POLICY = BookingPolicy()


def rule(identity: str = "r", deputy: str = "d", weekday: int | None = 0, **more: object) -> RotaRule:
    values = {"station": "s", "day": None, "starts": 540, "ends": 600, "minutes": 20, "modes": (Mode.VIDEO,)} | more
    return RotaRule(identity, deputy, weekday=weekday, **values)  # type: ignore[arg-type]


def slot(starts_at: datetime = NOW + timedelta(hours=1), free: int = 1) -> Slot:
    return Slot("sl", "dp", "st", starts_at, starts_at + timedelta(minutes=20), (Mode.VIDEO,), 1, free)


def booking(starts_at: datetime, state: BookingState = BookingState.BOOKED) -> Booking:
    return Booking(
        "bk_abcdefghjkmnpq", "sl", "dp", "林秀兰", "", "", "ac", "", "", "",
        starts_at, starts_at + timedelta(minutes=20),
        Mode.VIDEO, (), state, 0, NOW,
    )  # fmt: skip


def test_a_weekly_rule_makes_slots_on_its_weekday() -> None:
    """Mondays 9 to 10 in twenty minutes are three slots a week, told in local time."""
    made = lay_out([rule()], MONDAY, 14, SHANGHAI, china())
    assert [f"{local(s.starts_at):%m-%d %H:%M}" for s in made] == [
        "10-12 09:00", "10-12 09:20", "10-12 09:40", "10-19 09:00", "10-19 09:20", "10-19 09:40",
    ]  # fmt: skip


DAYS_OFF = [date(2026, 10, day) for day in range(1, 8)]


def test_a_weekly_rule_rests_on_public_holidays() -> None:
    """The whole National Day break of 2026 has no slots of any weekday; 8 October has them again."""
    every_day = [rule(f"r{weekday}", weekday=weekday) for weekday in range(7)]
    made = {local(s.starts_at).date() for s in lay_out(every_day, date(2026, 9, 28), 14, SHANGHAI, china())}
    assert not made & set(DAYS_OFF)
    assert {date(2026, 9, 30), date(2026, 10, 8), date(2026, 10, 11)} <= made


def test_a_make_up_day_holds_the_rota_of_the_day_given_off() -> None:
    """Saturday 10 October 2026 is worked for Wednesday the 7th, Sunday 20 September for Tuesday the 6th."""
    for day, weekday in ((date(2026, 10, 10), 2), (date(2026, 9, 20), 1)):
        open_on = {n for n in range(7) if lay_out([rule(weekday=n)], day, 1, SHANGHAI, china())}
        assert open_on == {weekday, day.weekday()}


def test_a_holiday_that_is_only_guessed_is_closed_too() -> None:
    """Before the notice for 2027: Spring Festival by law, its days in lieu with it."""
    every_day = [rule(f"r{weekday}", weekday=weekday) for weekday in range(7)]
    guess = ChineseCalendar(last_year=2026)
    made = {local(s.starts_at).day for s in lay_out(every_day, date(2027, 2, 4), 8, SHANGHAI, guess)}
    assert made == {4, 11}


def test_a_rule_for_one_day_is_held_on_a_holiday() -> None:
    """Who opens 1 October by hand means it."""
    special = rule("x", weekday=None, day=DAYS_OFF[0])
    assert len(lay_out([special], DAYS_OFF[0], 1, SHANGHAI, china())) == 3


def test_a_rule_for_one_day_goes_before_a_weekly_one() -> None:
    """Where both would make overlapping slots the exception of the day wins."""
    special = rule("x", weekday=None, day=MONDAY, starts=545, ends=605, minutes=60)
    assert [local(s.starts_at).minute for s in lay_out([rule(), special], MONDAY, 1, SHANGHAI, china())] == [5]


def test_a_rule_may_end_at_midnight() -> None:
    """The last slot of the day ends when the day does."""
    (last,) = lay_out([rule(starts=1410, ends=1440, minutes=30)], MONDAY, 1, SHANGHAI, china())
    assert f"{local(last.ends_at):%m-%d %H:%M}" == "10-13 00:00"


rules = st.lists(
    st.builds(
        rule,
        identity=st.uuids().map(str),
        deputy=st.sampled_from("ab"),
        weekday=st.one_of(st.none(), st.integers(0, 6)),
        day=st.one_of(st.none(), st.dates(MONDAY, MONDAY + timedelta(days=20))),
        starts=st.integers(-100, 1600),
        ends=st.integers(-100, 1600),
        minutes=st.integers(-5, 240),
    ),
    max_size=8,
)


@given(rules, st.integers(1, 21))
def test_the_rota_is_always_sound(made_of: list[RotaRule], days: int) -> None:
    """However odd the rules: slots lie in the days asked for, no deputy has two at once, rules have no order."""
    made = lay_out(made_of, MONDAY, days, SHANGHAI, china())
    assert made == lay_out(list(reversed(made_of)), MONDAY, days, SHANGHAI, china())
    for one in made:
        assert one.starts_at < one.ends_at
        assert MONDAY <= local(one.starts_at).date() < MONDAY + timedelta(days=days)
    for one, other in combinations(made, 2):
        assert one.deputy != other.deputy or not overlap(one.starts_at, one.ends_at, other.starts_at, other.ends_at)


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 20))
def test_places_are_never_negative_nor_more_than_there_are(capacity: int, taken: int, held: int) -> None:
    """What is left lies between nothing and the capacity."""
    assert 0 <= places_free(capacity, taken, held) <= capacity


def test_a_slot_can_be_had_only_while_it_is_free_and_ahead() -> None:
    """A past slot and a full one are told apart; one that begins this moment is past."""
    check_place(slot(), [], NOW)
    with pytest.raises(SlotPast):
        check_place(slot(NOW), [], NOW)
    with pytest.raises(SlotTaken):
        check_place(slot(free=0), [], NOW)


def test_nobody_can_be_at_two_places_at_once() -> None:
    """An own booking that overlaps is in the way; one that touches or is cancelled is not."""
    wanted = slot()
    check_own(wanted, [booking(wanted.ends_at)], NOW, POLICY)
    check_own(wanted, [booking(wanted.starts_at, BookingState.CANCELLED)], NOW, POLICY)
    with pytest.raises(OverlappingBooking):
        check_own(wanted, [booking(wanted.starts_at + timedelta(minutes=10))], NOW, POLICY)


def test_only_so_many_bookings_may_lie_ahead() -> None:
    """Three open ones are the limit; past and cancelled ones do not count."""
    later = [booking(NOW + timedelta(days=n)) for n in (1, 2, 3)]
    with pytest.raises(TooManyBookings):
        check_own(slot(), later, NOW, POLICY)
    check_own(slot(), [*later[:2], booking(NOW - timedelta(days=1)), booking(NOW, BookingState.CANCELLED)], NOW, POLICY)


def test_only_so_many_bookings_are_made_in_a_day() -> None:
    """Cancelled ones count, as each was told by SMS; not those that the station cancelled, nor yesterday's."""
    made = [replace(booking(NOW, BookingState.CANCELLED), created_at=NOW) for _ in range(BOOKINGS_A_DAY)]
    with pytest.raises(TooManyToday):
        check_own(slot(), made, NOW, POLICY)
    check_own(slot(), made[1:], NOW, POLICY)
    check_own(slot(), [replace(made[0], cancelled_by="deputy"), *made[1:]], NOW, POLICY)
    check_own(slot(), made, NOW + A_DAY, POLICY)


@pytest.mark.parametrize(("state", "step", "role"), list(product(BookingState, BookingStep, Role)))
def test_every_step_from_every_state(state: BookingState, step: BookingStep, role: Role) -> None:
    """The table decides: what stands in it happens, all else is refused."""
    known = TRANSITIONS.get((state, step))
    if known is not None and role in known[1]:
        assert next_state(state, step, role) is known[0]
    else:
        with pytest.raises(StepNotPossible):
            next_state(state, step, role)


def test_citizens_only_cancel() -> None:
    """No step of the table but cancelling is open to citizens, and none to guests, units or supervisors."""
    assert {step for (_, step), (_, roles) in TRANSITIONS.items() if Role.CITIZEN in roles} == {BookingStep.CANCEL}
    assert not any({Role.GUEST, Role.UNIT, Role.SUPERVISOR} & roles for _, roles in TRANSITIONS.values())


@pytest.mark.parametrize(
    ("matter", "field"),
    [
        (Matter(Mode.VIDEO, ""), "topic"),
        (Matter(Mode.VIDEO, "字" * 61), "topic"),
        (Matter(Mode.VIDEO, "电梯", "字" * 501), "description"),
        (Matter(Mode.PHONE, "电梯"), "mode"),
    ],
)
def test_each_fault_names_its_field(matter: Matter, field: str) -> None:
    """What is missing or too long, or a way to meet that the slot has not, is told at its field."""
    with pytest.raises(BadInput) as caught:
        check_matter(matter, (Mode.VIDEO, Mode.ONSITE), POLICY)
    assert set(caught.value.fields) == {field}


def test_a_complete_matter_passes() -> None:
    """The longest topic and description allowed are fine."""
    check_matter(Matter(Mode.VIDEO, "字" * 60, "字" * 500, (Help.TEXT,)), (Mode.VIDEO,), POLICY)


def test_stored_lists_come_back() -> None:
    """Ways to meet and kinds of help survive being stored; what is unknown is left out."""
    assert modes_of("phone,video,teleport") == (Mode.VIDEO, Mode.PHONE)
    assert helps_of("") == ()
    assert helps_of("staff,family") == (Help.FAMILY, Help.STAFF)


def test_the_policy_file_is_sound() -> None:
    """The rules in force can be read and are those written down as defaults."""
    assert read_policy(POLICY_FILE) == BookingPolicy()


@pytest.mark.parametrize("text", ["typo = 3", "hold_minutes = 0", 'hold_minutes = "ten"', "hold_minutes = true"])
def test_a_bad_policy_is_refused(tmp_path: Path, text: str) -> None:
    """An unknown rule or a value that cannot be is named at the start."""
    path = tmp_path / "policy.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"typo|hold_minutes"):
        read_policy(path)
    with pytest.raises(ValueError, match="x"):
        check_policy({"x": 1})


def test_a_booking_has_a_number_to_read_out() -> None:
    """Six signs in pairs, from the id."""
    assert booking(NOW).number == "JK MN PQ"


def test_one_may_go_in_a_quarter_of_an_hour_before() -> None:
    """The door opens before the meeting begins, by the policy's minutes."""
    assert booking(NOW).enter_from(POLICY) == NOW - timedelta(minutes=15)
