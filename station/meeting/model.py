"""The rules of a meeting, pure: its states, the lobby, the seats, and when it may be recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from station.base.errors import N_, Conflict
from station.base.principal import Role
from station.directory.model import surname_of
from station.people.model import is_placeholder

MAX_CHAT = 1000
MAX_TITLE = 60
GRANT_TTL = timedelta(seconds=60)


class Kind(StrEnum):
    """What people meet for: 接待, 听证会."""

    RECEPTION = "reception"
    HEARING = "hearing"


class State(StrEnum):
    """Where a meeting stands."""

    SCHEDULED = "scheduled"
    OPEN = "open"
    ENDED = "ended"


class Step(StrEnum):
    """What moves a meeting on."""

    OPEN = "open"
    END = "end"


STEPS: dict[tuple[State, Step], State] = {
    (State.SCHEDULED, Step.OPEN): State.OPEN,
    (State.OPEN, Step.OPEN): State.OPEN,  # the second host finds it open already
    (State.SCHEDULED, Step.END): State.ENDED,
    (State.OPEN, Step.END): State.ENDED,
}


class Admission(StrEnum):
    """Where a person stands at the door."""

    NONE = "none"
    WAITING = "waiting"
    ADMITTED = "admitted"
    REFUSED = "refused"
    LEFT = "left"


class DoorStep(StrEnum):
    """What can happen at the door."""

    ENTER = "enter"
    LEAVE = "leave"
    ADMIT = "admit"
    REFUSE = "refuse"


LOBBY: dict[tuple[Admission, DoorStep], Admission] = {
    (Admission.NONE, DoorStep.ENTER): Admission.WAITING,
    (Admission.WAITING, DoorStep.ENTER): Admission.WAITING,  # a reload keeps the place
    (Admission.ADMITTED, DoorStep.ENTER): Admission.ADMITTED,
    (Admission.LEFT, DoorStep.ENTER): Admission.WAITING,
    (Admission.WAITING, DoorStep.LEAVE): Admission.LEFT,
    (Admission.LEFT, DoorStep.LEAVE): Admission.LEFT,
    (Admission.WAITING, DoorStep.ADMIT): Admission.ADMITTED,
    (Admission.ADMITTED, DoorStep.ADMIT): Admission.ADMITTED,
    (Admission.REFUSED, DoorStep.ADMIT): Admission.ADMITTED,
    (Admission.WAITING, DoorStep.REFUSE): Admission.REFUSED,
    (Admission.ADMITTED, DoorStep.REFUSE): Admission.REFUSED,
    (Admission.REFUSED, DoorStep.REFUSE): Admission.REFUSED,
}


class Relation(StrEnum):
    """What a person is to a meeting."""

    HOST = "host"  # its deputy
    STAFF = "staff"  # a clerk
    PARTY = "party"  # the citizen who booked
    INVITED = "invited"  # whoever may ask to come in
    STRANGER = "stranger"


class MeetingEnded(Conflict):
    code = "meeting-ended"
    message = N_("这场见面已经结束了")


class NotAdmitted(Conflict):
    code = "not-admitted"
    message = N_("还没有请您进去，请在等候室稍等")


class DoorClosed(Conflict):
    code = "door-closed"
    message = N_("工作人员没有让您进这场见面，有疑问请打电话")


class ConsentMissing(Conflict):
    code = "consent-missing"
    message = N_("进去之前，请先说要不要录像，同意不同意都可以")


class RecordingIsOn(Conflict):
    code = "recording-on"
    message = N_("里面正在录像。您同意录像才能现在进去，不同意就请等停录以后再进")


class RecordingRefused(Conflict):
    code = "recording-refused"
    message = N_("%(names)s 不同意录像，不能录。见面照常进行")


@dataclass(frozen=True, slots=True)
class Meeting:
    """One meeting. `citizen` is the account that booked, "" for a hearing."""

    id: str
    kind: Kind
    state: State
    title: str
    booking_id: str
    deputy_id: str
    deputy_name: str
    citizen: str
    citizen_name: str
    starts_at: datetime
    ends_at: datetime
    public: bool
    published: bool
    opened_at: datetime | None
    ended_at: datetime | None

    @property
    def subject(self) -> str:
        """The name in the ledger and on the bus."""
        return f"meeting:{self.id}"

    @property
    def open(self) -> bool:
        """Whether one may still enter."""
        return self.state is not State.ENDED


@dataclass(frozen=True, slots=True)
class Entry:
    """A person at the door of a meeting. `granted_at`: when the last grant was signed for them."""

    meeting_id: str
    account: str
    name: str
    role: Role
    state: Admission
    ready: bool
    entered_at: datetime
    granted_at: datetime | None


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One line somebody wrote."""

    id: str
    account: str
    name: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Seat:
    """What a person may do in a meeting now. `rights` are the grant's: publish, subscribe."""

    relation: Relation
    admission: Admission
    rights: frozenset[str]
    may_admit: bool = False
    may_record: bool = False
    may_end: bool = False
    may_note: bool = False

    @property
    def admitted(self) -> bool:
        """Whether the room is open to this person."""
        return bool(self.rights)


