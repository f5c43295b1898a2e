"""The rules of booking, pure: laying out the rota, what a slot can still take, and the states of a booking."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum

from station.base.errors import N_, BadInput, Conflict, Phrase
from station.base.principal import Role
from station.base.state_machine import StateMachine
from station.base.working_days import Calendar, DayKind
from station.booking.times_model import TakenTimes

DAY_MINUTES = 24 * 60
A_DAY, BOOKINGS_A_DAY = timedelta(days=1), 10  # of one citizen: each, and each cancelling of it, is an SMS
REASON_LENGTH = 100  # of a cancellation: it goes out by SMS
LONGEST = {"topic_length": 200, "description_length": 5000}  # what the columns and a form can hold


class Mode(StrEnum):
    """How people meet."""

    VIDEO = "video"
    ONSITE = "onsite"
    PHONE = "phone"


class Help(StrEnum):
    """What a citizen may ask for beforehand."""

    FAMILY = "family"
    TEXT = "text"
    STAFF = "staff"


class BookingState(StrEnum):
    """Where a booking stands."""

    BOOKED = "booked"
    CANCELLED = "cancelled"
    ATTENDED = "attended"
    MISSED = "missed"


class BookingStep(StrEnum):
    """What can be done to a booking."""

    CANCEL = "cancel"
    ATTEND = "attend"
    MISS = "miss"


_HOSTS = frozenset({Role.DEPUTY, Role.CLERK, Role.ADMIN, Role.SYSTEM})

TRANSITIONS: dict[tuple[BookingState, BookingStep], tuple[BookingState, frozenset[Role]]] = {
    (BookingState.BOOKED, BookingStep.CANCEL): (BookingState.CANCELLED, _HOSTS | {Role.CITIZEN}),
    (BookingState.BOOKED, BookingStep.ATTEND): (BookingState.ATTENDED, _HOSTS),
    (BookingState.BOOKED, BookingStep.MISS): (BookingState.MISSED, _HOSTS),
    (BookingState.MISSED, BookingStep.ATTEND): (BookingState.ATTENDED, _HOSTS),  # came late after all
}

TAKES_PLACE = frozenset({BookingState.BOOKED, BookingState.ATTENDED, BookingState.MISSED})


class SlotTaken(Conflict):
    code = "slot-taken"
    message = N_("这个时段刚被别人约走了，请另选一个")


class SlotPast(Conflict):
    code = "slot-past"
    message = N_("这个时间已经过了，请另选一个")


class SlotClosed(Conflict):
    code = "slot-closed"
    message = N_("这个时段代表不接待了，请另选一个")


class OverlappingBooking(Conflict):
    code = "overlapping-booking"
    message = N_("这个时间您已经约了%(name)s代表，请另选一个")


class TooManyBookings(Conflict):
    code = "too-many-bookings"
    message = N_("您已经约了 %(count)s 次还没见面，见过或取消一次再约")


class TooManyToday(Conflict):
    code = "too-many-today"
    message = N_("您这一天已经约了 %(count)s 次，请明天再约。急的话请打电话问工作人员")


class StepNotPossible(Conflict):
    code = "step-not-possible"
    message = N_("这次预约已经不能这样改了，请看一下它现在的情况")


_MACHINE = StateMachine(TRANSITIONS, refuse=lambda _: StepNotPossible(), forbid=lambda _: StepNotPossible())


class FormOutdated(Conflict):
    code = "form-outdated"
    message = N_("这张表已经用过了，请重新选时间")


class FormChanged(Conflict):
    code = "form-changed"
    message = N_("您在别的窗口里改过要约的时间或内容，请再核对一遍")


CHOOSE_ANOTHER = (
    SlotTaken,
    SlotPast,
    SlotClosed,
    OverlappingBooking,
)  # the times are shown again


@dataclass(frozen=True, slots=True)
class BookingPolicy:
    """Numbers that differ by region; see policy.toml."""

    open_bookings_per_citizen: int = 3
    hold_minutes: int = 10
    days_ahead: int = 14
    enter_minutes_before: int = 15
    topic_length: int = 60
    description_length: int = 500


def check_policy(data: dict[str, object]) -> BookingPolicy:
    """A policy from parsed TOML. Raises ValueError naming what does not fit."""
    known = {field.name for field in fields(BookingPolicy)}
    for name, value in data.items():
        if name not in known:
            raise ValueError(f"unknown rule: {name}")
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ValueError(f"{name} must be a whole number from 1 on")
        if value > LONGEST.get(name, value):
            raise ValueError(f"{name} must be {LONGEST[name]} at most")
    return BookingPolicy(**{name: value for name, value in data.items() if isinstance(value, int)})


@dataclass(frozen=True, slots=True)
class RotaRule:
    """When a deputy receives: every week on a weekday (0 = Monday), or on one day.

    `starts` and `ends` count minutes from midnight, local time; `ends` may be 1440 (midnight).
    """

    id: str
    deputy: str
    station: str
    weekday: int | None
    day: date | None
    starts: int
    ends: int
    minutes: int
    modes: tuple[Mode, ...]
    capacity: int = 1


@dataclass(frozen=True, slots=True)
class SlotTime:
    """One slot that the rota asks for, not stored yet."""

    deputy: str
    station: str
    starts_at: datetime
    ends_at: datetime
    modes: tuple[Mode, ...]
    capacity: int


@dataclass(frozen=True, slots=True)
class Slot:
    """A stored slot with the places left; `free` already leaves out what others hold. A closed one has none."""

    id: str
    deputy_id: str
    station_id: str
    starts_at: datetime
    ends_at: datetime
    modes: tuple[Mode, ...]
    capacity: int
    free: int
    closed: bool = False

    @property
    def full(self) -> bool:
        """Whether nobody else can have it."""
        return self.free < 1


@dataclass(frozen=True, slots=True)
class Matter:
    """What the citizen wants to talk about, and how; `mode` is None while none is chosen."""

    mode: Mode | None
    topic: str
    description: str = ""
    help: tuple[Help, ...] = ()


@dataclass(frozen=True, slots=True)
class Booking:
    """A booking as pages show it. Names are those of the moment it was made.

    `cancelled_by` is the role that cancelled it (`Role.CITIZEN` also when a clerk did it for the citizen), "" while it
    stands; `cancel_reason` are the words of a deputy or the station.
    """

    id: str
    slot_id: str
    deputy_id: str
    deputy_name: str
    station_name: str
    station_address: str
    citizen: str
    citizen_name: str
    topic: str
    description: str
    starts_at: datetime
    ends_at: datetime
    mode: Mode
    help: tuple[Help, ...]
    state: BookingState
    sequence: int
    created_at: datetime
    cancelled_by: str = ""
    cancel_reason: str = ""
    use_withdrawn: bool = False  # the citizen no longer agrees that what they wrote is used

    def for_host(self) -> Booking:
        """As deputy and staff may read it: without what was written, once its use is no longer agreed to."""
        return replace(self, topic="", description="", help=()) if self.use_withdrawn else self

    @property
    def by_host(self) -> bool:
        """Whether it was the deputy or the station that cancelled."""
        return self.cancelled_by not in ("", Role.CITIZEN)

    @property
    def number(self) -> str:
        """What one can read out on the phone: six signs of the id in pairs."""
        tail = self.id[-6:].upper()
        return f"{tail[:2]} {tail[2:4]} {tail[4:]}"

    def enter_from(self, policy: BookingPolicy) -> datetime:
        """From when on one may go in and wait."""
        return self.starts_at - timedelta(minutes=policy.enter_minutes_before)


@dataclass(frozen=True, slots=True)
class Draft:
    """What a citizen has filled in so far, and the slot kept for them meanwhile."""

    key: str
    slot_id: str
    held_until: datetime | None
    mode: Mode | None
    topic: str
    description: str
    help: tuple[Help, ...]


def lay_out(rules: Iterable[RotaRule], first: date, days: int, zone: tzinfo, days_off: Calendar) -> list[SlotTime]:
    """The slots of `days` days from `first` on. Of two rules that would make overlapping slots the first wins.

    A weekly rule rests on public holidays, and on a make-up day the rota of the weekday that was given off is held. A
    rule for one day is held on that day whatever it is: somebody meant it.
    """
    made: list[SlotTime] = []
    taken: dict[str, TakenTimes] = {}
    ordered = sorted(rules, key=lambda rule: (rule.day is None, rule.id))
    for offset in range(days):
        day = first + timedelta(days=offset)
        weekdays = rota_weekdays(day, days_off)
        for rule in ordered:
            fits = rule.day == day if rule.day is not None else rule.weekday in weekdays
            if not fits or rule.minutes < 1:
                continue
            others = taken.setdefault(rule.deputy, TakenTimes())
            for slot in _slots_of(rule, day, zone):
                if not others.overlap(slot.starts_at, slot.ends_at):
                    others.add(slot.starts_at, slot.ends_at)
                    made.append(slot)
    return sorted(made, key=lambda slot: (slot.starts_at, slot.deputy))


def _slots_of(rule: RotaRule, day: date, zone: tzinfo) -> Iterator[SlotTime]:
    midnight = datetime.combine(day, time(), zone)
    for begin in range(max(0, rule.starts), min(rule.ends, DAY_MINUTES) - rule.minutes + 1, rule.minutes):
        starts_at = (midnight + timedelta(minutes=begin)).astimezone(UTC)
        ends_at = starts_at + timedelta(minutes=rule.minutes)
        yield SlotTime(
            deputy=rule.deputy,
            station=rule.station,
            starts_at=starts_at,
            ends_at=ends_at,
            modes=rule.modes,
            capacity=rule.capacity,
        )


def rota_weekdays(day: date, days_off: Calendar) -> frozenset[int]:
    """The weekdays (0 = Monday) whose rota is held on a day: none on a holiday, two on a make-up day."""
    if days_off.kind(day) is DayKind.HOLIDAY:
        return frozenset()
    return frozenset({day.weekday(), days_off.worked_as(day).weekday()})


def overlap(a_starts: datetime, a_ends: datetime, b_starts: datetime, b_ends: datetime) -> bool:
    """Whether two spans share any time; touching ends do not."""
    return a_starts < b_ends and b_starts < a_ends


def places_free(capacity: int, taken: int, held_by_others: int) -> int:
    """Places that one more person can have; never negative."""
    return max(0, capacity - taken - held_by_others)


def check_place(slot: Slot, own: Iterable[Booking], now: datetime) -> None:
    """Whether the slot can be had. Raises SlotPast, SlotClosed, SlotTaken.

    Where the citizen's own booking took the place, from another window say, OverlappingBooking: nobody else was faster.
    """
    if slot.starts_at <= now:
        raise SlotPast
    if slot.closed:
        raise SlotClosed
    if slot.full:
        _check_overlap(slot, _ahead(own, now))
        raise SlotTaken


def check_own(slot: Slot, own: Iterable[Booking], now: datetime, policy: BookingPolicy) -> None:
    """Whether the citizen's other bookings allow this one. Raises OverlappingBooking, TooManyBookings, TooManyToday."""
    every = list(own)
    ahead = _ahead(every, now)
    _check_overlap(slot, ahead)
    if len(ahead) >= policy.open_bookings_per_citizen:
        raise TooManyBookings(count=len(ahead))
    made = sum(booking.created_at > now - A_DAY and not booking.by_host for booking in every)
    if made >= BOOKINGS_A_DAY:
        raise TooManyToday(count=made)


