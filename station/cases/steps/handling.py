"""The unit's side: reply, return, ask for more time; and what all parties may add."""

from __future__ import annotations

from station.base.calendar import china
from station.base.clock import local
from station.base.errors import N_, BadInput, Conflict
from station.base.ids import new_id
from station.base.principal import Principal, Role
from station.base.station import Station
from station.base.working_days import working_days_between
from station.cases import store
from station.cases.law.deadlines import days_left, prolong
from station.cases.law.policy import policy_of
from station.cases.model import (
    CaseStep,
    ExtensionOver,
    NoExtensionLeft,
    ReturnTooLate,
    StepNotPossible,
    TooLateToExtend,
    check_optional_reason,
    check_reason,
    check_text,
)
from station.cases.queries import read_case
from station.cases.records import Case
from station.cases.steps.contacts import find_contacts, tell_citizen, tell_staff
from station.cases.steps.transitions import (
    apply_transition,
    begin_transition,
    due_from_today,
    note_in_ledger,
    rule_of,
)
from station.notices import kinds

NOTES = 10  # by one person to one case in ten minutes


async def reply_case(station: Station, who: Principal, case_id: str, text: str, outcome: str) -> Case:
    """答复: one a round.

    Raises BadInput for an empty text or an outcome that the pack does not know.
    """
    fields: dict[str, str] = {}
    words = check_text(fields, "text", text, N_("请写答复的内容"))
    if outcome not in policy_of(station).outcomes:
        fields["outcome"] = N_("请选办理结果")
    if fields:
        raise BadInput(fields=fields)
    contacts = await find_contacts(station, await read_case(station, case_id))
    now = station.clock.now()
    async with station.database.transaction() as work:
        taken = await begin_transition(station, work, who, case_id, CaseStep.REPLY)
        case = taken.case
        due = case.due
        if due is None:
            raise StepNotPossible
        left = days_left(due, local(now).date(), china())
        reply_id, late = new_id("rp"), now >= due.at
        soon = not late and left < rule_of(station, "yellow").amount
        await store.add(
            work,
            store.case_replies,
            id=reply_id,
            case_id=case.id,
            round=case.round,
            unit_id=case.unit_id,
            unit_name=case.unit_name,
            author_name=who.name,
            outcome=outcome,
            text=words,
            at=now,
            due_on=due.day,
            late=late,
            soon=soon,
        )
        data = {"reply": reply_id, "round": case.round, "outcome": outcome, "late": late}
        until = due_from_today(station, rule_of(station, "rate"))
        await apply_transition(station, work, who, case, taken.to, until, "case.replied", data, public_reply="")
        await store.refuse_open_requests(work, case.id)
        unit = case.unit_name
        await tell_citizen(station, work, contacts, case, kinds.CASE_REPLIED, unit=unit, until=until.day)
        await tell_staff(station, work, contacts.desk, case, kinds.STAFF_REPLIED, unit=unit)
    return await read_case(station, case_id)


async def return_case(station: Station, who: Principal, case_id: str, reason: str) -> Case:
    """退回: not ours, within the days that the pack gives; and never passed on. Raises ReturnTooLate."""
    words = check_reason(reason, N_("请写退回的理由，最好写明该归谁办"))
    contacts = await find_contacts(station, await read_case(station, case_id))
    rule, today = rule_of(station, "return"), local(station.clock.now()).date()
    async with station.database.transaction() as work:
        taken = await begin_transition(station, work, who, case_id, CaseStep.RETURN)
        case = taken.case
        if case.assigned_on and working_days_between(case.assigned_on, today, china()) > rule.amount:
            raise ReturnTooLate(days=rule.amount)
        due = due_from_today(station, rule_of(station, "assign"))
        data = {"unit": case.unit_id, "unit_name": case.unit_name}
        await apply_transition(
            station, work, who, case, taken.to, due, "case.returned", data, words, unit_id=None, unit_name=""
        )
        await store.refuse_open_requests(work, case.id)
        await tell_citizen(station, work, contacts, case, kinds.CASE_RETURNED, unit=case.unit_name, until=due.day)
        await tell_staff(station, work, contacts.desk, case, kinds.STAFF_RETURNED, unit=case.unit_name)
    return await read_case(station, case_id)


