"""A city's rows, made by rule: deputies, units, citizens, bookings of the days around, any number of cases.

Everything follows from the seed and the number of cases, on SQLite and PostgreSQL alike. Of 100,000 cases 3,200 are
open and 710 late; some 92,000 replies lie in the three years before. Rows go in by bulk inserts, into columns that an
earlier release had too, so that its schema can be filled and be migrated afterwards.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from random import Random
from typing import Any

from sqlalchemy import Table, insert, text

from station.base.clock import SHANGHAI
from station.base.database import Database
from station.base.principal import Role
from station.booking.store import bookings, slots
from station.cases.model import CaseState, compose_number, fold_title
from station.cases.store import (
    case_cards,
    case_extensions,
    case_numbers,
    case_ratings,
    case_replies,
    cases,
)
from station.cases.words_store import rebuild_words
from station.directory.store import constituencies, deputies, districts, seats, stations, terms, units
from station.ledger.store import ledger_events, ledger_head
from station.people.store import accounts, sessions

NOW = datetime(2026, 11, 30, 2, 0, tzinfo=UTC)  # a Monday, 10:00 in Shanghai
BATCH = 4000
STATIONS, UNITS, DEPUTIES = 30, 60, 300
YEARS = 3  # over which cases and replies are spread
DAY_OF_SLOTS, SLOTS_A_DAY = 30, 3  # days before and after today that have slots, and how many a deputy has on each
ROADS = ("望江路", "柳荫路", "桂花街", "东门里", "机械厂路", "清和大道", "人民路", "建设巷", "学府街", "滨河路")
THINGS = (
    "路灯不亮", "垃圾分类亭太远", "外墙脱落", "屋顶漏水", "井盖松动", "噪声扰民", "公交站台没有雨棚",
    "电动车充电桩不够",
    "下水道堵塞", "健身器材损坏", "人行道积水", "树枝挡住信号灯", "老人食堂关门", "快递柜占道", "暖气不热",
    "停车收费不清楚",
)  # fmt: skip
# Of 10,000 cases so many are in each open state; the others are concluded.
OPEN_SHARES = {
    CaseState.NOTED: 14, CaseState.ACCEPTED: 23, CaseState.RETURNED: 3, CaseState.ASSIGNED: 157,
    CaseState.REPLIED: 90, CaseState.RATED: 33,
}  # fmt: skip
LATE_SHARE = 71
OUT_OF = 10_000


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything there is."""

    cases: int = 100_000
    citizens: int = 20_000
    deputies: int = DEPUTIES


TOKENS = {role: f"bench-{role}" for role in (Role.CITIZEN, Role.DEPUTY, Role.CLERK, Role.UNIT, Role.SUPERVISOR)}


async def fill(database: Database, size: Size, seed: int = 7, with_words: bool = True) -> None:
    """Put the city's rows into a database that has its tables and no rows; `with_words` if it knows words of titles."""
    dice = Random(seed)
    made = _case_rows(dice, size)
    async with database.transaction() as work:
        for table, rows in (*_places(size), *_people(size), *_bookings(dice, size)):
            for batch in _batches(rows):
                await work.execute(insert(table), batch)
    kept: list[dict[str, Any]] = []
    async with database.transaction() as work:
        for batch in _batches(made):
            await work.execute(insert(cases), batch)
            kept += [{name: row[name] for name in _FOLLOWED} for row in batch]
        for table, rows in _followers(dice, size, kept):
            for batch in _batches(rows):
                await work.execute(insert(table), batch)
        if with_words:
            await rebuild_words(work)
    async with database.engine.connect() as connection:
        plain = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await plain.execute(text("ANALYZE"))


def last_case(size: Size) -> tuple[int, int]:
    """Year and serial of the newest case."""
    *_, newest = _numbers(size)
    return newest[1], newest[2]


def case_of_citizen(size: Size) -> str:
    """The id of the newest case: it is the signed-in citizen's own, lies with a unit and has a timeline."""
    return f"cs{size.cases - 1:07}"


