"""What every step on a case shares: lock it, check who and whether, change it, put it into the ledger."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from station.base.calendar import china
from station.base.clock import local
from station.base.database import Transaction
from station.base.errors import NotAllowed
from station.base.idempotency import claim_key
from station.base.principal import Principal, Role
from station.base.station import Station
from station.cases import store
from station.cases.law.deadlines import due_by
from station.cases.law.policy import Rule, policy_of
from station.cases.model import CaseState, CaseStep, StepNotPossible, next_state
from station.cases.privacy import mask_personal
from station.cases.records import Case, Due
from station.directory.service import serves
from station.ledger.service import append


@dataclass(frozen=True, slots=True)
class Seen:
    """What of a case its form was made of: a page may lie open for long, and asks for what is about what it shows."""

    round: int
    is_answered: bool
    is_published: bool

    @classmethod
    def of_form(cls, text: str) -> Seen | None:
        """From the form's hidden field; None where it has none."""
        found = re.fullmatch(r"([0-9]{1,4})(a?)(p?)", text)
        return cls(int(found[1]), bool(found[2]), bool(found[3])) if found else None


def check_seen(case: Case, seen: Seen | None, *, publicity: bool = False) -> None:
    """Whether the round is the one that was seen, and with `publicity` what of it there is to be public.

    Raises StepNotPossible.
    """
    if seen is None:
        return
    shown, now = (seen.is_answered, seen.is_published), (case.is_answered, case.published)
    if seen.round != case.round or (publicity and shown != now):
        raise StepNotPossible


@dataclass(frozen=True, slots=True)
class Transition:
    """A locked case, and the state its step leads to."""

    case: Case
    to: CaseState


async def begin_transition(
    station: Station, work: Transaction, who: Principal, case_id: str, step: CaseStep
) -> Transition:
    """Lock the case and check that `who` may take `step` on it now, unless they have by this very form.

    Raises NotFound, NotAllowed, StepNotPossible, AlreadyDone.
    """
    await claim_key(work, station.clock.now())
    return await lock_transition(work, who, case_id, step)


async def lock_transition(work: Transaction, who: Principal, case_id: str, step: CaseStep) -> Transition:
    """`begin_transition` for what may be sent from a page of before: it has no key, and twice it changes nothing."""
    case = await store.lock_case(work, case_id)
    await check_scope(work, who, case, step)
    return Transition(case, next_state(case.state, step, who.role))


async def check_scope(work: Transaction, who: Principal, case: Case, step: CaseStep) -> None:
    """Whether the case is theirs: the role alone is not enough. Raises NotAllowed."""
    if who.role is Role.UNIT:
        allowed = who.scope == case.unit_id
        if not allowed and step is CaseStep.ADD_NOTE:
            allowed = who.scope in await store.co_unit_ids(work, case.id)
    elif who.role is Role.CITIZEN:
        allowed = who.account == case.citizen
    elif who.role is Role.DEPUTY:
        allowed = who.scope == case.deputy_id and (step is not CaseStep.RATE or case.citizen is None)
    elif who.role is Role.CLERK:
        allowed = await serves(work, who.scope, case.station_id)
    else:
        allowed = who.role in (Role.SUPERVISOR, Role.ADMIN, Role.SYSTEM)
    if not allowed:
        raise NotAllowed


def rule_of(station: Station, name: str) -> Rule:
    """A rule of the region's pack."""
    return policy_of(station).rules[name]


def due_from_today(station: Station, rule: Rule) -> Due:
    """The due day of a rule whose clock starts today."""
    return due_by(rule, local(station.clock.now()).date(), china())


async def apply_transition(
    station: Station,
    work: Transaction,
    who: Principal,
    case: Case,
    to: CaseState,
    due: Due | None,
    action: str,
    data: dict[str, Any] | None = None,
    reason: str = "",
    **values: Any,
) -> None:
    """Put a case into its next state with its next due day, and the step into the ledger."""
    now = station.clock.now()
    await store.change_case(work, case.id, state=to, changed_at=now, **store.due_columns(due), **values)
    facts = {**(data or {}), **({"due": due.day.isoformat()} if due is not None else {})}
    await note_in_ledger(station, work, who, case, action, facts, reason)


async def note_in_ledger(
    station: Station,
    work: Transaction,
    who: Principal,
    case: Case,
    action: str,
    data: dict[str, Any],
    reason: str = "",
) -> None:
    """One event on the case. Reasons are people's own words: they are masked for who reads them, and the ledger keeps
    them beside its chain, which holds a hash only."""
    clean = mask_personal(reason, case.citizen_name)
    await append(station, work, who, action, f"case:{case.id}", data, clean)
