"""Yellow and red cards: by the clock, once each; by hand with a reason; withdrawn with a reason."""

from __future__ import annotations

from datetime import date
from functools import partial

from station.base.calendar import china
from station.base.clock import local
from station.base.database import Transaction
from station.base.errors import N_, BadInput, Phrase
from station.base.i18n import format_day
from station.base.ids import new_id
from station.base.one_by_one import do_each
from station.base.principal import SYSTEM, Principal
from station.base.station import Station
from station.base.working_days import ONE_DAY, end_of_day, last_day_within
from station.cases import cards_store, store
from station.cases.law.deadlines import card_due, days_left, recount
from station.cases.model import (
    CARD_NAMES,
    CLOCK_REASONS,
    OPEN,
    CardAlreadyWithdrawn,
    CaseState,
    CaseStep,
    Colour,
    StepNotPossible,
    check_reason,
)
from station.cases.queries import c, card_row, cases_where, cases_without_cards, count_due_after, in_states, read_case
from station.cases.records import Case
from station.cases.steps.contacts import Contacts, find_contacts, tell_citizen, tell_staff
from station.cases.steps.transitions import (
    apply_transition,
    begin_transition,
    note_in_ledger,
    rule_of,
)
from station.notices import kinds


async def issue_due_cards(station: Station) -> int:
    """Issue every card that the clock asks for; returns how many. Calling it again issues none a second time.

    When nothing is due it is one query that finds nothing, however many cases there are and have their cards.
    """
    now, yellow_days = station.clock.now(), rule_of(station, "yellow").amount
    today = local(now).date()
    yellow_until = end_of_day(last_day_within(today, yellow_days, china()))
    async with station.database.read() as connection:
        found = await cases_without_cards(connection, now, today, yellow_days, yellow_until)

    async def issue(case: Case) -> bool:
        return await _issue_by_clock(station, case.id)

    return await do_each(found, issue)


def _colour_now(station: Station, case: Case) -> Colour | None:
    if case.due is None or case.unit_id is None:
        return None
    now = station.clock.now()
    today = local(now).date()
    left = days_left(case.due, today, china())
    return card_due(today, case.due, left, rule_of(station, "yellow").amount, now)


def card_key(case: Case, colour: Colour) -> str:
    """What makes the clock's card the only one of its colour for a due day; `cases_without_cards` composes it too."""
    return f"{case.id}:{case.round}:{case.due.day.isoformat() if case.due else ''}:{colour}"


async def _issue_by_clock(station: Station, case_id: str) -> bool:
    contacts = await find_contacts(station, await read_case(station, case_id))
    async with station.database.transaction() as work:
        case = await store.lock_case(work, case_id)
        colour = _colour_now(station, case) if case.state is CaseState.ASSIGNED else None
        if colour is None or case.due is None:
            return False
        key = card_key(case, colour)
        if await store.has_card(work, key):
            return False
        if colour is Colour.YELLOW and await cards_store.has_red_card(work, case.id):
            return False  # by hand, and nothing milder comes after it
        words = CLOCK_REASONS[colour] % {"until": format_day(case.due.day, "zh")}
        await _issue(station, work, SYSTEM, case, colour, key, words, contacts)
    return True


async def issue_card(station: Station, who: Principal, case_id: str, colour: Colour, reason: str) -> Case:
    """A card by hand, with a reason. Raises BadInput without one, or for a yellow card after the round's red one."""
    words = check_reason(reason, N_("请写理由"))
    contacts = await find_contacts(station, await read_case(station, case_id))
    async with station.database.transaction() as work:
        case = (await begin_transition(station, work, who, case_id, CaseStep.ISSUE_CARD)).case
        if colour is Colour.YELLOW and await cards_store.has_red_card(work, case_id):
            raise BadInput(fields={"colour": N_("这件事已经有红牌，不用再发黄牌")})
        key = f"{case.id}:{case.round}:{new_id('key')}"
        await _issue(station, work, who, case, colour, key, words, contacts)
    return await read_case(station, case_id)


