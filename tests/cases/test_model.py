"""The state machine, pair by pair, and the small rules beside it."""

from __future__ import annotations

import itertools

import pytest

from station.base.errors import BadInput, NotAllowed
from station.base.principal import Role
from station.cases.model import (
    CLOSED,
    TRANSITIONS,
    CaseState,
    CaseStep,
    Grade,
    StepNotPossible,
    check_grade,
    compose_number,
    next_state,
    parse_number,
    possible_steps,
)

PATH = [
    (CaseState.NOTED, CaseStep.ACCEPT, Role.CLERK, CaseState.ACCEPTED),
    (CaseState.NOTED, CaseStep.DECLINE, Role.CLERK, CaseState.DECLINED),
    (CaseState.ACCEPTED, CaseStep.ASSIGN, Role.CLERK, CaseState.ASSIGNED),
    (CaseState.ASSIGNED, CaseStep.RETURN, Role.UNIT, CaseState.RETURNED),
    (CaseState.RETURNED, CaseStep.ASSIGN, Role.CLERK, CaseState.ASSIGNED),
    (CaseState.ASSIGNED, CaseStep.REPLY, Role.UNIT, CaseState.REPLIED),
    (CaseState.REPLIED, CaseStep.RATE, Role.CITIZEN, CaseState.RATED),
    (CaseState.RATED, CaseStep.REDO, Role.SYSTEM, CaseState.ASSIGNED),
    (CaseState.RATED, CaseStep.CONCLUDE, Role.CLERK, CaseState.CONCLUDED),
]


def test_every_pair_of_state_and_step() -> None:
    """Each pair either leads where the table says for exactly its roles, or is refused for everyone."""
    for state, step, role in itertools.product(CaseState, CaseStep, Role):
        if (state, step) not in TRANSITIONS:
            with pytest.raises(StepNotPossible):
                next_state(state, step, role)
        elif role in TRANSITIONS[state, step][1]:
            assert next_state(state, step, role) is TRANSITIONS[state, step][0]
        else:
            with pytest.raises(NotAllowed):
                next_state(state, step, role)


@pytest.mark.parametrize(("state", "step", "role", "to"), PATH)
def test_the_path_of_a_case(state: CaseState, step: CaseStep, role: Role, to: CaseState) -> None:
    """The steps of the law lead where the law says."""
    assert next_state(state, step, role) is to


def test_closed_cases_do_not_move() -> None:
    """From a closed state no step leads anywhere else."""
    for (state, _), (to, _) in TRANSITIONS.items():
        if state in CLOSED:
            assert to is state


def test_every_state_can_be_reached_and_left() -> None:
    """No state is a dead end but the closed ones, and all can be reached from the first."""
    reached = {CaseState.NOTED} | {to for (_, _), (to, _) in TRANSITIONS.items()}
    assert reached == set(CaseState)
    for state in set(CaseState) - CLOSED:
        assert any(at is state and to is not state for (at, _), (to, _) in TRANSITIONS.items())


def test_a_deputy_handles_nothing() -> None:
    """Deputies do not handle matters themselves: they add, and rate where there is no citizen (代表法)."""
    steps = set().union(*(possible_steps(state, Role.DEPUTY) for state in CaseState))
    assert steps == {CaseStep.RATE, CaseStep.ADD_NOTE}


def test_a_supervisor_edits_nothing_but_cards() -> None:
    """Sees all, edits nothing."""
    steps = set().union(*(possible_steps(state, Role.SUPERVISOR) for state in CaseState))
    assert steps == {CaseStep.ISSUE_CARD, CaseStep.WITHDRAW_CARD}


def test_numbers() -> None:
    """A number is composed in one form and found again in several."""
    assert compose_number("清和", 2026, 417) == "清和〔2026〕0417 号"
    assert parse_number("清和〔2026〕0417 号") == (2026, 417)
    assert parse_number("2026-0417") == (2026, 417)
    assert parse_number("0417") == (None, 417)
    assert parse_number("417号") == (None, 417)
    assert parse_number("7 号楼加装电梯") is None
    for same in (
        "清和[2026]0417号",
        "清和（２０２６）４１７号",
        "２０２６—０４１７",
        "2026 417",
        "清和\u200b〔2026〕0417 号",
    ):
        assert parse_number(same) == (2026, 417), same
    for other in ("2026-11-30 路灯", "2026-11-30", "2026 年路灯", "路灯 2026-11", "第 22 号楼", "12345678"):
        assert parse_number(other) is None, other
    assert compose_number("清和", 2026, 12345) == "清和〔2026〕12345 号"


def test_grades_from_a_form() -> None:
    """Only the five grades are grades."""
    assert check_grade("5") is Grade.VERY_GOOD
    for raw in ("", "0", "6", "good", "٣", "-1", "1.5"):
        with pytest.raises(BadInput):
            check_grade(raw)