def _numbers(size: Size) -> Iterator[tuple[datetime, int, int]]:
    """When each case was opened, its year and its serial, the oldest first."""
    per_year: dict[int, int] = {}
    span = timedelta(days=365 * YEARS)
    for n in range(size.cases):
        opened = NOW - span + (span - timedelta(hours=1)) * (n / size.cases)
        year = opened.astimezone(SHANGHAI).year
        serial = per_year[year] = per_year.get(year, 0) + 1
        yield opened, year, serial


def _batches(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    left = iter(rows)
    while batch := list(islice(left, BATCH)):
        yield batch


def _places(size: Size) -> list[tuple[Table, Iterable[dict[str, Any]]]]:
    main = {"district": "d", "parent": None, "tier": "main", "address": "望江路 1 号", "phone": "010-88000000"}
    under = [
        main | {"id": f"st{n:02}", "parent": "st00", "tier": "street", "name": f"{n} 号联络站"}
        for n in range(1, STATIONS)
    ]
    every = [
        {
            "id": f"dp{n:03}", "code": f"q{n:03}", "name": f"代表{n:03}", "latin": f"Daibiao {n}",
            "letters": f"daibiao{n}", "initials": "db", "station": f"st{n % STATIONS:02}", "job": "教师",
            "concerns": "教育", "bio": "在区里工作多年。",
        }
        for n in range(size.deputies)
    ]  # fmt: skip
    return [
        (districts, [{"id": "d", "name": "清和区"}]),
        (terms, [{"id": "t", "name": "第十届", "starts_on": date(2026, 1, 1), "ends_on": None}]),
        (stations, [main | {"id": "st00", "name": "区联络站"}]),
        (stations, under),
        (constituencies, [{"id": "c", "district": "d", "name": "第一选区", "whole_district": True}]),
        (deputies, every),
        (seats, ({"id": f"se{n:03}", "deputy": f"dp{n:03}", "term": "t", "constituency": "c", "level": "district"}
                 for n in range(size.deputies))),
        (units, ({"id": f"un{n:02}", "name": f"第 {n} 承办单位", "phone": "010-88000001"} for n in range(UNITS))),
    ]  # fmt: skip


def _people(size: Size) -> list[tuple[Table, Iterable[dict[str, Any]]]]:
    scopes = {Role.CITIZEN: "", Role.DEPUTY: "dp000", Role.CLERK: "", Role.UNIT: "un00", Role.SUPERVISOR: ""}
    staff = [{"id": f"ac_{role}", "role": str(role), "name": "何晓雯", "scope": scopes[role]} for role in TOKENS]
    others = ({"id": f"ci{n:05}", "role": "citizen", "name": f"群众{n}", "scope": ""} for n in range(size.citizens))
    opened = (
        {
            "token_hash": hashlib.sha256(token.encode()).hexdigest(), "account": f"ac_{role}", "created_at": NOW,
            "seen_at": NOW, "expires_at": NOW + timedelta(days=30),
        }
        for role, token in TOKENS.items()
    )  # fmt: skip
    named = ({**row, "phone": f"139{n:08}", "created_at": NOW} for n, row in enumerate([*staff, *others]))
    return [(accounts, named), (sessions, opened)]


def _bookings(dice: Random, size: Size) -> list[tuple[Table, Iterable[dict[str, Any]]]]:
    today = NOW.astimezone(SHANGHAI).date()
    times: list[dict[str, Any]] = []
    for offset in range(-DAY_OF_SLOTS, DAY_OF_SLOTS + 1):
        for deputy in range(size.deputies):
            for turn in range(SLOTS_A_DAY):
                start = datetime.combine(today, time(9 + (turn * 2 + deputy) % 8), SHANGHAI) + timedelta(days=offset)
                times.append(
                    {
                        "id": f"sl{len(times):06}", "deputy": f"dp{deputy:03}", "station": f"st{deputy % STATIONS:02}",
                        "starts_at": start, "ends_at": start + timedelta(minutes=30), "modes": "video,onsite",
                        "capacity": 1,
                    }
                )  # fmt: skip
    taken = [slot for slot in times if dice.random() < 0.45]
    rows = (
        {
            "id": f"bk{n:06}", "slot": slot["id"], "deputy": slot["deputy"], "deputy_name": f"代表{slot['deputy'][2:]}",
            "station_name": "区联络站", "station_address": "望江路 1 号", "citizen": f"ci{n % size.citizens:05}",
            "citizen_name": f"群众{n % size.citizens}", "topic": dice.choice(ROADS) + dice.choice(THINGS),
            "description": "请代表看看。", "starts_at": slot["starts_at"], "ends_at": slot["ends_at"], "mode": "video",
            "help": "", "state": "booked", "sequence": 0, "form_key": f"fk{n}", "created_at": NOW,
        }
        for n, slot in enumerate(taken)
    )  # fmt: skip
    return [(slots, times), (bookings, rows)]


_FOLLOWED = ("id", "state", "unit_id", "unit_name", "opened_at", "due_day", "due_at")


def _case_rows(dice: Random, size: Size) -> Iterator[dict[str, Any]]:
    """All cases, oldest first: the open ones are the newest, as in life."""
    coming = _open_states(dice, size.cases)
    late = max(1, size.cases * LATE_SHARE // OUT_OF)
    for n, (opened, year, serial) in enumerate(_numbers(size)):
        place = n - (size.cases - len(coming))
        state = coming[place] if place >= 0 else CaseState.CONCLUDED
        is_late = state is CaseState.ASSIGNED and late > 0
        late -= is_late
        yield _case(dice, size, n, (year, serial), opened, state, is_late) | _own_columns(size, n)


def _own_columns(size: Size, n: int) -> dict[str, Any]:
    """What makes the newest case the signed-in citizen's."""
    if n < size.cases - 1:
        return {}
    due = NOW.astimezone(SHANGHAI).date() + timedelta(days=9)
    return {
        "citizen": f"ac_{Role.CITIZEN}", "state": str(CaseState.ASSIGNED), "unit_id": "un00",
        "unit_name": "第 0 承办单位", "assigned_on": NOW.date(), "due_day": due,
        "due_at": datetime.combine(due + timedelta(days=1), time(), SHANGHAI),
    }  # fmt: skip


def _timeline(row: dict[str, Any]) -> list[dict[str, Any]]:
    """The events of one case, as rows of the ledger; its chain does not hold."""
    actions = ("case.noted", "case.accepted", "case.assigned", "case.note_added", "case.extension_asked")
    same = {"actor": "ac_clerk", "actor_name": "何晓雯", "role": "clerk", "subject": f"case:{row['id']}", "origin": ""}
    data = json.dumps(
        {"unit": row["unit_id"], "co_units": [], "unit_name": row["unit_name"], "due": row["due_day"].isoformat()}
    )
    return [
        {**same, "seq": seq, "at": row["opened_at"] + timedelta(minutes=seq), "action": action, "reason": "",
         "data": data, "previous": "0" * 64, "hash": "0" * 64}
        for seq, action in enumerate(actions, 1)
    ]  # fmt: skip


def _open_states(dice: Random, total: int) -> list[CaseState]:
    states = [state for state, share in OPEN_SHARES.items() for _ in range(max(1, total * share // OUT_OF))]
    dice.shuffle(states)
    return states


def _case(
    dice: Random, size: Size, n: int, number: tuple[int, int], opened: datetime, state: CaseState, late: bool
) -> dict[str, Any]:
    title = f"{dice.choice(ROADS)} {dice.randrange(1, 200)} 号{dice.choice(THINGS)}"
    deputy = dice.randrange(size.deputies)
    unit = dice.randrange(UNITS)
    today = NOW.astimezone(SHANGHAI).date()
    due = today - timedelta(days=dice.randrange(1, 150)) if late else today + timedelta(days=dice.randrange(3, 40))
    closed = state is CaseState.CONCLUDED
    with_unit = state not in (CaseState.NOTED, CaseState.ACCEPTED, CaseState.RETURNED)
    reviewed = closed and dice.random() < 0.9
    return {
        "id": f"cs{n:07}", "number": compose_number("清和", *number), "year": number[0], "serial": number[1],
        "title": title, "description": title + "，请尽快处理。" * 12, "state": str(state), "category": "general",
        "deputy_id": f"dp{deputy:03}", "deputy_name": f"代表{deputy:03}", "station_id": f"st{deputy % STATIONS:02}",
        "citizen": f"ci{n % size.citizens:05}", "citizen_name": f"群众{n % size.citizens}",
        "unit_id": f"un{unit:02}" if with_unit else None, "unit_name": f"第 {unit} 承办单位" if with_unit else "",
        "round": 1, "extensions": 0, "opened_by": f"dp{deputy:03}", "opened_at": opened, "changed_at": opened,
        "assigned_on": opened.date() if with_unit else None, "due_day": None if closed else due,
        "due_at": None if closed else datetime.combine(due + timedelta(days=1), time(), SHANGHAI),
        "due_start": None if closed else due - timedelta(days=15), "due_amount": 0 if closed else 10,
        "due_unit": "" if closed else "wd", "due_article": "" if closed else "本区办法第八条",
        "due_provisional": False, "published": reviewed, "public_title": title if reviewed else "",
        "public_reply": "已经处理好了。" if reviewed else "", "search_text": fold_title(title) if reviewed else "",
    }  # fmt: skip


def _followers(dice: Random, size: Size, kept: list[dict[str, Any]]) -> list[tuple[Table, Iterable[dict[str, Any]]]]:
    """What hangs on the cases: numbers, replies, ratings, cards, requests for more time."""
    numbers: dict[int, int] = {}
    for row in kept:
        year = row["opened_at"].astimezone(SHANGHAI).year
        numbers[year] = numbers.get(year, 0) + 1
    answered = [row for row in kept if row["state"] in ("concluded", "replied", "rated") and dice.random() < 0.93]
    assigned = [row for row in kept if row["state"] == "assigned"]
    prolonged = [row for row in answered if dice.random() < 0.04]
    asked = assigned[len(assigned) // 2 :][: max(1, len(assigned) // 60)]
    return [
        (case_numbers, ({"prefix": "清和", "year": year, "last": last} for year, last in numbers.items())),
        (case_replies, (_reply(dice, row) for row in answered)),
        (case_ratings, (
            {"case_id": row["id"], "round": 1, "grade": dice.randrange(1, 6), "remark": "", "at": row["opened_at"]}
            for row in answered if row["state"] != "replied")),
        (case_cards, _cards(dice, kept)),
        (ledger_events, _timeline(kept[-1])),
        (ledger_head, [{"id": 1, "seq": len(_timeline(kept[-1])), "hash": "0" * 64}]),
        (case_extensions, (
            {"id": f"ex{row['id']}", "case_id": row["id"], "reason": "要等材料", "asked_at": NOW,
             "granted": None if row["state"] == "assigned" else True}
            for row in (*prolonged, *asked))),
    ]  # fmt: skip


def _reply(dice: Random, row: dict[str, Any]) -> dict[str, Any]:
    at = min(row["opened_at"] + timedelta(days=9), NOW - timedelta(minutes=5))
    late = dice.random() < 0.08
    return {
        "id": f"rp{row['id']}", "case_id": row["id"], "round": 1, "unit_id": row["unit_id"],
        "unit_name": row["unit_name"], "author_name": "许志远", "outcome": "solved",
        "text": "已经处理好了，请看现场。" * 5, "at": at, "due_on": at.date(), "late": late,
        "soon": not late and dice.random() < 0.1,
    }  # fmt: skip


def _cards(dice: Random, kept: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Red and yellow for what is late now, as the clock has issued them; and some of each month before."""
    for row in kept:
        late = row["state"] == "assigned" and row["due_at"] <= NOW
        if not late and not (row["state"] == "concluded" and dice.random() < 0.03):
            continue
        for colour in ("yellow", "red") if late else (dice.choice(("yellow", "red")),):
            day = row["due_day"] if late else row["opened_at"].date()
            at = (row["due_at"] if late else row["opened_at"]) - timedelta(days=2 * (colour == "yellow"))
            yield {
                "id": f"cd{row['id']}{colour[0]}", "key": f"{row['id']}:1:{day.isoformat()}:{colour}",
                "case_id": row["id"], "unit_id": row["unit_id"], "unit_name": row["unit_name"], "colour": colour,
                "by_clock": True, "reason": "到期日已经过了", "issued_at": at, "withdrawn_at": None,
                "withdrawn_reason": "",
            }  # fmt: skip
