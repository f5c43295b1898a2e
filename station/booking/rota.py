"""The calendar: laying out the rota into slots, and what of it is still free."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from station.base.calendar import china
from station.base.clock import SHANGHAI, day_span, local_date
from station.base.database import ReadConnection
from station.base.errors import NotFound
from station.base.ids import new_id
from station.base.inserts import insert_or_replace
from station.base.principal import GUEST, SYSTEM, Principal
from station.base.station import Station
from station.base.working_days import DayKind
from station.booking import rota_store, store
from station.booking.model import Mode, RotaRule, Slot, SlotTime, lay_out
from station.booking.policy import booking_policy
from station.booking.times_model import LaidOut, TakenTimes
from station.directory.model import Deputy
from station.directory.service import get_deputies
from station.ledger.service import append

# So many at a time that neither the event loop nor the writers' lock is held for more than some milliseconds.
DEPUTIES_AT_ONCE = 10


SPARE = 6  # deputies who are read beside those that are shown


@dataclass(frozen=True, slots=True)
class Reception:
    """A deputy's slots that follow each other on one day: one line of the day's timetable."""

    deputy: Deputy
    starts_at: datetime
    ends_at: datetime
    modes: tuple[Mode, ...]
    free: int


@dataclass(frozen=True, slots=True)
class RotaSpan:
    """The days that are laid out: from the midnight before `now` to a midnight, in UTC."""

    now: datetime
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class RotaChanges:
    """What laying out adds, and the ids of the slots that are offered no more, unless somebody has booked them."""

    fresh: list[SlotTime]
    unwanted: list[str]


async def set_rules(station: Station, who: Principal, rules: list[RotaRule]) -> None:
    """Add rules of the rota or replace those with the same ids; slots already laid out stay."""
    async with station.database.transaction() as work:
        await insert_or_replace(work, store.rota_rules, [_rule_row(rule) for rule in rules])
        for deputy in sorted({rule.deputy for rule in rules}):
            data = {"rules": [rule.id for rule in rules if rule.deputy == deputy]}
            await append(station, work, who, "rota.set", f"deputy:{deputy}", data)


def _rule_row(rule: RotaRule) -> dict[str, object]:
    return {
        "id": rule.id,
        "deputy": rule.deputy,
        "station": rule.station,
        "weekday": rule.weekday,
        "day": rule.day,
        "starts": rule.starts,
        "ends": rule.ends,
        "minutes": rule.minutes,
        "modes": ",".join(rule.modes),
        "capacity": rule.capacity,
    }


async def list_rules(station: Station) -> list[RotaRule]:
    """Every rule of the rota."""
    async with station.database.read() as connection:
        return await store.all_rules(connection)


async def extend_slots(station: Station, who: Principal = SYSTEM, days: int | None = None) -> int:
    """Lay the rota out from today; returns how many slots are new. Harmless when called again: call it daily.

    What was laid out before on a day that turned out to be a holiday is closed, unless somebody has booked it. On a
    day that brings nothing new this only reads.
    """
    now = station.clock.now()
    since, until = day_span(local_date(now), days or booking_policy(station).days_ahead)
    span = RotaSpan(now, since, until)
    async with station.database.read() as connection:
        rules: dict[str, list[RotaRule]] = {}
        for rule in await store.all_rules(connection):
            rules.setdefault(rule.deputy, []).append(rule)
        deputies = sorted(rules.keys() | await store.deputies_with_slots(connection, since, until))
    made = 0
    for at in range(0, len(deputies), DEPUTIES_AT_ONCE):
        some = deputies[at : at + DEPUTIES_AT_ONCE]
        made += await _extend_some(station, who, span, {deputy: rules.get(deputy, []) for deputy in some})
    return made


async def _extend_some(station: Station, who: Principal, span: RotaSpan, rules: Mapping[str, list[RotaRule]]) -> int:
    wanted = {deputy: lay_out_span(own, span) for deputy, own in rules.items()}
    async with station.database.read() as connection:
        changes = plan_slots(wanted, await _times_there(connection, span, rules), span.now)
        unbooked = await _unbooked(connection, changes.unwanted, span.now)
    if not changes.fresh and not unbooked:
        return 0
    async with station.database.transaction() as work:
        # Looked at again behind the lock: somebody else may have laid out the same days since.
        changes = plan_slots(wanted, await _times_there(work.connection, span, rules), span.now)
        made = await rota_store.add_slots(work, [_row(slot) for slot in changes.fresh])
        # Slots before the ledger's head, as whoever books locks them.
        await store.close_slots(work, await _unbooked(work.connection, changes.unwanted, span.now))
        if made:
            subject = f"rota:{local_date(span.now).isoformat()}"
            await append(station, work, who, "rota.laid-out", subject, {"slots": made})
    return made


async def _times_there(connection: ReadConnection, span: RotaSpan, rules: Mapping[str, object]) -> list[LaidOut]:
    return await rota_store.times_between(connection, span.since - timedelta(days=1), span.until, list(rules))


async def _unbooked(connection: ReadConnection, ids: list[str], now: datetime) -> list[str]:
    """Those of some slots that are open and that nobody has booked or holds."""
    found = await rota_store.slots_by_id(connection, ids, now) if ids else []
    return [slot.id for slot in found if slot.free == slot.capacity]


def lay_out_span(rules: list[RotaRule], span: RotaSpan) -> list[SlotTime]:
    """The slots that one deputy's rules ask for in a span."""
    return lay_out(rules, local_date(span.now), (span.until - span.since).days, SHANGHAI, china())


