"""The demo's cases."""

from __future__ import annotations

from sqlalchemy import select

from station.base.station import Station
from station.cases import service
from station.cases.model import CaseState, Colour
from station.cases.queries import cases_where, to_card
from station.cases.store import case_cards
from station.demo.cases import seed_cases
from station.demo.directory import seed_directory
from station.ledger.service import timeline
from station.ledger.verify import verify_chain
from tests.cases.conftest import UNIT
from tests.fixtures import seed


async def test_the_demo_shows_each_state_and_is_made_once(station: Station) -> None:
    """A newcomer sees cases noted, accepted, with units, replied and concluded, cards too; twice changes nothing."""
    await seed(station, seed_directory, seed_cases)
    async with station.database.read() as connection:
        first = await cases_where(connection)
        cards = [to_card(row) for row in await connection.execute(select(case_cards))]
    assert {case.state for case in first} >= {
        CaseState.NOTED, CaseState.ACCEPTED, CaseState.ASSIGNED, CaseState.REPLIED, CaseState.CONCLUDED,
    }  # fmt: skip
    assert {card.colour for card in cards} == {Colour.YELLOW, Colour.RED}
    assert await service.due_cases(station, UNIT, 6)
    await seed_cases(station)
    async with station.database.read() as connection:
        assert len(await cases_where(connection)) == len(first)
        assert len((await connection.execute(select(case_cards))).all()) == len(cards)
    assert (await verify_chain(station.database)).ok


async def test_a_timeline_of_the_demo_goes_forward(station: Station) -> None:
    """Its clock is set back for each step, and no step is told after a later one."""
    await seed(station, seed_directory, seed_cases)
    async with station.database.read() as connection:
        cases = await cases_where(connection)
    told = [[event.at for event in await timeline(station, f"case:{case.id}")] for case in cases]
    assert max(len(times) for times in told) >= 7
    assert [times for times in told if times != sorted(times)] == []
