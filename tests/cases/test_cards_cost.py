"""The clock's chore costs the same when there is nothing to do, however many cases are late."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import event, select

from station.base.station import Station
from station.cases import service
from station.cases.model import Colour
from station.cases.queries import to_card
from station.cases.store import case_cards
from tests.cases.conftest import CLERK, UNIT, Town


async def statements(station: Station) -> int:
    """How many statements one run of the chore takes."""
    seen: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    engine = station.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        assert await service.issue_due_cards(station) == 0
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return len(seen)


@pytest.mark.parametrize("many", [1, 6])
async def test_late_cases_whose_cards_are_out_cost_one_query(town: Town, many: int) -> None:
    """One statement, no lock; and the cards that are due still come: yellow first, red once it is over."""
    for number in range(many):
        case = await town.noted(f"路灯不亮 {number}")
        await service.accept_case(town.station, CLERK, case.id)
        await service.assign_case(town.station, CLERK, case.id, UNIT.scope)
    assert await service.issue_due_cards(town.station) == 0
    soon = town.after(days=12)
    assert await service.issue_due_cards(soon) == many
    assert await statements(soon) <= 2
    late = town.after(days=20)
    assert await service.issue_due_cards(late) == many
    assert await statements(late) <= 2
    async with town.station.database.read() as connection:
        by_clock = select(case_cards).where(case_cards.c.by_clock.is_(True))
        cards = [
            to_card(row)
            for row in await connection.execute(by_clock.order_by(case_cards.c.issued_at.desc(), case_cards.c.id))
        ]
    assert sorted(card.colour for card in cards) == [Colour.RED] * many + [Colour.YELLOW] * many
    assert await statements(town.at(late.clock.now() + timedelta(days=40))) <= 2
