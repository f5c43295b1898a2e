"""The rota: several who lay out the same days at once make each slot once and claim only what they made."""

from __future__ import annotations

import asyncio

from sqlalchemy import func, select

from station.base.principal import SYSTEM
from station.base.station import Station
from station.booking.model import Mode, RotaRule
from station.booking.rota import extend_slots, list_rules, set_rules
from station.booking.store import slots
from station.ledger.store import ledger_events
from tests.booking.test_service import LIN

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