def plan_slots(wanted: Mapping[str, list[SlotTime]], there: Iterable[LaidOut], now: datetime) -> RotaChanges:
    """What is asked for of some deputies beside the slots that they have. One deputy's time is no other's, so each is
    looked at alone: the work grows with the deputies and not with their square.
    """
    own: dict[str, list[LaidOut]] = {deputy: [] for deputy in wanted}
    for slot in there:
        own[slot.deputy_id].append(slot)
    fresh: list[SlotTime] = []
    unwanted: list[str] = []
    for deputy, slots in own.items():
        asked = wanted[deputy]
        taken = TakenTimes((slot.starts_at, slot.ends_at) for slot in slots)
        fresh += [slot for slot in asked if slot.starts_at > now and not taken.overlap(slot.starts_at, slot.ends_at)]
        times = {slot.starts_at for slot in asked}
        unwanted += [slot.id for slot in slots if slot.starts_at not in times and _falls_on_holiday(slot)]
    return RotaChanges(fresh, unwanted)


def _falls_on_holiday(slot: LaidOut) -> bool:
    return china().kind(local_date(slot.starts_at)) is DayKind.HOLIDAY


def _row(slot: SlotTime) -> dict[str, object]:
    return {
        "id": new_id("sl"),
        "deputy": slot.deputy,
        "station": slot.station,
        "starts_at": slot.starts_at,
        "ends_at": slot.ends_at,
        "modes": ",".join(slot.modes),
        "capacity": slot.capacity,
    }


async def get_slot(station: Station, who: Principal, slot_id: str) -> Slot:
    """One slot as the caller finds it: what others hold counts as taken. Raises NotFound."""
    async with station.database.read() as connection:
        slot = await store.slot_by_id(connection, slot_id, who.account, station.clock.now())
    if slot is None:
        raise NotFound
    return slot


async def list_slots(station: Station, who: Principal, deputy_id: str) -> list[Slot]:
    """A deputy's slots still to come, within the days that are laid out."""
    now = station.clock.now()
    until = day_span(local_date(now), booking_policy(station).days_ahead)[1]
    async with station.database.read() as connection:
        slots = await store.slots_between(connection, now, until, who.account, now, [deputy_id])
    return [slot for slot in slots if not slot.closed]


async def earliest_slots(station: Station, deputy_ids: list[str]) -> dict[str, Slot]:
    """For each deputy the first slot still free; deputies without one are left out."""
    now = station.clock.now()
    until = day_span(local_date(now), booking_policy(station).days_ahead)[1]
    async with station.database.read() as connection:
        slots = await store.slots_between(connection, now, until, GUEST.account, now, deputy_ids)
    first: dict[str, Slot] = {}
    for slot in slots:
        if not slot.full:
            first.setdefault(slot.deputy_id, slot)
    return first


async def receptions_of_day(station: Station, day: date, most: int) -> list[Reception]:
    """Who receives on a day from now on, the first `most`; a deputy's slots that touch are one reception.

    Only what is shown is read: a city has a thousand slots a day.
    """
    since, until = day_span(day)
    now = station.clock.now()
    async with station.database.read() as connection:
        first = await store.first_receiving(connection, max(since, now), until, most + SPARE)
    deputies = await get_deputies(station, first)
    # Some may have left office while slots of theirs stand. So many of them that the spare ones are not enough are
    # rare, and then all of the day is looked through.
    in_office = [deputy for deputy in first if deputy in deputies and deputies[deputy].is_bookable]
    wanted = in_office[:most] if len(in_office) >= most or len(first) < most + SPARE else None
    async with station.database.read() as connection:
        slots = await store.slots_between(connection, max(since, now), until, GUEST.account, now, wanted)
    open_slots = [slot for slot in slots if not slot.closed]
    if wanted is None:
        deputies = await get_deputies(station, sorted({slot.deputy_id for slot in open_slots}))
    receiving = {identity: deputy for identity, deputy in deputies.items() if deputy.is_bookable}
    return join_slots(open_slots, receiving)[:most]


def join_slots(slots: list[Slot], deputies: dict[str, Deputy]) -> list[Reception]:
    """Slots in order of time, joined where one deputy's follow each other."""
    runs: list[list[Slot]] = []
    last: dict[str, list[Slot]] = {}
    for slot in slots:
        run = last.get(slot.deputy_id)
        if run is None or run[-1].ends_at != slot.starts_at:
            run = last[slot.deputy_id] = []
            runs.append(run)
        run.append(slot)
    return [
        Reception(
            deputies[run[0].deputy_id],
            run[0].starts_at,
            run[-1].ends_at,
            tuple(mode for mode in Mode if any(mode in slot.modes for slot in run)),
            sum(slot.free for slot in run),
        )
        for run in runs
        if run[0].deputy_id in deputies
    ]
