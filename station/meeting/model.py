"""The rules of a meeting, pure: its states, the lobby, the seats, and when it may be recorded."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from station.base.clock import local, local_date
from station.base.errors import N_, Conflict
from station.base.principal import Role
from station.base.state_machine import StateMachine, for_all_roles
from station.directory.model import surname_of
from station.people.model import ConsentKind, is_placeholder

MAX_CHAT = 1000
MAX_TITLE = 60
GRANT_TTL = timedelta(seconds=60)
HEARING_LOBBY_MINUTES = 60
LAST_START_HOUR = 20  # of what is proposed for a hearing
PAST_DAY = N_("这一天已经过了，请看看年份和日期")
SIGN_OF_LIFE = timedelta(seconds=60)  # a page answers a ping every 15 s; three may be lost


class Kind(StrEnum):
    """What people meet for: 接待, 听证会."""

    RECEPTION = "reception"
    HEARING = "hearing"


class MeetingState(StrEnum):
    """Where a meeting stands."""

    SCHEDULED = "scheduled"
    OPEN = "open"
    ENDED = "ended"


class MeetingStep(StrEnum):
    """What moves a meeting on."""

    OPEN = "open"
    END = "end"


# Who may is the seat's to say (`seat_for`): it knows more of a person than the role.
TRANSITIONS = for_all_roles(
    {
        (MeetingState.SCHEDULED, MeetingStep.OPEN): MeetingState.OPEN,
        (MeetingState.OPEN, MeetingStep.OPEN): MeetingState.OPEN,  # the second host finds it open already
        (MeetingState.SCHEDULED, MeetingStep.END): MeetingState.ENDED,
        (MeetingState.OPEN, MeetingStep.END): MeetingState.ENDED,
    }
)


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


LOBBY_TRANSITIONS = for_all_roles(
    {
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
)


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


_MEETING = StateMachine(TRANSITIONS, refuse=lambda _: MeetingEnded())
_LOBBY = StateMachine(LOBBY_TRANSITIONS, refuse=lambda at: DoorClosed() if at is Admission.REFUSED else Conflict())


class ConsentMissing(Conflict):
    code = "consent-missing"
    message = N_("进去之前，请先回答录像和公开的问题，同意不同意都可以")


class BroadcastRefused(Conflict):
    code = "broadcast-refused"
    message = N_("%(name)s 不同意公开，不能直播。请换一位")


class BookingCancelled(Conflict):
    code = "booking-cancelled"
    message = N_("这次预约已经取消了，请另约时间")


class NotDueYet(Conflict):
    code = "not-due-yet"
    message = N_("约的是 %(month)s 月 %(day)s 日，那天 %(time)s 起可以进来等。现在可以先试手机")


class DayIsOver(Conflict):
    code = "day-is-over"
    message = N_("约的是 %(month)s 月 %(day)s 日，那天已经过了。请另约时间，或者打电话给我们")


class RecordingIsOn(Conflict):
    code = "recording-on"
    message = N_("里面正在录像。您同意录像才能现在进去，不同意就请等停录以后再进")


class RecordingRefused(Conflict):
    code = "recording-refused"
    message = N_("%(names)s 不同意录像，不能录。见面照常进行")


@dataclass(frozen=True, slots=True)
class Meeting:
    """One meeting. `citizen` is the account that booked, "" for a hearing; `cancelled`: its booking is."""

    id: str
    kind: Kind
    state: MeetingState
    title: str
    booking_id: str
    deputy_id: str
    deputy_name: str
    citizen: str
    citizen_name: str
    starts_at: datetime
    ends_at: datetime
    public: bool
    published: bool = False
    opened_at: datetime | None = None
    ended_at: datetime | None = None
    cancelled: bool = False

    @property
    def subject(self) -> str:
        """The name in the ledger and on the bus."""
        return f"meeting:{self.id}"

    @property
    def open(self) -> bool:
        """Whether one may still enter."""
        return self.state is not MeetingState.ENDED and not self.cancelled

    @property
    def broadcastable(self) -> bool:
        """Whether it may go on air, so that people must be asked about that too."""
        return self.kind is Kind.HEARING and self.public


@dataclass(frozen=True, slots=True)
class Entry:
    """A person at the door of a meeting.

    `granted_at`: when the last grant was signed for them; `seen_at`: when their page last gave a sign of life.
    """

    meeting_id: str
    account: str
    name: str
    role: Role
    state: Admission
    ready: bool
    entered_at: datetime
    granted_at: datetime | None
    seen_at: datetime | None = None

    def is_waiting(self, now: datetime) -> bool:
        """Whether somebody waits in front of the page now: who gives no sign for SIGN_OF_LIFE has gone."""
        return self.state is Admission.WAITING and self.seen_at is not None and self.seen_at >= now - SIGN_OF_LIFE


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


def step_meeting(state: MeetingState, step: MeetingStep) -> MeetingState:
    """The state after a step. Raises MeetingEnded."""
    return _MEETING.next_state(state, step)


def step_door(state: Admission, step: DoorStep) -> Admission:
    """The admission after a step. Raises DoorClosed to the refused, Conflict where nobody is at the door."""
    return _LOBBY.next_state(state, step)


def check_open(meeting: Meeting) -> None:
    """Raises BookingCancelled, MeetingEnded."""
    if meeting.cancelled:
        raise BookingCancelled
    step_meeting(meeting.state, MeetingStep.OPEN)


def check_due(meeting: Meeting, now: datetime, minutes_before: int) -> None:
    """Whether its lobby is open: from some minutes before it begins to the end of its day, and while it is under way.

    Raises NotDueYet, DayIsOver.
    """
    if meeting.state is MeetingState.OPEN:
        return
    starts = local(meeting.starts_at)
    if local_date(now) > local_date(meeting.ends_at):
        raise DayIsOver(month=starts.month, day=starts.day)
    if meeting.kind is Kind.HEARING:
        minutes_before = max(minutes_before, HEARING_LOBBY_MINUTES)
    opens = starts - timedelta(minutes=minutes_before)
    if now < opens:
        raise NotDueYet(month=starts.month, day=starts.day, time=f"{opens:%H:%M}")


def relation_to(meeting: Meeting, role: Role, account: str, scope: str, *, in_charge: bool) -> Relation:
    """What an account is to a meeting. A citizen may ask to come in only to public hearings.

    `in_charge`: for a clerk, whether the meeting's deputy receives at the clerk's station or at one below it.
    """
    if role is Role.CLERK:
        return Relation.STAFF if in_charge else Relation.STRANGER
    if role is Role.DEPUTY and scope and scope == meeting.deputy_id:
        return Relation.HOST
    if role is Role.CITIZEN and account and account == meeting.citizen:
        return Relation.PARTY
    if meeting.kind is Kind.HEARING and (role is Role.DEPUTY or (role is Role.CITIZEN and meeting.public)):
        return Relation.INVITED
    return Relation.STRANGER


def seat_for(role: Role, relation: Relation, is_open: bool, admission: Admission) -> Seat:
    """The one answer to who may do what: hosts and staff need no admission, everybody else does.

    `is_open`: the meeting has neither ended nor been cancelled.
    """
    if relation is Relation.STRANGER or not is_open:
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


def asked_kinds(meeting: Meeting) -> tuple[ConsentKind, ...]:
    """The consents that a citizen is asked for: what really may happen in this meeting."""
    shown = (ConsentKind.BROADCAST,) if meeting.broadcastable else ()
    return (ConsentKind.RECORDED, *shown, ConsentKind.PUBLISHED)


def may_be_shown(answers: Mapping[ConsentKind, bool]) -> bool:
    """Whether a citizen may go on air: asked for it and agreed, and refused nothing; a broadcast is kept, too."""
    return answers.get(ConsentKind.BROADCAST, False) and all(answers.values())


def propose_hearing(now: datetime) -> tuple[datetime, datetime]:
    """When a new hearing could begin and end: this afternoon from two to four, the next two full hours where that is
    near or over, and tomorrow afternoon once they would end after ten in the evening.
    """
    here = local(now)
    afternoon = here.replace(hour=14, minute=0, second=0, microsecond=0)
    next_hour = here.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    starts = max(afternoon, next_hour)
    if starts.date() > here.date() or starts.hour > LAST_START_HOUR:
        starts = afternoon + timedelta(days=1)
    return starts, starts + timedelta(hours=2)


def check_hearing(title: str, starts_at: datetime, ends_at: datetime, now: datetime) -> dict[str, str]:
    """The fields at fault in an announcement, with what is wrong."""
    faults: dict[str, str] = {}
    if not title:
        faults["title"] = N_("请写听证会的名称")
    elif len(title) > MAX_TITLE:
        faults["title"] = N_("名称最多 60 个字")
    if local_date(starts_at) < local_date(now):
        faults["day"] = PAST_DAY
    elif ends_at <= now:
        faults["ends"] = N_("这个时间已经过了，请选晚一点的时间")
    if ends_at <= starts_at:
        faults["ends"] = N_("结束要比开始晚")
    return faults


def names_refusing(present: Iterable[Entry], given: Mapping[str, bool]) -> list[str]:
    """The citizens in the room who have not agreed to being recorded; while there is one, nothing is recorded."""
    return [entry.name for entry in present if requires_consent(entry.role) and not given.get(entry.account, False)]


def names_keeping_private(
    entries: Iterable[Entry], seen: Collection[str], answers: Mapping[str, Mapping[ConsentKind, bool]]
) -> list[str]:
    """The citizens among those seen who have not agreed to publishing, or no longer to being recorded."""
    agreed = {
        account: given.get(ConsentKind.PUBLISHED, False) and given.get(ConsentKind.RECORDED, True)
        for account, given in answers.items()
    }
    return names_refusing([entry for entry in entries if entry.account in seen], agreed)


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
