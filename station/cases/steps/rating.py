"""The asker's word on a reply: a grade once a round; a bad one sends the case back by itself."""

from __future__ import annotations

from station.base.database import Transaction
from station.base.errors import N_, BadInput
from station.base.idempotency import claim_key
from station.base.principal import SYSTEM, Principal
from station.base.station import Station
from station.cases import store
from station.cases.law.policy import policy_of
from station.cases.model import AlreadyRated, CaseState, CaseStep, Grade, check_reason, next_state
from station.cases.queries import read_case
from station.cases.records import Case
from station.cases.steps.contacts import Contacts, find_contacts, tell_citizen, tell_staff
from station.cases.steps.transitions import (
    Seen,
    apply_transition,
    begin_transition,
    check_scope,
    check_seen,
    due_from_today,
    rule_of,
)
from station.notices import kinds

REMARK_LENGTH = 1000


async def rate_case(
    station: Station, who: Principal, case_id: str, grade: Grade, remark: str = "", seen: Seen | None = None
) -> Case:
    """Grade the reply of this round; a bad grade needs a remark and asks for a redo while the pack allows one.

    Raises AlreadyRated, NotAllowed for anyone but the asker, BadInput for a bad grade without a word, and
    StepNotPossible when the reply that was `seen` is not the newest.
    """
    policy = policy_of(station)
    bad = grade < policy.conclude_grade
    words = remark.strip()
    if bad and not words:
        raise BadInput(fields={"remark": N_("请写一句哪里没办好，单位照着重办")})
    if len(words) > REMARK_LENGTH:
        raise BadInput(fields={"remark": N_("太长了，请缩短一些")})
    contacts = await find_contacts(station, await read_case(station, case_id))
    async with station.database.transaction() as work:
        await _refuse_second(station, work, who, case_id)
        taken = await begin_transition(station, work, who, case_id, CaseStep.RATE)
        case = taken.case
        check_seen(case, seen)
        await store.add(
            work,
            store.case_ratings,
            case_id=case.id,
            round=case.round,
            grade=int(grade),
            remark=words,
            at=station.clock.now(),
        )
        due = due_from_today(station, rule_of(station, "conclude"))
        data = {"grade": int(grade), "round": case.round}
        await apply_transition(station, work, who, case, taken.to, due, "case.rated", data)
        if bad and case.round <= policy.rules["redos"].amount:
            to = next_state(taken.to, CaseStep.REDO, SYSTEM.role)
            await _send_back(station, work, SYSTEM, case, to, contacts, N_("群众打分不满意"))
        else:
            await tell_staff(station, work, contacts.desk, case, kinds.STAFF_RATED)
    return await read_case(station, case_id)


async def redo_case(station: Station, who: Principal, case_id: str, reason: str) -> Case:
    """重办 by the clerk's word, when the redos that happen by themselves are used up."""
    words = check_reason(reason, N_("请写重办的理由"))
    contacts = await find_contacts(station, await read_case(station, case_id))
    async with station.database.transaction() as work:
        taken = await begin_transition(station, work, who, case_id, CaseStep.REDO)
        await _send_back(station, work, who, taken.case, taken.to, contacts, words)
    return await read_case(station, case_id)


async def _send_back(
    station: Station, work: Transaction, who: Principal, case: Case, to: CaseState, contacts: Contacts, reason: str
) -> None:
    due = due_from_today(station, rule_of(station, "redo"))
    await apply_transition(
        station,
        work,
        who,
        case,
        to,
        due,
        "case.redone",
        {"round": case.round + 1},
        reason,
        round=case.round + 1,
        assigned_on=due.start,
        extensions=0,
    )
    await tell_citizen(station, work, contacts, case, kinds.CASE_REDONE, unit=case.unit_name, until=due.day)
    await tell_staff(station, work, contacts.unit, case, kinds.STAFF_REDONE, until=due.day)


async def _refuse_second(station: Station, work: Transaction, who: Principal, case_id: str) -> None:
    """A second rating, from another tab, gets a clear answer rather than "moved on"."""
    await claim_key(work, station.clock.now())
    case = await store.lock_case(work, case_id)
    await check_scope(work, who, case, CaseStep.RATE)
    if await store.is_rated(work, case.id, case.round):
        raise AlreadyRated
