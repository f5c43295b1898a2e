"""Cases through the services, on a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import select

from station.app import close_station
from station.base.errors import BadInput, Conflict, NotAllowed, NotFound, TooManyRequests
from station.base.principal import GUEST, SYSTEM, Principal, Role
from station.base.station import Station
from station.cases import service
from station.cases.model import (
    AlreadyRated,
    CaseState,
    CaseStep,
    Colour,
    ExtensionOver,
    Grade,
    NoExtensionLeft,
    RatingStillOpen,
    ReturnTooLate,
    StepNotPossible,
    TooLateToExtend,
)
from station.cases.records import OpenCase
from station.demo.directory import seed_directory
from station.demo.logins import DEMO_ACCOUNTS
from station.directory.edit_service import set_unit_retired
from station.directory.service import list_units
from station.ledger.service import timeline
from station.ledger.store import ledger_events
from station.ledger.verify import verify_chain
from station.notices.service import list_newest, my_notices
from station.people.service import ensure_citizen
from tests.cases.conftest import CITIZEN, CLERK, DEPUTY, OTHER_DEPUTY, STRANGER, SUPERVISOR, UNIT, Town
from tests.databases import NewDatabase
from tests.fixtures import open_bare_station, seeding


async def add_citizens(station: Station) -> None:
    async with station.database.transaction() as work:
        for account in DEMO_ACCOUNTS:
            if account.phone:
                await ensure_citizen(station, work, account.phone, account.name, account.id)


DIRECTORY_AND_CITIZENS = seeding(seed_directory, add_citizens)


@pytest_asyncio.fixture
async def town(new_database: NewDatabase, tmp_path: Path) -> AsyncIterator[Town]:
    """The demo's directory and its two citizens, on SQLite and on PostgreSQL."""
    station = open_bare_station(await asyncio.to_thread(new_database, DIRECTORY_AND_CITIZENS), tmp_path)
    yield Town(station)
    await close_station(station)


async def actions_of(town: Town, case_id: str) -> list[str]:
    """What the ledger knows of a case."""
    return [event.action for event in await timeline(town.station, f"case:{case_id}")]


async def test_the_whole_way(town: Town) -> None:
    """Noted, accepted, assigned, replied, rated, concluded: each step is one event, and the chain holds."""
    case = await town.replied()
    await service.rate_case(town.station, CITIZEN, case.id, Grade.GOOD)
    done = await service.conclude_case(town.station, CLERK, case.id)
    assert done.state is CaseState.CONCLUDED and done.due is None
    assert await actions_of(town, case.id) == [
        "case.noted", "case.accepted", "case.assigned", "case.replied", "case.rated", "case.concluded",
    ]  # fmt: skip
    assert (await verify_chain(town.station.database)).ok


async def test_a_case_has_its_number_at_once(town: Town) -> None:
    """Numbers of a year count up from 1 without gaps."""
    first, second = await town.noted("第一件"), await town.noted("第二件")
    assert (first.number, second.number) == ("清和〔2026〕0001 号", "清和〔2026〕0002 号")


async def test_numbers_are_gapless_when_many_are_opened_at_once(town: Town) -> None:
    """Twelve cases at the same moment get twelve numbers in a row; one that fails takes none."""
    opened = [town.noted(f"同时第 {n} 件") for n in range(12)]
    failed = service.open_case(town.station, DEPUTY, OpenCase("x", "x", "dp_unknown", None))
    results = await asyncio.gather(*opened, failed, return_exceptions=True)
    assert isinstance(results[-1], NotAllowed | NotFound)
    serials = sorted(r.serial for r in results[:-1] if not isinstance(r, BaseException))
    assert serials == list(range(1, 13))


async def test_a_double_click_makes_one_case(town: Town) -> None:
    """The same matter sent twice is one case."""
    assert (await town.noted()).id == (await town.noted()).id


async def test_only_the_named_deputy_notes_a_matter(town: Town) -> None:
    """Neither another deputy nor a citizen opens a case."""
    request = OpenCase("路灯", "路灯不亮", DEPUTY.scope, CITIZEN.account)
    for who in (OTHER_DEPUTY, CITIZEN, UNIT):
        with pytest.raises(NotAllowed):
            await service.open_case(town.station, who, request)


