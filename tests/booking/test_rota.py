"""The rota: several who lay out the same days at once make each slot once and claim only what they made."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime

import pytest
from sqlalchemy import func, select, update

from station.base.clock import day_span, local_date
from station.base.principal import SYSTEM
from station.base.station import Station
from station.booking import rota
from station.booking.model import Mode, RotaRule, Slot, overlap
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
from station.demo.booking import LIN
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


def test_the_work_grows_with_the_deputies_and_not_with_their_square(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice the deputies are twice the comparisons of slots."""
    span = RotaSpan(MONDAY_TEN, *day_span(local_date(MONDAY_TEN), 14))

    def compared(count: int) -> int:
        rules = {f"dp_{n}": [replace(RULE, id=f"rr_{n}", deputy=f"dp_{n}")] for n in range(count)}
        wanted = {deputy: lay_out_span(own, span) for deputy, own in rules.items()}
        there = [
            Slot(
                id=f"sl_{n}",
                deputy_id=slot.deputy,
                station_id=slot.station,
                starts_at=slot.starts_at,
                ends_at=slot.ends_at,
                modes=slot.modes,
                capacity=1,
                free=1,
                closed=False,
            )
            for n, slot in enumerate(plan_slots(wanted, [], MONDAY_TEN).fresh)
        ]
        calls: list[tuple[datetime, ...]] = []

        def counted(*moments: datetime) -> bool:
            calls.append(moments)
            return overlap(*moments)

        monkeypatch.setattr(rota, "overlap", counted)
        assert plan_slots(wanted, there, MONDAY_TEN).fresh == []
        return len(calls)

    assert 0 < compared(20) == 2 * compared(10)


async def test_many_deputies_are_laid_out_in_lots(bare_town: Station) -> None:
    """More deputies than fit into one transaction each get their slots, and the answer counts them all."""
    rules = [replace(RULE, id=f"rr_{n}", deputy=f"dp_{n}") for n in range(DEPUTIES_AT_ONCE * 2 + 1)]
    await set_rules(bare_town, SYSTEM, [RULE])
    alone = await extend_slots(bare_town)
    await set_rules(bare_town, SYSTEM, rules)
    assert await extend_slots(bare_town) == alone * len(rules)
