"""A case that one unit has given back and another one has: what was the first one's is not held against the second."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import date, timedelta

from sqlalchemy import update

from station.base.principal import Principal, Role
from station.cases import service
from station.cases.model import Colour, Grade
from station.cases.reads.overview import unit_desk
from station.cases.records import OpenCase
from station.cases.store import cases as case_rows
from station.notices.service import list_newest
from station.people.store import accounts
from tests.cases.conftest import CITIZEN, CLERK, DEPUTY, STRANGER, SUPERVISOR, UNIT, Town
from tests.fixtures import MONDAY_TEN, Person

NewPerson = Callable[..., Awaitable[Person]]
DAY = timedelta(days=1)
STREET = Principal("ac_street", Role.UNIT, "周明", "un_demo_guihua")


async def handed_on(town: Town, colour: Colour = Colour.RED) -> str:
    """A case that the housing bureau was given a card for and returned, and that the street office has now."""
    case = await town.assigned()
    await service.issue_card(town.station, SUPERVISOR, case.id, colour, "推诿")
    await service.return_case(town.station, UNIT, case.id, "该归桂花街道")
    await service.assign_case(town.station, CLERK, case.id, STREET.scope)
    return case.id


async def test_a_card_stands_against_the_unit_that_was_given_it(town: Town) -> None:
    """The next unit starts without cards on every page; the first one keeps its card on record."""
    case = await handed_on(town)
    for reader in (CITIZEN, STRANGER, STREET, SUPERVISOR):
        view = await service.case_view(town.station, reader, case)
        assert view.standing_cards == ()
        assert [card.unit_id for card in view.cards] == [UNIT.scope]
    [line] = (await unit_desk(town.station, STREET)).mine.items
    assert line.cards == ()


async def test_the_next_unit_is_warned_all_the_same(town: Town) -> None:
    """By the clock and by hand, with the same words too; what it was given stands."""
    case = await handed_on(town)
    assert await service.issue_due_cards(town.after(days=10)) == 1
    await service.issue_card(town.station, SUPERVISOR, case, Colour.YELLOW, "催办")
    await service.issue_card(town.station, SUPERVISOR, case, Colour.RED, "推诿")
    view = await service.case_view(town.station, CITIZEN, case)
    assert {card.unit_id for card in view.standing_cards} == {STREET.scope}
    assert sorted(card.colour for card in view.standing_cards) == [Colour.RED, Colour.YELLOW, Colour.YELLOW]


async def test_a_case_that_comes_back_to_its_unit_has_its_card_again(town: Town) -> None:
    """Returned twice and given back to the first unit: its red card stands as before."""
    case = await handed_on(town)
    await service.return_case(town.station, STREET, case, "该归住建局")
    await service.assign_case(town.station, CLERK, case, UNIT.scope)
    assert [card.colour for card in (await service.case_view(town.station, UNIT, case)).standing_cards] == [Colour.RED]


async def test_a_card_of_the_first_answer_is_not_one_of_the_second(town: Town) -> None:
    """Sent back by the citizen's rating, the same unit begins anew."""
    case = await town.assigned()
    await service.issue_card(town.station, SUPERVISOR, case.id, Colour.RED, "慢")
    await service.reply_case(town.station, UNIT, case.id, "换好了", "solved")
    assert len((await service.case_view(town.station, CITIZEN, case.id)).standing_cards) == 1
    await service.rate_case(town.station, CITIZEN, case.id, Grade.BAD, "还是不亮")
    assert (await service.case_view(town.station, CITIZEN, case.id)).standing_cards == ()


async def texts(town: Town, account: str) -> list[str]:
    """What an account has been told, the newest first; a citizen's by SMS."""
    return [notice.text for notice in await list_newest(town.station) if account in (notice.account, notice.address)]


async def test_the_citizen_hears_that_the_promised_day_is_void(town: Town) -> None:
    """Told by whom and until when they were to be answered, they are told too that the unit returned it."""
    case = await town.assigned()
    await service.return_case(town.station, UNIT, case.id, "该归桂花街道")
    newest = (await texts(town, CITIZEN.account))[0]
    assert case.number in newest and "退回" in newest and "10月19日" in newest


