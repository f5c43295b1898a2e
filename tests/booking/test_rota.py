"""The rota: several who lay out the same days at once make each slot once and claim only what they made."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from station.base.clock import day_span, local_date
from station.base.principal import SYSTEM
from station.base.station import Station
from station.booking import rota
from station.booking.model import Mode, RotaRule, overlap
from station.booking.rota import (
    DEPUTIES_AT_ONCE,
    RotaSpan,
    extend_slots,
    lay_out_span,
    list_rules,
    plan_slots,
    set_rules,
)
from station.booking.store import rota_rules, slots
from station.booking.times_model import LaidOut, TakenTimes
from station.demo.booking import LIN
from station.ledger.service import append
from station.ledger.store import ledger_events
from tests.fixtures import MONDAY_TEN

RULE = RotaRule("rr_race", LIN, "st_demo_guihua", 0, None, 840, 960, 20, (Mode.VIDEO,), 1)


async def test_the_ledger_claims_each_slot_once(bare_town: Station) -> None:
    """Four workers at once: together their events name as many slots as there are, and so do their answers."""
    await set_rules(bare_town, SYSTEM, [RULE])
    answers = await asyncio.gather(*(extend_slots(bare_town) for _ in range(4)))
    async with bare_town.database.read() as connection:
        there = (await connection.execute(select(func.count()).select_from(slots))).scalar_one()
        laid = select(ledger_events.c.data).where(ledger_events.c.action == "rota.laid-out")
        claimed = [int(data.split(":")[1].rstrip("}")) for data in (await connection.execute(laid)).scalars()]
    assert there > 0
    assert sum(answers) == there
    assert sum(claimed) == there
    assert 0 not in claimed


async def test_the_same_rule_set_by_several_at_once_is_one(bare_town: Station) -> None:
    """Setting a rule replaces it in one statement: nobody fails because another was faster."""
    await asyncio.gather(*(set_rules(bare_town, SYSTEM, [RULE]) for _ in range(4)))
    assert [rule for rule in await list_rules(bare_town) if rule.id == RULE.id] == [RULE]


async def test_a_day_that_brings_nothing_new_waits_for_no_writer(bare_town: Station) -> None:
    """Laying out what is laid out already only reads: it is answered while somebody else holds the writers' lock."""
    await set_rules(bare_town, SYSTEM, [RULE])
    assert await extend_slots(bare_town) > 0
    async with bare_town.database.transaction() as work:
        await work.execute(update(rota_rules).values(minutes=20))
        assert await asyncio.wait_for(extend_slots(bare_town), 5) == 0


class CountedMoment(datetime):
    """A moment that counts how often it is compared."""

    compared = 0

    def __lt__(self, other: object) -> bool:
        CountedMoment.compared += 1
        return bool(super().__lt__(other))  # type: ignore[operator]

    def __gt__(self, other: object) -> bool:
        CountedMoment.compared += 1
        return bool(super().__gt__(other))  # type: ignore[operator]


def counted(moment: datetime) -> CountedMoment:
    """The same moment."""
    return CountedMoment.fromisoformat(moment.isoformat())


def test_the_work_grows_with_the_deputies_and_not_with_their_square() -> None:
    """Twice the deputies are twice the comparisons of slots."""
    span = RotaSpan(MONDAY_TEN, *day_span(local_date(MONDAY_TEN), 14))

    def compared(count: int) -> int:
        rules = {f"dp_{n}": [replace(RULE, id=f"rr_{n}", deputy=f"dp_{n}")] for n in range(count)}
        wanted = {deputy: lay_out_span(own, span) for deputy, own in rules.items()}
        there = [
            LaidOut(f"sl_{n}", slot.deputy, counted(slot.starts_at), counted(slot.ends_at))
            for n, slot in enumerate(plan_slots(wanted, [], MONDAY_TEN).fresh)
        ]
        CountedMoment.compared = 0
        assert plan_slots(wanted, there, MONDAY_TEN).fresh == []
        return CountedMoment.compared

    assert 0 < compared(20) == 2 * compared(10)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 12)), max_size=12), st.integers(0, 40), st.integers(1, 12))
def test_times_taken_are_found_as_by_looking_at_each(spans: list[tuple[int, int]], begins: int, minutes: int) -> None:
    """Whatever times are there, overlapping ones too, a time is taken when it overlaps one of them."""

    def moment(minute: int) -> datetime:
        return MONDAY_TEN + timedelta(minutes=minute)

    there = [(moment(at), moment(at + length)) for at, length in spans]
    asked = moment(begins), moment(begins + minutes)
    assert TakenTimes(there).overlap(*asked) == any(overlap(*asked, *each) for each in there)


async def test_laying_out_that_was_broken_off_goes_on(bare_town: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was done stays, whole for each of its deputies; the next turn makes the rest and no time twice."""
    rules = [replace(RULE, id=f"rr_{n}", deputy=f"dp_{n:02}") for n in range(DEPUTIES_AT_ONCE * 3)]
    await set_rules(bare_town, SYSTEM, rules)
    turns = iter([True, False])

    async def break_off(*arguments: Any) -> object:
        if next(turns):
            return await append(*arguments)
        raise ConnectionError("the power failed")

    monkeypatch.setattr(rota, "append", break_off)
    with pytest.raises(ConnectionError):
        await extend_slots(bare_town)
    monkeypatch.undo()
    async with bare_town.database.read() as connection:
        done = (await connection.execute(select(func.count()).select_from(slots))).scalar_one()
    assert await extend_slots(bare_town) == 2 * done > 0
    assert await extend_slots(bare_town) == 0


async def test_many_deputies_are_laid_out_in_lots(bare_town: Station) -> None:
    """More deputies than fit into one transaction each get their slots, and the answer counts them all."""
    rules = [replace(RULE, id=f"rr_{n}", deputy=f"dp_{n}") for n in range(DEPUTIES_AT_ONCE * 2 + 1)]
    await set_rules(bare_town, SYSTEM, [RULE])
    alone = await extend_slots(bare_town)
    await set_rules(bare_town, SYSTEM, rules)
    assert await extend_slots(bare_town) == alone * len(rules)
