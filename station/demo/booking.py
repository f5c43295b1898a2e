"""The demo's calendar: weekly rotas, times that are always bookable today, and a few bookings of other people."""

from __future__ import annotations

from datetime import date, timedelta

from station.base.clock import local
from station.base.errors import StationError
from station.base.inserts import insert_missing
from station.base.principal import SYSTEM, Principal, Role
from station.base.station import Station
from station.booking import store
from station.booking.model import DAY_MINUTES, BookingState, Help, Matter, Mode, RotaRule
from station.booking.rota import extend_slots, list_rules, list_slots, set_rules
from station.booking.service import book_slot
from station.demo.directory import DEPUTIES
from station.demo.logins import DEMO_ACCOUNTS
from station.people.service import ensure_citizen

EVERYWAY = (Mode.VIDEO, Mode.ONSITE, Mode.PHONE)
LIN, CHEN, ZHOU = "dp_demo_linxiulan", "dp_demo_chenlixin", "dp_demo_zhoumingyuan"
LATE = 22 * 60  # from this minute of the day on, tomorrow's small hours are opened too

# Weekday, first and last minute, minutes a slot, ways to meet: dealt out to the deputies in turn.
PATTERNS: tuple[tuple[tuple[int, int, int, int, tuple[Mode, ...]], ...], ...] = (
    ((0, 14 * 60, 16 * 60, 20, EVERYWAY), (3, 9 * 60, 10 * 60 + 20, 20, (Mode.VIDEO, Mode.ONSITE))),
    ((0, 19 * 60, 20 * 60 + 40, 20, (Mode.VIDEO, Mode.PHONE)), (2, 19 * 60, 20 * 60 + 40, 20, (Mode.VIDEO,))),
    ((1, 9 * 60, 10 * 60 + 40, 20, (Mode.VIDEO, Mode.ONSITE)), (4, 15 * 60, 16 * 60, 20, EVERYWAY)),
    ((0, 15 * 60, 16 * 60, 20, (Mode.ONSITE,)), (3, 14 * 60 + 30, 15 * 60 + 30, 20, EVERYWAY)),
    ((2, 9 * 60 + 30, 11 * 60 + 30, 30, EVERYWAY), (5, 10 * 60, 11 * 60 + 30, 30, (Mode.VIDEO,))),
    ((4, 9 * 60, 10 * 60, 20, (Mode.VIDEO, Mode.PHONE)), (6, 19 * 60, 20 * 60, 20, (Mode.VIDEO,))),
)

STRANGERS = (
    ("ac_demo_stranger1", "13800010001", "孙建平"),
    ("ac_demo_stranger2", "13800010002", "吴桂英"),
    ("ac_demo_stranger3", "13800010003", "郑海"),
)
TOPICS = ("菜场门口占道，轮椅过不去", "楼道灯坏了一个月没人修", "孩子放学路上没有斑马线")


async def seed_booking(station: Station) -> None:
    """Add what is missing of the rota, lay it out, and let other people have booked a few times."""
    await _set_missing(station, _weekly_rules())
    await keep_today_bookable(station)
    await _seed_past(station)
    await _seed_strangers(station)


def _weekly_rules() -> list[RotaRule]:
    rules = []
    for number, person in enumerate(DEPUTIES):
        deputy, place = f"dp_demo_{person.key}", f"st_demo_{person.station}"
        for weekday, starts, ends, minutes, modes in PATTERNS[number % len(PATTERNS)]:
            identity = f"rr_{person.key}_{weekday}"
            rules.append(RotaRule(identity, deputy, place, weekday, None, starts, ends, minutes, modes))
    return rules


async def keep_today_bookable(station: Station) -> None:
    """Open times of the demo's two deputies today (and tonight), then lay the rota out; call it daily in the demo."""
    now = local(station.clock.now())
    minute = now.hour * 60 + now.minute
    soon = min((minute // 30 + 1) * 30, DAY_MINUTES)
    rules = [
        _one_day(LIN, "st_demo_guihua", now.date(), soon, DAY_MINUTES, 30),
        _one_day(CHEN, "st_demo_wangjiang", now.date(), max(soon, 19 * 60), 21 * 60, 20),
    ]
    if minute >= LATE:
        rules.append(_one_day(LIN, "st_demo_guihua", now.date() + timedelta(days=1), 0, 8 * 60, 30))
    await _set_missing(station, rules)
    await extend_slots(station)


def _one_day(deputy: str, place: str, day: date, starts: int, ends: int, minutes: int) -> RotaRule:
    identity = f"rr_{deputy.removeprefix('dp_demo_')}_{day:%m%d}_{starts}"
    return RotaRule(identity, deputy, place, None, day, starts, ends, minutes, EVERYWAY)


async def _set_missing(station: Station, rules: list[RotaRule]) -> None:
    known = {rule.id for rule in await list_rules(station)}
    missing = [rule for rule in rules if rule.id not in known]
    if missing:
        await set_rules(station, SYSTEM, missing)


async def _seed_past(station: Station) -> None:
    """A meeting of the demo's citizen three weeks ago, so that their page has a past."""
    async with station.database.transaction() as work:
        if await store.booking_by_id(work.connection, "bk_demo_past") is not None:
            return
        starts_at = station.clock.now().replace(hour=6, minute=30, second=0, microsecond=0) - timedelta(days=21)
        span = {"starts_at": starts_at, "ends_at": starts_at + timedelta(minutes=20)}
        slot = {"id": "sl_demo_past", "deputy": LIN, "station": "st_demo_guihua", "modes": "video", "capacity": 1}
        await insert_missing(work, store.slots, [slot | span])
        citizen = DEMO_ACCOUNTS[0]
        await store.add_booking(
            work,
            id="bk_demo_past",
            slot="sl_demo_past",
            deputy=LIN,
            deputy_name="林秀兰",
            station_name="桂花街道中心站",
            station_address="桂花路 18 号一楼",
            citizen=citizen.id,
            citizen_name=citizen.name,
            topic="7 号楼加装电梯，一楼采光怎么补偿",
            description="7 号楼住了 24 户，60 岁以上的有 19 位。",
            mode=Mode.VIDEO,
            help=Help.FAMILY,
            state=BookingState.ATTENDED,
            sequence=1,
            form_key="demo-past",
            created_at=starts_at - timedelta(days=2),
            **span,
        )


async def _seed_strangers(station: Station) -> None:
    """Three other citizens have booked one time each; 周明远's next reception is booked out by them."""
    for number, (identity, phone, name) in enumerate(STRANGERS):
        async with station.database.transaction() as work:
            account = await ensure_citizen(station, work, phone, name, identity)
        who = Principal(account.id, Role.CITIZEN, account.name)
        for deputy, offset in ((ZHOU, number), (CHEN, number + 1)):
            slots = await list_slots(station, who, deputy)
            if len(slots) <= offset:
                continue
            slot = slots[offset]
            matter = Matter(slot.modes[0], TOPICS[number])
            try:
                await book_slot(station, who, slot.id, matter, f"demo-{deputy}")
            except StationError:
                continue  # already booked at a restart, or no longer free: the demo goes on without it
