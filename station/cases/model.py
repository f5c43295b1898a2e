"""A case: its states and steps as one table, its grades, its number, and the sentences that say no."""

from __future__ import annotations

import re
from enum import IntEnum, StrEnum

from station.base.errors import N_, BadInput, Conflict
from station.base.principal import Role
from station.base.state_machine import StateMachine
from station.base.text import clean_text, fold
from station.base.traditional import simplify

TITLE_LENGTH = 60
REASON_LENGTH = 300
TEXT_LENGTH = 4000


class CaseState(StrEnum):
    """Where a case is."""

    NOTED = "noted"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    ASSIGNED = "assigned"
    RETURNED = "returned"
    REPLIED = "replied"
    RATED = "rated"
    CONCLUDED = "concluded"


class CaseStep(StrEnum):
    """What can be done to a case."""

    ACCEPT = "accept"
    DECLINE = "decline"
    ASSIGN = "assign"
    RETURN = "return"
    REPLY = "reply"
    ASK_EXTENSION = "ask-extension"
    GRANT_EXTENSION = "grant-extension"
    REFUSE_EXTENSION = "refuse-extension"
    RATE = "rate"
    REDO = "redo"
    CONCLUDE = "conclude"
    ADD_NOTE = "add-note"
    PUBLISH = "publish"
    RECALL = "recall"
    ISSUE_CARD = "issue-card"
    WITHDRAW_CARD = "withdraw-card"


class Colour(StrEnum):
    """黄牌 before the due day, 红牌 after it."""

    YELLOW = "yellow"
    RED = "red"


CARD_NAMES = {Colour.YELLOW: N_("黄牌"), Colour.RED: N_("红牌")}
CLOCK_REASONS = {Colour.YELLOW: N_("到期日 %(until)s，快到了"), Colour.RED: N_("到期日 %(until)s，已经过了")}


class Grade(IntEnum):
    """Five grades, as 好差评 has them."""

    VERY_BAD = 1
    BAD = 2
    FAIR = 3
    GOOD = 4
    VERY_GOOD = 5


GRADE_WORDS = {
    Grade.VERY_GOOD: N_("很满意"),
    Grade.GOOD: N_("满意"),
    Grade.FAIR: N_("一般"),
    Grade.BAD: N_("不满意"),
    Grade.VERY_BAD: N_("很不满意"),
}
STATE_WORDS = {
    CaseState.NOTED: N_("等受理"),
    CaseState.ACCEPTED: N_("等交办"),
    CaseState.DECLINED: N_("不予受理"),
    CaseState.ASSIGNED: N_("办理中"),
    CaseState.RETURNED: N_("单位退回，等重新交办"),
    CaseState.REPLIED: N_("等群众打分"),
    CaseState.RATED: N_("等办结"),
    CaseState.CONCLUDED: N_("已办结"),
}

CLOSED = frozenset({CaseState.DECLINED, CaseState.CONCLUDED})
OPEN = frozenset(CaseState) - CLOSED

_DESK = frozenset({Role.CLERK, Role.ADMIN})
_UNIT = frozenset({Role.UNIT})
_ASKER = frozenset({Role.CITIZEN, Role.DEPUTY})
_PARTIES = frozenset({Role.CITIZEN, Role.DEPUTY, Role.UNIT}) | _DESK
_OVERSIGHT = frozenset({Role.SUPERVISOR, Role.ADMIN, Role.SYSTEM})

TRANSITIONS: dict[tuple[CaseState, CaseStep], tuple[CaseState, frozenset[Role]]] = {
    (CaseState.NOTED, CaseStep.ACCEPT): (CaseState.ACCEPTED, _DESK),
    (CaseState.NOTED, CaseStep.DECLINE): (CaseState.DECLINED, _DESK),
    (CaseState.ACCEPTED, CaseStep.ASSIGN): (CaseState.ASSIGNED, _DESK),
    (CaseState.RETURNED, CaseStep.ASSIGN): (CaseState.ASSIGNED, _DESK),
    (CaseState.ASSIGNED, CaseStep.RETURN): (CaseState.RETURNED, _UNIT),
    (CaseState.ASSIGNED, CaseStep.REPLY): (CaseState.REPLIED, _UNIT),
    (CaseState.ASSIGNED, CaseStep.ASK_EXTENSION): (CaseState.ASSIGNED, _UNIT),
    (CaseState.ASSIGNED, CaseStep.GRANT_EXTENSION): (CaseState.ASSIGNED, _DESK),
    (CaseState.ASSIGNED, CaseStep.REFUSE_EXTENSION): (CaseState.ASSIGNED, _DESK),
    (CaseState.REPLIED, CaseStep.RATE): (CaseState.RATED, _ASKER),
    (CaseState.REPLIED, CaseStep.CONCLUDE): (CaseState.CONCLUDED, _DESK),
    (CaseState.RATED, CaseStep.REDO): (CaseState.ASSIGNED, _DESK | {Role.SYSTEM}),
    (CaseState.RATED, CaseStep.CONCLUDE): (CaseState.CONCLUDED, _DESK),
    (CaseState.ASSIGNED, CaseStep.ISSUE_CARD): (CaseState.ASSIGNED, _OVERSIGHT),
    **{(state, CaseStep.WITHDRAW_CARD): (state, _OVERSIGHT - {Role.SYSTEM}) for state in CaseState},
    **{(state, CaseStep.ADD_NOTE): (state, _PARTIES) for state in OPEN},
    **{(state, CaseStep.PUBLISH): (state, _DESK) for state in CaseState},
    **{(state, CaseStep.RECALL): (state, _DESK) for state in CaseState},
}