def _ahead(own: Iterable[Booking], now: datetime) -> list[Booking]:
    return [b for b in own if b.state is BookingState.BOOKED and b.ends_at > now]


def _check_overlap(slot: Slot, ahead: list[Booking]) -> None:
    for booking in ahead:
        if overlap(slot.starts_at, slot.ends_at, booking.starts_at, booking.ends_at):
            raise OverlappingBooking(name=booking.deputy_name)


def next_state(state: BookingState, step: BookingStep, role: Role) -> BookingState:
    """The state after a step. Raises StepNotPossible when the state or the role does not allow it."""
    return _MACHINE.next_state(state, step, role)


def check_matter(matter: Matter, modes: tuple[Mode, ...], policy: BookingPolicy) -> None:
    """Whether what was filled in is complete. Raises BadInput naming each field."""
    faults: dict[str, str] = {}
    if matter.mode not in modes:
        faults["mode"] = N_("请选怎么见面")
    if not matter.topic:
        faults["topic"] = N_("用一句话写下您要说的事")
    elif len(matter.topic) > policy.topic_length:
        faults["topic"] = Phrase(N_("一句话最多 %(most)s 字，多的写到下面"), most=policy.topic_length)
    if len(matter.description) > policy.description_length:
        faults["description"] = Phrase(N_("情况最多写 %(most)s 字，请缩短一点"), most=policy.description_length)
    if faults:
        raise BadInput(fields=faults)


def check_reason(reason: str) -> str:
    """Why a deputy or the station cancels, as the citizen will read it. Raises BadInput."""
    words = " ".join(reason.split())
    if not words:
        raise BadInput(fields={"reason": N_("请写取消的原因，群众会在短信里看到")})
    if len(words) > REASON_LENGTH:
        raise BadInput(fields={"reason": Phrase(N_("原因最多 %(most)s 字，请缩短一点"), most=REASON_LENGTH)})
    return words


def modes_of(text: str) -> tuple[Mode, ...]:
    """The modes of a stored list such as `video,onsite`; what is unknown is left out."""
    return tuple(mode for mode in Mode if mode in text.split(","))


def helps_of(text: str) -> tuple[Help, ...]:
    """The kinds of help of a stored list."""
    return tuple(kind for kind in Help if kind in text.split(","))