@pytest.mark.parametrize("title", ["", "   ", "长" * 61])
def test_a_title_is_needed_and_short(title: str) -> None:
    """No title or one that is too long is a fault of that field."""
    from station.cases.model import TITLE_LENGTH, check_text

    fields: dict[str, str] = {}
    check_text(fields, "title", title, "缺", TITLE_LENGTH)
    assert "title" in fields


async def test_assigning_sets_the_due_day(town: Town) -> None:
    """Ten working days from Monday 12 October end on Monday 26 October; three for an urgent one."""
    case = await town.assigned()
    assert case.due is not None and case.due.day == date(2026, 10, 26)
    other = await town.noted("水管爆了")
    await service.accept_case(town.station, CLERK, other.id)
    urgent = await service.assign_case(town.station, CLERK, other.id, UNIT.scope, category="urgent")
    assert urgent.due is not None and urgent.due.day == date(2026, 10, 15)


async def test_a_far_due_day_is_provisional(town: Town) -> None:
    """Sixty working days cross into a year without notice: the due day says so."""
    assert (case := await town.assigned(days=60)).due is not None
    assert case.due.provisional and case.due.day.year == 2027


@pytest.mark.parametrize(
    ("options", "field"), [({"days": 0}, "days"), ({"days": 61}, "days"), ({"category": "x"}, "category")]
)
async def test_wrong_assignments(town: Town, options: dict[str, object], field: str) -> None:
    """Days and category are checked before anything changes."""
    with pytest.raises(BadInput) as fault:
        await town.assigned(**options)
    assert field in fault.value.fields


async def test_an_unknown_unit(town: Town) -> None:
    """A unit that is not there gets nothing."""
    case = await town.noted()
    await service.accept_case(town.station, CLERK, case.id)
    with pytest.raises(NotFound):
        await service.assign_case(town.station, CLERK, case.id, "un_nowhere")


async def test_a_retired_unit(town: Town) -> None:
    """It is given nothing new, neither to lead nor to help with."""
    case = await town.noted()
    await service.accept_case(town.station, CLERK, case.id)
    unit, *_, other = [known.id for known in await list_units(town.station)]
    await set_unit_retired(town.station, SYSTEM, unit, True, 1)
    for lead, helpers in ((unit, ()), (other, (unit,))):
        with pytest.raises(BadInput) as fault:
            await service.assign_case(town.station, CLERK, case.id, lead, helpers)
        assert set(fault.value.fields) == {"unit"}
    assert (await service.read_case(town.station, case.id)).state is CaseState.ACCEPTED


async def test_a_step_out_of_turn(town: Town) -> None:
    """Nothing is assigned before it is accepted, nothing accepted twice; the ledger stays as it was."""
    case = await town.noted()
    with pytest.raises(StepNotPossible):
        await service.assign_case(town.station, CLERK, case.id, UNIT.scope)
    await service.accept_case(town.station, CLERK, case.id)
    with pytest.raises(StepNotPossible):
        await service.accept_case(town.station, CLERK, case.id)
    assert await actions_of(town, case.id) == ["case.noted", "case.accepted"]


async def test_two_clerks_at_once(town: Town) -> None:
    """Two who accept at the same moment: one does, the other is told."""
    case = await town.noted()
    both = [service.accept_case(town.station, CLERK, case.id) for _ in range(2)]
    results = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(r).__name__ for r in results) == ["Case", "StepNotPossible"]


async def test_another_unit_cannot_reply(town: Town) -> None:
    """The role alone is not enough: only the unit concerned replies."""
    case = await town.assigned()
    with pytest.raises(NotAllowed):
        await service.reply_case(
            town.station, Principal("x", Role.UNIT, "别人", "un_other"), case.id, "办好了", "solved"
        )


