"""States as data: one table says where each step leads and which roles may take it; one class applies it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Generic, TypeVar

from station.base.errors import NotAllowed, StationError
from station.base.principal import Role

StateT = TypeVar("StateT", bound=StrEnum)
StepT = TypeVar("StepT", bound=StrEnum)

ALL_ROLES = frozenset(Role)


def for_all_roles(
    table: Mapping[tuple[StateT, StepT], StateT],
) -> dict[tuple[StateT, StepT], tuple[StateT, frozenset[Role]]]:
    """A table whose steps are open to all roles, because more than the role decides who may take them."""
    return {key: (after, ALL_ROLES) for key, after in table.items()}


class StateMachine(Generic[StateT, StepT]):
    """Applies a table (state, step) → (state after, roles).

    `refuse` makes the error for a step that the state does not have, `forbid` for a role that may not take it.
    """

    def __init__(
        self,
        transitions: Mapping[tuple[StateT, StepT], tuple[StateT, frozenset[Role]]],
        refuse: Callable[[StateT], StationError],
        forbid: Callable[[StateT], StationError] = lambda _: NotAllowed(),
    ) -> None:
        self._transitions = transitions
        self._refuse = refuse
        self._forbid = forbid

    def next_state(self, state: StateT, step: StepT, role: Role = Role.SYSTEM) -> StateT:
        """The state after a step. Raises what `refuse` or `forbid` makes."""
        found = self._transitions.get((state, step))
        if found is None:
            raise self._refuse(state)
        after, roles = found
        if role not in roles:
            raise self._forbid(state)
        return after

    def possible_steps(self, state: StateT, role: Role) -> frozenset[StepT]:
        """What a role may do in a state."""
        return frozenset(step for (at, step), (_, roles) in self._transitions.items() if at is state and role in roles)