class StepNotPossible(Conflict):
    code = "case-state"
    message = N_("这件事已经走到别的一步了，请看最新的进展再决定")


_MACHINE = StateMachine(TRANSITIONS, refuse=lambda _: StepNotPossible())


class AlreadyRated(Conflict):
    code = "already-rated"
    message = N_("这次答复您已经打过分了")


class RatingStillOpen(Conflict):
    code = "rating-open"
    message = N_("群众还可以打分，过了打分期限才能直接办结")


class ReturnTooLate(Conflict):
    code = "return-too-late"
    message = N_("交办后 %(days)s 个工作日内才能退回，现在请接着办，办不了请申请延期")


class NoExtensionLeft(Conflict):
    code = "no-extension-left"
    message = N_("延期的次数用完了")


class TooLateToExtend(Conflict):
    code = "too-late-to-extend"
    message = N_("延期要在到期前申请，这件事已经到期了")


class ExtensionOver(Conflict):
    code = "extension-over"
    message = N_("延期从原来的到期日算起，现在同意也已经过期了。请点“不同意延期”，让单位马上答复")


class CardAlreadyWithdrawn(Conflict):
    code = "card-withdrawn"
    message = N_("这张牌已经收回了")


def next_state(state: CaseState, step: CaseStep, role: Role) -> CaseState:
    """Where `step` leads from `state`. Raises StepNotPossible, or NotAllowed for the wrong role."""
    return _MACHINE.next_state(state, step, role)


def possible_steps(state: CaseState, role: Role) -> frozenset[CaseStep]:
    """What a role may do to a case in that state (scope is checked elsewhere)."""
    return _MACHINE.possible_steps(state, role)


def compose_number(prefix: str, year: int, serial: int) -> str:
    """`清和〔2026〕0417 号`: built like the number of an official document, four digits so that lists line up."""
    return f"{prefix}〔{year}〕{serial:04} 号"


_FULL_NUMBER = re.compile(
    r"(?:\w{0,20}\s?[〔\[({【]\s?(20\d{2})\s?[〕\])}】]|(20\d{2})\s?[\-‐-―−/ ])\s?(?:第\s?)?0*(\d{1,6})\s?号?"
)
_BARE_NUMBER = re.compile(r"(?:第\s?)?0*(\d{1,6})\s?号?")


def parse_number(text: str) -> tuple[int | None, int] | None:
    """Year and serial from `清和〔2026〕0417 号`, `2026-0417` or `417`; None unless the whole text is a number."""
    folded = fold(text)
    full = _FULL_NUMBER.fullmatch(folded)
    if full:
        return int(full[1] or full[2]), int(full[3])
    bare = _BARE_NUMBER.fullmatch(folded)
    return (None, int(bare[1])) if bare else None


def fold_title(title: str) -> str:
    """A title as searches compare it: in one spelling, simplified, in small letters, without blanks."""
    return simplify(fold(title)).lower().replace(" ", "")


def search_words(typed: str) -> tuple[str, ...]:
    """The words of a search, each as titles are compared; a title must hold all of them."""
    return tuple(simplify(fold(typed)).lower().split())


def title_words(folded: str) -> set[str]:
    """What a folded title is found by: each two signs beside each other, and the last one alone."""
    return {folded[n : n + 2] for n in range(len(folded))}


def pairs_of(word: str) -> tuple[str, ...]:
    """What a word of a search must have in common with a title's words: its pairs of signs; of one sign, that one."""
    return tuple(dict.fromkeys(word[n : n + 2] for n in range(len(word) - 1))) or (word,)


def check_text(fields: dict[str, str], name: str, raw: str, missing: str, longest: int = TEXT_LENGTH) -> str:
    """The trimmed text; notes a missing or overlong one in `fields`."""
    text = clean_text(raw)
    if not text:
        fields[name] = missing
    elif len(text) > longest:
        fields[name] = N_("太长了，请缩短一些")
    return text


def check_optional(fields: dict[str, str], name: str, raw: str, longest: int = TEXT_LENGTH) -> str:
    """The trimmed text, which may be empty; notes an overlong one in `fields`: words cut off would be lost unseen."""
    return check_text(fields, name, raw, "", longest) if clean_text(raw) else ""


def check_optional_reason(raw: str, name: str = "reason") -> str:
    """The trimmed text that a step may go without. Raises BadInput when it is overlong."""
    fields: dict[str, str] = {}
    words = check_optional(fields, name, raw, REASON_LENGTH)
    if fields:
        raise BadInput(fields=fields)
    return words


def check_reason(raw: str, missing: str, longest: int = REASON_LENGTH) -> str:
    """The trimmed text that a step needs. Raises BadInput when it is missing or overlong."""
    fields: dict[str, str] = {}
    words = check_text(fields, "reason", raw, missing, longest)
    if fields:
        raise BadInput(fields=fields)
    return words


def check_grade(raw: str) -> Grade:
    """A grade from a form. Raises BadInput."""
    by_sign = {str(grade.value): grade for grade in Grade}
    grade = by_sign.get(raw)
    if grade is None:
        raise BadInput(fields={"grade": N_("请选一个分数")})
    return grade