async def test_declining_says_where_to_go(town: Town) -> None:
    """A declined case has a reason of the pack, and the citizen is told where to go."""
    case = await town.noted()
    with pytest.raises(BadInput):
        await service.decline_case(town.station, CLERK, case.id, "because")
    declined = await service.decline_case(town.station, CLERK, case.id, "court")
    assert declined.state is CaseState.DECLINED
    sms = [n.text for n in await list_newest(town.station) if n.channel == "sms"]
    assert any("12368" in text and case.number in text for text in sms)


async def test_a_unit_returns_in_time_only(town: Town) -> None:
    """Within five working days a unit sends back what is not its own; afterwards it goes on."""
    case = await town.assigned()
    with pytest.raises(ReturnTooLate):
        await service.return_case(town.after(days=8), UNIT, case.id, "不归我们")
    returned = await service.return_case(town.after(days=7), UNIT, case.id, "该归城管局")
    assert (returned.state, returned.unit_id) == (CaseState.RETURNED, None)
    again = await service.assign_case(town.station, CLERK, case.id, UNIT.scope)
    assert again.state is CaseState.ASSIGNED and again.round == 1


async def test_an_extension_moves_the_due_day_once(town: Town) -> None:
    """Asked before the due day and granted, ten more working days; not a second time, not after the due day."""
    case = await town.assigned()
    with pytest.raises(TooLateToExtend):
        await service.ask_extension(town.after(days=20), UNIT, case.id, "来不及")
    await service.ask_extension(town.station, UNIT, case.id, "要等检测报告")
    with pytest.raises(Conflict):
        await service.ask_extension(town.station, UNIT, case.id, "再问一次")
    longer = await service.decide_extension(town.station, CLERK, case.id, True)
    assert longer.due is not None and longer.due.day == date(2026, 11, 9)
    with pytest.raises(NoExtensionLeft):
        await service.ask_extension(town.station, UNIT, case.id, "还要")


async def test_a_refused_extension_changes_nothing(town: Town) -> None:
    """Refused, the old day stands; there is nothing to decide twice."""
    case = await town.assigned()
    await service.ask_extension(town.station, UNIT, case.id, "来不及")
    same = await service.decide_extension(town.station, CLERK, case.id, False, "理由不足")
    assert same.due == case.due
    with pytest.raises(StepNotPossible):
        await service.decide_extension(town.station, CLERK, case.id, True)


async def test_only_the_asker_rates_and_once(town: Town) -> None:
    """A stranger and the deputy may not rate, the citizen may, once."""
    case = await town.replied()
    for who in (STRANGER, DEPUTY):
        with pytest.raises(NotAllowed):
            await service.rate_case(town.station, who, case.id, Grade.GOOD)
    await service.rate_case(town.station, CITIZEN, case.id, Grade.GOOD)
    with pytest.raises(AlreadyRated):
        await service.rate_case(town.station, CITIZEN, case.id, Grade.VERY_BAD, "后悔了")


async def test_the_deputy_rates_where_there_is_no_citizen(town: Town) -> None:
    """A matter of the deputy's own is rated by the deputy."""
    case = await town.noted(citizen=None)
    await service.accept_case(town.station, CLERK, case.id)
    await service.assign_case(town.station, CLERK, case.id, UNIT.scope)
    await service.reply_case(town.station, UNIT, case.id, "办好了", "solved")
    assert (await service.rate_case(town.station, DEPUTY, case.id, Grade.GOOD)).state is CaseState.RATED


async def test_a_bad_grade_sends_it_back(town: Town) -> None:
    """A bad grade needs a word, and brings a second round due in a month; the second bad one waits for the clerk."""
    case = await town.replied()
    with pytest.raises(BadInput) as fault:
        await service.rate_case(town.station, CITIZEN, case.id, Grade.BAD)
    assert "remark" in fault.value.fields
    again = await service.rate_case(town.station, CITIZEN, case.id, Grade.BAD, "第二盏还是不亮")
    assert (again.state, again.round) == (CaseState.ASSIGNED, 2)
    assert again.due is not None and again.due.day == date(2026, 11, 12)
    await service.reply_case(town.station, UNIT, case.id, "又换了一次", "solved")
    waits = await service.rate_case(town.station, CITIZEN, case.id, Grade.BAD, "还是不亮")
    assert (waits.state, waits.round) == (CaseState.RATED, 2)
    third = await service.redo_case(town.station, CLERK, case.id, "督查室要求")
    assert (third.state, third.round) == (CaseState.ASSIGNED, 3)