def step_meeting(state: State, step: Step) -> State:
    """The state after a step. Raises MeetingEnded."""
    try:
        return STEPS[state, step]
    except KeyError:
        raise MeetingEnded from None


def step_door(state: Admission, step: DoorStep) -> Admission:
    """The admission after a step. Raises DoorClosed to the refused, Conflict where nobody is at the door."""
    try:
        return LOBBY[state, step]
    except KeyError:
        raise DoorClosed if state is Admission.REFUSED else Conflict from None


def relation_to(meeting: Meeting, role: Role, account: str, scope: str) -> Relation:
    """What an account is to a meeting. A citizen may ask to come in only to public hearings."""
    if role is Role.CLERK:
        return Relation.STAFF
    if role is Role.DEPUTY and scope and scope == meeting.deputy_id:
        return Relation.HOST
    if role is Role.CITIZEN and account and account == meeting.citizen:
        return Relation.PARTY
    if meeting.kind is Kind.HEARING and (role is Role.DEPUTY or (role is Role.CITIZEN and meeting.public)):
        return Relation.INVITED
    return Relation.STRANGER


def seat_for(role: Role, relation: Relation, state: State, admission: Admission) -> Seat:
    """The one answer to who may do what: hosts and staff need no admission, everybody else does."""
    if relation is Relation.STRANGER or state is State.ENDED:
        return Seat(relation, admission, frozenset())
    both = frozenset({"publish", "subscribe"})
    if relation in (Relation.HOST, Relation.STAFF):
        return Seat(relation, Admission.ADMITTED, both, may_admit=True, may_record=True, may_end=True, may_note=True)
    if admission is not Admission.ADMITTED:
        return Seat(relation, admission, frozenset())
    return Seat(relation, admission, both, may_note=role is Role.DEPUTY)


def requires_consent(role: Role) -> bool:
    """Whether recording needs this person's consent: citizens' does, deputies and clerks are in office."""
    return role is Role.CITIZEN


def names_refusing(present: Iterable[Entry], given: Mapping[str, bool]) -> list[str]:
    """The citizens in the room who have not agreed to being recorded; while there is one, nothing is recorded."""
    return [entry.name for entry in present if requires_consent(entry.role) and not given.get(entry.account, False)]


def present(entries: Iterable[Entry], inside: Set[str], pass_since: datetime) -> list[Entry]:
    """Those in the room, and those on their way in with a pass signed since then, which is still good."""
    return [
        entry
        for entry in entries
        if entry.account in inside
        or (entry.state is Admission.ADMITTED and entry.granted_at is not None and entry.granted_at >= pass_since)
    ]


NAMELESS = "一位群众"


def display_name(role: Role, name: str, public: bool) -> str:
    """The name under the picture. In public a citizen keeps only the family name; one without a name is a citizen."""
    if role is Role.DEPUTY:
        return f"{name}代表"
    if role is Role.CLERK:
        return f"工作人员{name}"
    if not public:
        return name
    return NAMELESS if is_placeholder(name) else f"{surname_of(name)}**"