async def withdraw_card(station: Station, who: Principal, card_id: str, reason: str) -> Case:
    """Take a card back; it stays on record with the reason. Raises NotFound, CardAlreadyWithdrawn."""
    words = check_reason(reason, N_("请写理由"))
    async with station.database.read() as connection:
        card = await card_row(connection, card_id)
    contacts = await find_contacts(station, await read_case(station, card.case_id), card.unit_id)
    async with station.database.transaction() as work:
        case = (await begin_transition(station, work, who, card.case_id, CaseStep.WITHDRAW_CARD)).case
        if not await store.withdraw_card(work, card_id, station.clock.now(), words):
            raise CardAlreadyWithdrawn
        await note_in_ledger(station, work, who, case, "case.card_withdrawn", _facts(card_id, card.colour), words)
        await tell_staff(station, work, contacts.unit, case, kinds.STAFF_CARD_WITHDRAWN)
    return await read_case(station, card.case_id)


async def _issue(
    station: Station,
    work: Transaction,
    who: Principal,
    case: Case,
    colour: Colour,
    key: str,
    reason: str,
    contacts: Contacts,
) -> None:
    if case.unit_id is None:
        raise StepNotPossible
    card_id = new_id("cd")
    await store.add(
        work,
        store.case_cards,
        id=card_id,
        key=key,
        case_id=case.id,
        unit_id=case.unit_id,
        unit_name=case.unit_name,
        colour=colour,
        by_clock=who is SYSTEM,
        reason=reason,
        issued_at=station.clock.now(),
        withdrawn_at=None,
        withdrawn_reason="",
    )
    await note_in_ledger(station, work, who, case, "case.card_issued", _facts(card_id, colour), reason)
    said = Phrase(CLOCK_REASONS[colour], until=case.due.day) if who is SYSTEM and case.due else reason
    name = Phrase(CARD_NAMES[colour])
    await tell_staff(station, work, contacts.unit, case, kinds.STAFF_CARD, colour=name, reason=said)


def _facts(card_id: str, colour: str) -> dict[str, str]:
    return {"card": card_id, "colour": str(colour)}


async def recount_provisional(station: Station) -> int:
    """Count provisional due days again, for when a new year's notice is known; tells all who wait. Idempotent."""
    async with station.database.read() as connection:
        waiting = await cases_where(connection, c.due_provisional.is_(True), in_states(OPEN), newest=False)
    return await do_each(waiting, partial(_recount, station))


async def recount_since(station: Station, since: date) -> int:
    """Count every due day from `since` on again: the notice that it was counted by has changed. Idempotent."""
    begins = end_of_day(since - ONE_DAY)
    async with station.database.read() as connection:
        waiting = await cases_where(connection, c.due_at > begins, in_states(OPEN), newest=False)
    return await do_each(waiting, partial(_recount, station))


async def count_due_since(station: Station, since: date) -> int:
    """How many open cases are due on a day or later: those that `recount_since` looks at."""
    async with station.database.read() as connection:
        return await count_due_after(connection, end_of_day(since - ONE_DAY))


async def _recount(station: Station, found: Case) -> bool:
    if found.due is None or recount(found.due, china()) == found.due:
        return False
    contacts = await find_contacts(station, found)
    async with station.database.transaction() as work:
        case = await store.lock_case(work, found.id)
        if case.due is None or (due := recount(case.due, china())) == case.due:
            return False
        await apply_transition(station, work, SYSTEM, case, case.state, due, "case.due_recounted")
        until = due.day
        await tell_citizen(station, work, contacts, case, kinds.CASE_RECOUNTED, until=until)
        await tell_staff(station, work, contacts.unit + contacts.desk, case, kinds.STAFF_RECOUNTED, until=until)
    return True
