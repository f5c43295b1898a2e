"""The station's side: note a matter, accept or decline it, hand it to a unit, publish it, conclude it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

from station.base.clock import local
from station.base.database import Transaction
from station.base.errors import N_, BadInput, NotAllowed, Phrase
from station.base.idempotency import AlreadyDone, claim_key, keep_made
from station.base.ids import new_id
from station.base.principal import Principal, Role
from station.base.station import Station
from station.cases import store, words_store
from station.cases.law.policy import Rule, policy_of
from station.cases.model import (
    TITLE_LENGTH,
    CaseState,
    CaseStep,
    RatingStillOpen,
    check_optional,
    check_optional_reason,
    check_reason,
    check_text,
    compose_number,
    fold_title,
)
from station.cases.privacy import mask_personal
from station.cases.queries import read_case
from station.cases.records import Case, OpenCase
from station.cases.steps.contacts import find_contacts, tell_citizen, tell_staff
from station.cases.steps.transitions import (
    Seen,
    apply_transition,
    begin_transition,
    check_seen,
    due_from_today,
    lock_transition,
    note_in_ledger,
    rule_of,
)
from station.directory.service import Deputy, get_deputy, get_unit, is_in_charge
from station.notices import kinds
from station.people.service import accounts_with, get_account

OnOpened = Callable[[Transaction, Case], Awaitable[None]]
SAME_MATTER = timedelta(minutes=2)
MAX_DAYS = 60


async def open_case(station: Station, who: Principal, request: OpenCase, on_opened: OnOpened | None = None) -> Case:
    """Make a case of a matter: it has its number at once. The same matter sent twice becomes one case.

    `on_opened` runs in the same transaction when the case is new: the rest of the act stands or falls with it.
    Raises BadInput for a missing title, NotFound, and NotAllowed for a deputy other than the one named and for a clerk
    of another station.
    """
    if who.role not in (Role.DEPUTY, Role.CLERK, Role.ADMIN):
        raise NotAllowed
    if who.role is Role.CLERK and not await is_in_charge(station, who.scope, request.deputy_id):
        raise NotAllowed
    if who.role is Role.DEPUTY and who.scope != request.deputy_id:
        raise NotAllowed
    fields: dict[str, str] = {}
    title = check_text(fields, "title", request.title, N_("用一句话写下是什么事"), TITLE_LENGTH)
    description = check_optional(fields, "description", request.description) or title
    if fields:
        raise BadInput(fields=fields)
    deputy = await get_deputy(station, request.deputy_id)
    citizen_name = (await get_account(station, request.citizen)).name if request.citizen else ""
    unit = await get_unit(station, request.unit_id) if request.unit_id else None
    cleaned = replace(request, title=title, description=description, unit_id=unit.id if unit else None)
    try:
        return await _open(station, who, cleaned, deputy, citizen_name, on_opened)
    except AlreadyDone as done:
        return await read_case(station, done.made)


async def _open(
    station: Station, who: Principal, request: OpenCase, deputy: Deputy, citizen_name: str, on_opened: OnOpened | None
) -> Case:
    async with station.database.transaction() as work:
        await claim_key(work, station.clock.now())
        # The counter of numbers is locked before the look: of the same click sent four times at once, each waits
        # here for the one before and then finds its case (PostgreSQL's writers run side by side).
        await store.lock_serials(work, *_series(station))
        same = await store.find_duplicate(work, who.account, request, station.clock.now() - SAME_MATTER)
        if same is not None:
            await keep_made(work, same.id)
            return same
        case_id = await _insert(station, work, who, request, deputy.name, deputy.station_id, citizen_name)
        await keep_made(work, case_id)
        case = await store.lock_case(work, case_id)
        data = {"number": case.number, "deputy": deputy.id, "booking": case.booking_id, "meeting": case.meeting_id}
        await note_in_ledger(station, work, who, case, "case.noted", {**data, "recorded_at_s": case.recorded_at_s})
        if on_opened is not None:
            await on_opened(work, case)
    return case


def _series(station: Station) -> tuple[str, int]:
    """Prefix and year of the numbers given out now."""
    return policy_of(station).number_prefix, local(station.clock.now()).year


async def _insert(
    station: Station,
    work: Transaction,
    who: Principal,
    request: OpenCase,
    deputy_name: str,
    station_id: str,
    citizen_name: str,
) -> str:
    now = station.clock.now()
    prefix, year = _series(station)
    serial = await store.take_serial(work, prefix, year)
    case_id = new_id("cs")
    due = due_from_today(station, rule_of(station, "accept"))
    await store.add(
        work,
        store.cases,
        id=case_id,
        number=compose_number(prefix, year, serial),
        year=year,
        serial=serial,
        title=request.title,
        description=request.description,
        state=CaseState.NOTED,
        category="",
        deputy_id=request.deputy_id,
        deputy_name=deputy_name,
        station_id=station_id,
        citizen=request.citizen,
        citizen_name=citizen_name,
        booking_id=request.booking_id,
        meeting_id=request.meeting_id,
        recorded_at_s=request.recorded_at_s,
        suggested_unit=request.unit_id,
        unit_id=None,
        unit_name="",
        round=1,
        extensions=0,
        opened_by=who.account,
        opened_at=now,
        changed_at=now,
        assigned_on=None,
        published=False,
        public_title="",
        public_reply="",
        citizen_topic=request.citizen_topic,
        citizen_words=request.citizen_words,
        citizen_help=request.citizen_help,
        **store.due_columns(due),
    )
    return case_id


async def accept_case(station: Station, who: Principal, case_id: str) -> Case:
    """受理: the station takes the matter on; the citizen is told by SMS."""
    contacts = await find_contacts(station, await read_case(station, case_id))
    async with station.database.transaction() as work:
        taken = await begin_transition(station, work, who, case_id, CaseStep.ACCEPT)
        due = due_from_today(station, rule_of(station, "assign"))
        await apply_transition(station, work, who, taken.case, taken.to, due, "case.accepted")
        await tell_citizen(station, work, contacts, taken.case, kinds.CASE_ACCEPTED)
    return await read_case(station, case_id)


async def decline_case(station: Station, who: Principal, case_id: str, code: str, referral: str = "") -> Case:
    """不予受理, with a reason of the pack and where to go instead. Raises BadInput for an unknown reason."""
    reasons = policy_of(station).declines
    if code not in reasons:
        raise BadInput(fields={"code": N_("请选一个不予受理的理由")})
    reason = reasons[code]
    advice = check_optional_reason(referral, "referral") or reason.referral
    contacts = await find_contacts(station, await read_case(station, case_id))
    async with station.database.transaction() as work:
        taken = await begin_transition(station, work, who, case_id, CaseStep.DECLINE)
        words = f"{reason.text}。{advice}"
        await apply_transition(station, work, who, taken.case, taken.to, None, "case.declined", {"code": code}, words)
        why = Phrase(N_("%(reason)s。%(advice)s"), reason=Phrase(reason.text), advice=Phrase(advice))
        await tell_citizen(station, work, contacts, taken.case, kinds.CASE_DECLINED, reason=why)
    return await read_case(station, case_id)


async def assign_case(
    station: Station,
    who: Principal,
    case_id: str,
    unit_id: str,
    co_units: tuple[str, ...] = (),
    category: str = "general",
    days: int | None = None,
) -> Case:
    """交办 to a lead unit and co-units; the clock of the category starts today, or one of `days` working days.

    Raises NotFound for an unknown unit, BadInput for a retired one, an unknown category, or days out of 1 to 60.
    """
    rule = reply_rule(station, category, days)
    unit = await get_unit(station, unit_id)
    helpers = [await get_unit(station, u) for u in dict.fromkeys(co_units) if u != unit_id]
    if any(one.retired for one in (unit, *helpers)):
        raise BadInput(fields={"unit": N_("请选主办单位")})
    contacts = await find_contacts(station, await read_case(station, case_id), unit_id)
    beside = [account.id for helper in helpers for account in await accounts_with(station, Role.UNIT, helper.id)]
    async with station.database.transaction() as work:
        taken = await begin_transition(station, work, who, case_id, CaseStep.ASSIGN)
        due = due_from_today(station, rule)
        await store.replace_co_units(work, case_id, {helper.id: helper.name for helper in helpers})
        data = {"unit": unit.id, "unit_name": unit.name, "co_units": [h.name for h in helpers], "days": due.amount}
        await apply_transition(
            station,
            work,
            who,
            taken.case,
            taken.to,
            due,
            "case.assigned",
            data,
            unit_id=unit.id,
            unit_name=unit.name,
            category=category,
            assigned_on=due.start,
            extensions=0,
        )
        await tell_citizen(station, work, contacts, taken.case, kinds.CASE_ASSIGNED, unit=unit.name, until=due.day)
        await tell_staff(station, work, contacts.unit, taken.case, kinds.STAFF_ASSIGNED, until=due.day)
        await tell_staff(station, work, tuple(beside), taken.case, kinds.STAFF_HELPS, unit=unit.name, until=due.day)
    return await read_case(station, case_id)


def reply_rule(station: Station, category: str, days: int | None) -> Rule:
    """The rule that a category's replies follow, or one of `days` working days. Raises BadInput."""
    kinds = policy_of(station).categories
    if category not in kinds:
        raise BadInput(fields={"category": N_("请选事项的种类")})
    rule = kinds[category].reply
    if days is None:
        return rule
    if not 1 <= days <= MAX_DAYS:
        raise BadInput(fields={"days": N_("工作日要在 1 到 60 之间")})
    return replace(rule, amount=days, unit="wd")