async def test_the_desk_hears_what_was_added(town: Town) -> None:
    """By the citizen before any unit has it and after it has; by the deputy; by a helping unit the leading one too."""
    case = await town.noted()
    await service.add_note(town.station, CITIZEN, case.id, "又坏了一盏")
    assert "群众补充了情况" in (await texts(town, CLERK.account))[0]
    await service.accept_case(town.station, CLERK, case.id)
    await service.assign_case(town.station, CLERK, case.id, UNIT.scope, (STREET.scope,))
    await service.add_note(town.station, DEPUTY, case.id, "我去看过")
    assert "代表补充了情况" in (await texts(town, CLERK.account))[0]
    assert "补充了情况" in (await texts(town, UNIT.account))[0]
    before = len(await texts(town, UNIT.account))
    await service.add_note(town.station, STREET, case.id, "协办意见：同意")
    assert len(await texts(town, UNIT.account)) == before + 1
    assert len([text for text in await texts(town, CLERK.account) if "补充" in text]) == 2


async def test_the_unit_that_returned_a_case_is_not_chosen_again_by_itself(town: Town, new_person: NewPerson) -> None:
    """Though the deputy proposed it, the clerk chooses anew, and sees which unit has returned it."""
    request = OpenCase("路灯不亮", "", DEPUTY.scope, CITIZEN.account, unit_id=UNIT.scope)
    case = (await service.open_case(town.station, DEPUTY, request)).id
    await service.accept_case(town.station, CLERK, case)
    clerk = await new_person(CLERK.account)
    chosen = re.compile(rf'value="{UNIT.scope}"\s+selected')
    assert chosen.search(await clerk.get(f"/desk/cases/{case}"))
    await service.assign_case(town.station, CLERK, case, UNIT.scope)
    await service.return_case(town.station, UNIT, case, "不归我们")
    page = await clerk.get(f"/desk/cases/{case}")
    assert not chosen.search(page) and "代表提议的单位已经选好" not in page and "（退回过）" in page


async def test_who_is_shown_the_way_to_the_recording(town: Town, new_person: NewPerson) -> None:
    """Those whom it opens for: not the units; and none is promised where nothing was being recorded."""
    cases = []
    for second in (65.0, None):
        request = OpenCase(f"{second} 的事", "", DEPUTY.scope, CITIZEN.account, None, "mt_x", second)
        cases.append((await service.open_case(town.station, DEPUTY, request)).id)
        await service.accept_case(town.station, CLERK, cases[-1])
        await service.assign_case(town.station, CLERK, cases[-1], UNIT.scope)
    for account, path in ((CITIZEN.account, "/cases"), (CLERK.account, "/desk/cases")):
        person = await new_person(account)
        assert "看录像 1:05 处" in await person.get(f"{path}/{cases[0]}")
        unrecorded = await person.get(f"{path}/{cases[1]}")
        assert "看录像" not in unrecorded and "看见面的记录" in unrecorded
    unit = await new_person(UNIT.account)
    for case in cases:
        for path in ("/unit/cases", "/cases"):
            assert "/replay/" not in await unit.get(f"{path}/{case}")


async def test_a_citizen_who_has_not_rated_is_not_called_late(town: Town, new_person: NewPerson) -> None:
    """After the time to rate: no overdue days, no promise of a red card, and the truth about what may still be done."""
    case = await town.replied()
    citizen, guest = await new_person(CITIZEN.account), await new_person()
    assert "还有 15 个工作日" in await citizen.get(f"/cases/{case.id}")
    async with town.station.database.transaction() as work:
        await work.execute(
            update(case_rows)
            .where(case_rows.c.id == case.id)
            .values(due_day=date(2026, 10, 9), due_at=MONDAY_TEN - DAY)
        )
    page = await citizen.get(f"/cases/{case.id}")
    assert "联络站办结以前还可以打" in page and "超期" not in page and "自动发红牌" not in page
    assert "等联络站办结" in await guest.get(f"/cases/{case.id}")
    form = await citizen.get(f"/cases/{case.id}/rate")
    assert "还可以打" in form and "不算进满意率" not in form


async def test_red_cards_are_promised_while_a_unit_has_the_case(town: Town, new_person: NewPerson) -> None:
    """No card is ever issued for the station's own days, so none is promised before a unit has it."""
    case = await town.noted()
    citizen = await new_person(CITIZEN.account)
    assert "自动发红牌" not in await citizen.get(f"/cases/{case.id}")
    await service.accept_case(town.station, CLERK, case.id)
    await service.assign_case(town.station, CLERK, case.id, UNIT.scope)
    assert "自动发红牌" in await citizen.get(f"/cases/{case.id}")


async def test_helping_units_hear_that_they_are_asked(town: Town) -> None:
    """A co-unit is told of the case, who leads and until when."""
    async with town.station.database.transaction() as work:
        await work.execute(update(accounts).where(accounts.c.id == UNIT.account).values(scope="un_demo_guihua"))
    await town.assigned(co_units=("un_demo_guihua",))
    newest = (await texts(town, UNIT.account))[0]
    assert "请你们协办：区住房和城乡建设局主办" in newest and "10月26日" in newest
