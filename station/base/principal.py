"""Who is asking: the role and identity that every service call is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    """The parts a person can play; a guest has not signed in, the system is the clock and the jobs."""

    GUEST = "guest"
    CITIZEN = "citizen"
    DEPUTY = "deputy"
    CLERK = "clerk"
    UNIT = "unit"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Principal:
    """An account in one role. `scope` is the deputy's, unit's or station's id the role is bound to, else "".

    `session` names the sign-in that the caller came with, for what must end with it.
    """

    account: str
    role: Role
    name: str
    scope: str = ""
    origin: str = ""
    session: str = field(default="", repr=False)

    @property
    def signed_in(self) -> bool:
        """Whether there is somebody behind the request."""
        return self.role not in (Role.GUEST,)


GUEST = Principal("", Role.GUEST, "")
SYSTEM = Principal("system", Role.SYSTEM, "系统")