async def conclude_case(station: Station, who: Principal, case_id: str, seen: Seen | None = None) -> Case:
    """办结. Without a rating only when the time to rate is over. Raises RatingStillOpen."""
    contacts = await find_contacts(station, await read_case(station, case_id))
    async with station.database.transaction() as work:
        taken = await begin_transition(station, work, who, case_id, CaseStep.CONCLUDE)
        case = taken.case
        check_seen(case, seen)
        if case.state is CaseState.REPLIED and case.due is not None and station.clock.now() < case.due.at:
            raise RatingStillOpen
        await apply_transition(
            station, work, who, case, taken.to, None, "case.concluded", {"rated": case.state is CaseState.RATED}
        )
        await tell_citizen(station, work, contacts, case, kinds.CASE_CONCLUDED)
        await tell_staff(station, work, contacts.unit, case, kinds.STAFF_CONCLUDED)
    return await read_case(station, case_id)


async def publish_case(
    station: Station, who: Principal, case_id: str, title: str, reply: str, seen: Seen | None = None
) -> Case:
    """审核发布: from now on anyone may read this title and this reply. Personal data is taken out once more.

    Raises StepNotPossible when the case was answered again, published or recalled since it was `seen`.
    """
    async with station.database.transaction() as work:
        case = (await begin_transition(station, work, who, case_id, CaseStep.PUBLISH)).case
        names = (case.citizen_name,)
        fields: dict[str, str] = {}
        shown = check_text(fields, "title", mask_personal(title, *names), N_("请写公开的标题"), 2 * TITLE_LENGTH)
        words = mask_personal(check_optional(fields, "reply", reply), *names)
        if fields:
            raise BadInput(fields=fields)
        check_seen(case, seen, publicity=True)
        folded = fold_title(shown)
        await store.change_case(
            work, case_id, published=True, public_title=shown, public_reply=words, search_text=folded
        )
        await words_store.show_title(work, case, folded)
        await note_in_ledger(station, work, who, case, "case.published", {"reply": bool(words)})
    return await read_case(station, case_id)


async def recall_case(station: Station, who: Principal, case_id: str, reason: str) -> Case:
    """撤回: strangers see number, state and dates only, as before the review. What is not public stays as it is."""
    words = check_reason(reason, N_("请写撤回的理由"))
    async with station.database.transaction() as work:
        case = (await lock_transition(work, who, case_id, CaseStep.RECALL)).case
        if not case.published:
            return case
        await store.change_case(work, case_id, published=False)
        await words_store.hide_title(work, case_id)
        await note_in_ledger(station, work, who, case, "case.recalled", {}, words)
    return await read_case(station, case_id)