async def test_concluding_waits_for_the_rating(town: Town) -> None:
    """Without a rating a case is concluded only after the time to rate."""
    case = await town.replied()
    with pytest.raises(RatingStillOpen):
        await service.conclude_case(town.station, CLERK, case.id)
    assert (await service.conclude_case(town.after(days=40), CLERK, case.id)).state is CaseState.CONCLUDED


async def test_a_stranger_reads_nothing_personal(town: Town) -> None:
    """Before the review number, state and unit; after it masked words; never name, phone or recording."""
    case = await town.replied()
    for who in (GUEST, STRANGER, OTHER_DEPUTY, Principal("x", Role.UNIT, "别人", "un_other")):
        view = await service.case_view(town.station, who, case.id)
        assert not view.party and not view.may and view.case.title == "" and view.case.unit_name
        for secret in ("赵玉梅", "13800001234", "何晓雯", "许志远", "路灯", "88001234"):
            assert secret not in repr(view), secret
    await service.publish_case(
        town.station, CLERK, case.id, "赵玉梅反映路灯不亮 13800001234", "换好了，问 010-88001234"
    )
    view = await service.case_view(town.station, GUEST, case.id)
    assert view.case.title == "赵某反映路灯不亮 〔电话〕" and "88001234" not in repr(view)
    await service.recall_case(town.station, CLERK, case.id, "内容有误")
    assert (await service.case_view(town.station, GUEST, case.id)).case.title == ""


async def test_parties_read_all(town: Town) -> None:
    """Asker, deputy, unit, clerk and supervisor see title, reply and who did what."""
    case = await town.replied()
    for who in (CITIZEN, DEPUTY, UNIT, CLERK, SUPERVISOR):
        view = await service.case_view(town.station, who, case.id)
        assert view.party and view.case.title == "柳荫路晚上路灯不亮"
        assert view.reply is not None and "灯已换好" in view.steps[-1].text
    assert CaseStep.RATE in (await service.case_view(town.station, CITIZEN, case.id)).may
    assert CaseStep.RATE not in (await service.case_view(town.station, DEPUTY, case.id)).may


async def test_a_new_reply_is_reviewed_again(town: Town) -> None:
    """What was published of the first reply is not shown as the second one."""
    case = await town.replied()
    await service.publish_case(town.station, CLERK, case.id, "路灯不亮", "换好了")
    await service.rate_case(town.station, CITIZEN, case.id, Grade.BAD, "没有")
    await service.reply_case(town.station, UNIT, case.id, "又换了", "solved")
    view = await service.case_view(town.station, GUEST, case.id)
    assert (view.case.title, view.case.public_reply) == ("路灯不亮", "")


async def test_the_ledger_holds_no_words_of_people(town: Town) -> None:
    """Neither the matter nor replies nor notes get into the chain, and reasons only without personal data."""
    case = await town.assigned()
    await service.add_note(town.station, CITIZEN, case.id, "我住 301 室，电话 13800001234")
    await service.return_case(town.station, UNIT, case.id, "请打 13800001234 找赵玉梅")
    for event in await timeline(town.station, f"case:{case.id}"):
        assert "13800001234" not in repr((event.data, event.reason)) and "301" not in repr(event.data)
    assert "13800001234" in (await service.case_view(town.station, CLERK, case.id)).notes[0].text


async def test_notes_without_end_are_refused(town: Town) -> None:
    """Each note is a notice to somebody: ten in ten minutes by one person to one case, and others still add theirs."""
    case = await town.assigned()
    with pytest.raises(TooManyRequests):
        for number in range(11):
            await service.add_note(town.station, CITIZEN, case.id, f"第 {number} 次补充")
    await service.add_note(town.station, UNIT, case.id, "已去看过")
    assert len((await service.case_view(town.station, CLERK, case.id)).notes) == 11


