"""The plain data that queries return and pages are made from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from station.cases.model import CaseState, Colour, Grade


@dataclass(frozen=True, slots=True)
class OpenCase:
    """What a matter needs to become a case. `citizen` is an account id or None, `recorded_at_s` recorded time.

    `title` and `description` are the words of who notes the matter; `citizen_topic` and `citizen_words` are what the
    citizen wrote when booking, `citizen_help` the kinds of help they asked for, separated by commas.
    """

    title: str
    description: str
    deputy_id: str
    citizen: str | None
    booking_id: str | None = None
    meeting_id: str | None = None
    recorded_at_s: float | None = None
    unit_id: str | None = None
    citizen_topic: str = ""
    citizen_words: str = ""
    citizen_help: str = ""


@dataclass(frozen=True, slots=True)
class Due:
    """Who is at it must be done by the end of `day`. `unit` is "wd" or "month"; `amount` of them from `start`."""

    day: date
    at: datetime
    start: date
    amount: int
    unit: str
    article: str
    provisional: bool


@dataclass(frozen=True, slots=True)
class Case:
    """A case as it stands. `round` counts the replies asked for, from 1.

    `station_id` is the liaison station that looks after it, whose clerks handle it.
    """

    id: str
    number: str
    year: int
    serial: int
    title: str
    description: str
    state: CaseState
    category: str
    deputy_id: str
    deputy_name: str
    station_id: str
    citizen: str | None
    citizen_name: str
    booking_id: str | None
    meeting_id: str | None
    recorded_at_s: float | None
    suggested_unit: str | None
    unit_id: str | None
    unit_name: str
    round: int
    extensions: int
    opened_at: datetime
    changed_at: datetime
    assigned_on: date | None
    due: Due | None
    published: bool
    public_title: str
    public_reply: str
    citizen_topic: str = ""
    citizen_words: str = ""
    citizen_help: str = ""

    @property
    def is_answered(self) -> bool:
        """Whether the unit has replied in this round."""
        return self.state in (CaseState.REPLIED, CaseState.RATED, CaseState.CONCLUDED)

    @property
    def shown(self) -> str:
        """What a form says of the case that its page shows (`Seen.of_form`): round, answered, published."""
        return f"{self.round}{'a' * self.is_answered}{'p' * self.published}"

    @property
    def wishes(self) -> tuple[str, ...]:
        """The kinds of help that the citizen asked for."""
        return tuple(filter(None, self.citizen_help.split(",")))


@dataclass(frozen=True, slots=True)
class Reply:
    """A unit's answer in one round; `late` when it came after the due day."""

    id: str
    case_id: str
    round: int
    unit_id: str
    unit_name: str
    author_name: str
    outcome: str
    text: str
    at: datetime
    due_on: date
    late: bool
    soon: bool


@dataclass(frozen=True, slots=True)
class Rating:
    """The asker's grade for one reply."""

    case_id: str
    round: int
    grade: Grade
    remark: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Note:
    """Something added to a case (补充情况)."""

    id: str
    author_name: str
    role: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Extension:
    """A request for more time; `granted` is None until it is decided."""

    id: str
    reason: str
    asked_at: datetime
    granted: bool | None


@dataclass(frozen=True, slots=True)
class Card:
    """A yellow or red card of one unit for one round; a withdrawn one stays on record with its reason."""

    id: str
    case_id: str
    round: int
    unit_id: str
    unit_name: str
    colour: Colour
    by_clock: bool
    reason: str
    issued_at: datetime
    withdrawn_at: datetime | None
    withdrawn_reason: str
    due_day: date | None  # of a card by the clock: the day that it is about

    def stands(self, case: Case) -> bool:
        """Whether it is held against the unit that has the case now, for what it is asked now."""
        return self.withdrawn_at is None and (self.unit_id, self.round) == (case.unit_id, case.round)


@dataclass(frozen=True, slots=True)
class UnitReplies:
    """How many replies a unit gave in a month (0 is the first of those asked for), late and at the last moment."""

    place: int
    unit_id: str
    replies: int
    late: int
    soon: int


@dataclass(frozen=True, slots=True)
class UnitRatings:
    """How many of a unit's replies were rated, and how many of them well."""

    unit_id: str
    rated: int
    good: int


@dataclass(frozen=True, slots=True)
class UnitCards:
    """How many cards of a colour a unit holds."""

    unit_id: str
    colour: Colour
    cards: int