async def ask_extension(station: Station, who: Principal, case_id: str, reason: str) -> Case:
    """申请延期, before the due day and as often as the pack says. Raises TooLateToExtend, NoExtensionLeft, Conflict."""
    words = check_reason(reason, N_("请写延期的理由"))
    contacts = await find_contacts(station, await read_case(station, case_id))
    async with station.database.transaction() as work:
        case = (await begin_transition(station, work, who, case_id, CaseStep.ASK_EXTENSION)).case
        if case.due is None or station.clock.now() >= case.due.at:
            raise TooLateToExtend
        if case.extensions >= rule_of(station, "extensions").amount:
            raise NoExtensionLeft
        if await store.open_request(work, case.id) is not None:
            raise Conflict(N_("已经申请过了，正在等批"))
        request_id = new_id("ex")
        await store.add(
            work,
            store.case_extensions,
            id=request_id,
            case_id=case.id,
            reason=words,
            asked_at=station.clock.now(),
            granted=None,
        )
        await note_in_ledger(station, work, who, case, "case.extension_asked", {"extension": request_id}, words)
        await tell_staff(station, work, contacts.desk, case, kinds.STAFF_ASKS_EXTENSION, unit=case.unit_name)
    return await read_case(station, case_id)


async def decide_extension(station: Station, who: Principal, case_id: str, grant: bool, reason: str = "") -> Case:
    """Grant or refuse the extension asked for; granted, the due day moves and the citizen is told until when."""
    words = check_optional_reason(reason)
    contacts = await find_contacts(station, await read_case(station, case_id))
    step = CaseStep.GRANT_EXTENSION if grant else CaseStep.REFUSE_EXTENSION
    async with station.database.transaction() as work:
        taken = await begin_transition(station, work, who, case_id, step)
        case, request_id = taken.case, await store.open_request(work, case_id)
        if request_id is None or case.due is None:
            raise StepNotPossible
        await store.decide_request(work, request_id, grant)
        if not grant:
            await note_in_ledger(station, work, who, case, "case.extension_refused", {}, words)
            await tell_staff(station, work, contacts.unit, case, kinds.STAFF_NOT_PROLONGED)
        else:
            due = prolong(case.due, rule_of(station, "extension"), china())
            if station.clock.now() >= due.at:  # decided so late that it would promise a day that is over
                raise ExtensionOver
            await apply_transition(
                station,
                work,
                who,
                case,
                taken.to,
                due,
                "case.extension_granted",
                {},
                words,
                extensions=case.extensions + 1,
            )
            unit, until = case.unit_name, due.day
            await tell_citizen(station, work, contacts, case, kinds.CASE_PROLONGED, unit=unit, until=until)
            await tell_staff(station, work, contacts.unit, case, kinds.STAFF_PROLONGED, until=until)
    return await read_case(station, case_id)


async def add_note(station: Station, who: Principal, case_id: str, text: str) -> Case:
    """补充情况 by any party. The words stay in the database; the ledger only knows that something was added."""
    words = check_reason(text, N_("请写要补充的情况"), 2000)
    await station.bus.limit(f"note:{case_id}:{who.account}", NOTES, 600)  # each is a notice to somebody
    contacts = await find_contacts(station, await read_case(station, case_id))
    async with station.database.transaction() as work:
        case = (await begin_transition(station, work, who, case_id, CaseStep.ADD_NOTE)).case
        note_id = new_id("no")
        await store.add(
            work,
            store.case_notes,
            id=note_id,
            case_id=case.id,
            author=who.account,
            author_name=who.name,
            role=who.role,
            text=words,
            at=station.clock.now(),
        )
        await store.change_case(work, case.id, changed_at=station.clock.now())
        await note_in_ledger(station, work, who, case, "case.note_added", {"note": note_id})
        if who.role is Role.UNIT:
            await tell_citizen(station, work, contacts, case, kinds.CASE_NOTED)
        if who.role is not Role.UNIT or who.scope != case.unit_id:
            await tell_staff(station, work, contacts.unit, case, kinds.STAFF_NOTED)
        if who.role is Role.CITIZEN:
            await tell_staff(station, work, contacts.desk, case, kinds.STAFF_NOTED_BY_CITIZEN)
        elif who.role is Role.DEPUTY:
            await tell_staff(station, work, contacts.desk, case, kinds.STAFF_NOTED_BY_DEPUTY)
    return await read_case(station, case_id)