@pytest.mark.parametrize("blank", ["\u200b", "\u3164 ", "\ufeff\u200d", "\u2800\n"])
async def test_a_blank_note_is_empty(town: Town, blank: str) -> None:
    """Signs that nobody can see are no words."""
    case = await town.assigned()
    with pytest.raises(BadInput):
        await service.add_note(town.station, CITIZEN, case.id, blank)


async def test_a_co_unit_adds_but_does_not_reply(town: Town) -> None:
    """The co-unit reads all and adds its opinion; the lead replies."""
    from station.directory.service import list_units

    co = next(u.id for u in await list_units(town.station) if u.id != UNIT.scope)
    case = await town.assigned(co_units=(co,))
    helper = Principal("ac_x", Role.UNIT, "协办人", co)
    await service.add_note(town.station, helper, case.id, "协办意见：同意")
    with pytest.raises(NotAllowed):
        await service.reply_case(town.station, helper, case.id, "办好了", "solved")
    assert (await service.case_view(town.station, helper, case.id)).may == {CaseStep.ADD_NOTE}


async def test_no_extension_is_granted_into_the_past(town: Town) -> None:
    """Asked for in time and decided when it would be over too: refused, and nobody is told a past day."""
    case = await town.assigned()
    await service.ask_extension(town.station, UNIT, case.id, "要等配件")
    before = len(await list_newest(town.station))
    much_later = town.after(days=60)
    with pytest.raises(ExtensionOver):
        await service.decide_extension(much_later, CLERK, case.id, True)
    assert len(await list_newest(town.station)) == before
    await service.decide_extension(much_later, CLERK, case.id, False)


async def test_cards_by_the_clock(town: Town) -> None:
    """Yellow two working days before the due day, red after it, each once however often the clock asks."""
    case = await town.assigned()
    assert await service.issue_due_cards(town.station) == 0
    friday_before = town.after(days=10)  # 22 October: two working days left
    assert await service.issue_due_cards(friday_before) == 1
    assert await service.issue_due_cards(friday_before) == 0
    on_the_day = town.after(days=14)
    assert await service.issue_due_cards(on_the_day) == 0
    assert await service.issue_due_cards(town.after(days=15)) == 1
    view = await service.case_view(town.station, SUPERVISOR, case.id)
    assert [card.colour for card in view.cards] == [Colour.RED, Colour.YELLOW]


async def test_nothing_milder_comes_after_a_red_card(town: Town) -> None:
    """Neither by the clock nor by hand, while the red one stands; withdrawn, it holds none back."""
    case = await town.assigned()
    await service.issue_card(town.station, SUPERVISOR, case.id, Colour.RED, "敷衍")
    two_days_left = town.after(days=10)
    assert await service.issue_due_cards(two_days_left) == 0
    with pytest.raises(BadInput):
        await service.issue_card(town.station, SUPERVISOR, case.id, Colour.YELLOW, "慢")
    card = (await service.case_view(town.station, SUPERVISOR, case.id)).cards[0]
    await service.withdraw_card(town.station, SUPERVISOR, card.id, "发错了")
    assert await service.issue_due_cards(two_days_left) == 1


async def test_two_clocks_issue_one_card(town: Town) -> None:
    """Two work roles that look at the same time issue one card."""
    await town.assigned()
    late = town.after(days=20)
    assert sum(await asyncio.gather(service.issue_due_cards(late), service.issue_due_cards(late))) == 1


async def test_cards_by_hand(town: Town) -> None:
    """A supervisor issues and withdraws with a reason; the clerk may do neither; nothing is withdrawn twice."""
    case = await town.assigned()
    with pytest.raises(NotAllowed):
        await service.issue_card(town.station, CLERK, case.id, Colour.RED, "慢")
    with pytest.raises(BadInput):
        await service.issue_card(town.station, SUPERVISOR, case.id, Colour.RED, " ")
    await service.issue_card(town.station, SUPERVISOR, case.id, Colour.RED, "敷衍答复")
    card = (await service.case_view(town.station, SUPERVISOR, case.id)).cards[0]
    await service.withdraw_card(town.station, SUPERVISOR, card.id, "查明不是单位的责任")
    with pytest.raises(Conflict):
        await service.withdraw_card(town.station, SUPERVISOR, card.id, "再来一次")
    with pytest.raises(NotFound):
        await service.withdraw_card(town.station, SUPERVISOR, "cd_nothing", "没有")


async def test_the_public_list_is_searched_by_number_and_published_words(town: Town) -> None:
    """A number finds its case; unpublished words find nothing."""
    case = await town.noted("柳荫路路灯不亮")
    await town.noted("别的事")
    assert (await service.list_public(town.station)).total == 2
    assert [line.number for line in (await service.list_public(town.station, "2026-0001")).lines] == [case.number]
    assert (await service.list_public(town.station, "路灯")).total == 0
    await service.publish_case(town.station, CLERK, case.id, "柳荫路路灯不亮", "")
    assert (await service.list_public(town.station, "路灯")).total == 1
    assert (await service.list_public(town.station, "%")).total == 0


async def test_lists_of_ones_own(town: Town) -> None:
    """A citizen's list starts with what waits for a rating; a unit's with what is due first."""
    replied = await town.replied()
    newer = await town.noted("后来的事")
    assert [line.id for line in await service.my_cases(town.station, CITIZEN)] == [replied.id, newer.id]
    assert await service.my_cases(town.station, STRANGER) == []
    assert await service.due_cases(town.station, UNIT, 6) == []


async def test_cases_of_a_meeting_come_in_the_order_of_the_recording(town: Town) -> None:
    """What was noted at second 10 stands before what was noted at second 90."""
    for second in (90.0, 10.0):
        request = OpenCase(f"第 {second} 秒", "", DEPUTY.scope, CITIZEN.account, None, "mt_x", second)
        await service.open_case(town.station, DEPUTY, request)
    found = await service.cases_of_meeting(town.station, "mt_x")
    assert [case.recorded_at_s for case in found] == [10.0, 90.0]


async def test_a_provisional_day_is_counted_again(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the notice of the next year is known, provisional days are counted again and all are told."""
    from datetime import timedelta

    from station.base.calendar import ChineseCalendar
    from station.base.working_days import DayKind
    from station.cases.steps import cards

    case = await town.assigned(days=60)
    assert await service.recount_provisional(town.station) == 0

    class WithNotice(ChineseCalendar):
        """As if the notice for 2027 had moved one more day."""

        published_until = date(2027, 12, 31)

        def kind(self, day: date) -> DayKind:
            if day == date(2027, 1, 4):
                return DayKind.HOLIDAY
            return (
                ChineseCalendar(2026).kind(day)
                if day.year == 2027
                else DayKind.WORK
                if day.weekday() < 5
                else super().kind(day)
            )

    monkeypatch.setattr(cards, "china", WithNotice)
    assert await service.recount_provisional(town.station) == 1
    changed = await service.read_case(town.station, case.id)
    assert changed.due is not None and not changed.due.provisional
    assert changed.due.day - case.due.day >= timedelta(days=1)  # type: ignore[union-attr]
    assert (await actions_of(town, case.id))[-1] == "case.due_recounted"


async def test_a_units_own_words_are_not_in_the_chain(town: Town) -> None:
    """A reason typed by a unit is read where it belongs, and no row of the ledger that stays for ever holds it."""
    case = await town.assigned()
    await service.return_case(town.station, UNIT, case.id, "该归城管局，问老陈")
    assert (await timeline(town.station, f"case:{case.id}"))[-1].reason == "该归城管局，问老陈"
    async with town.station.database.read() as connection:
        rows = (await connection.execute(select(ledger_events))).all()
    assert not [row for row in rows if "城管局，问" in str(row) or "老陈" in str(row)]


async def test_a_citizen_finds_what_came_by_sms_on_their_own_page(town: Town) -> None:
    """What the SMS says stands among the citizen's notices too, and leads to the case."""
    case = await town.assigned()
    found, _ = await my_notices(town.station, CITIZEN)
    assert [notice.subject for notice in found] == [f"case:{case.id}"] * len(found)
    words = [notice.words(str, "zh") for notice in found]
    assert any("最迟" in sentence for sentence in words)
    assert not any(sentence.startswith("【") for sentence in words)
