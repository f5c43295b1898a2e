"""What each person may see of a case: parties all of it, strangers what was reviewed for them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

from station.base.calendar import china
from station.base.clock import local
from station.base.errors import NotFound
from station.base.keyset import Cursor
from station.base.principal import Principal, Role
from station.base.station import Station
from station.base.working_days import DayCount
from station.cases import queries
from station.cases.desk_queries import due_soonest
from station.cases.law.deadlines import day_grid, days_left
from station.cases.model import CaseState, CaseStep, possible_steps, search_words
from station.cases.queries import c, cases_where, in_states, read_case
from station.cases.reads.parties import is_party, stations_served
from station.cases.records import Card, Case, Due, Extension, Note, Rating, Reply
from station.cases.search_queries import all_cases, matching_cases
from station.ledger.model import Event
from station.ledger.service import timeline
from station.photos.model import Photo, booking_holder
from station.photos.service import list_photos, open_photo

PAGE_SIZE = 20
_PUBLIC_STEPS = frozenset(
    {
        "case.noted", "case.accepted", "case.declined", "case.assigned", "case.returned", "case.replied",
        "case.rated", "case.redone", "case.concluded", "case.extension_granted", "case.card_issued",
        "case.card_withdrawn",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TimelineStep:
    """One stop of the line: what happened, when and by whom; `text` are the words that belong to it."""

    at: datetime
    action: str
    actor: str
    role: str
    text: str
    data: dict[str, object]


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case for one reader. `party` tells whether all of it is in here, or only what strangers may read."""

    case: Case
    party: bool
    asker: bool
    today: date
    left: int
    steps: tuple[TimelineStep, ...]
    days: tuple[DayCount, ...]
    replies: tuple[Reply, ...]
    ratings: tuple[Rating, ...]
    notes: tuple[Note, ...]
    cards: tuple[Card, ...]
    co_units: tuple[tuple[str, str], ...]
    extension: Extension | None
    may: frozenset[CaseStep]
    photos: tuple[Photo, ...] = ()
    for_unit: bool = False

    @property
    def reply(self) -> Reply | None:
        """The reply of this round, if there is one."""
        return next((r for r in self.replies if r.round == self.case.round), None)

    @property
    def returned_by(self) -> frozenset[object]:
        """The ids of the units that have returned the case, for its parties."""
        return frozenset(step.data.get("unit") for step in self.steps if step.action == "case.returned")

    @property
    def may_replay(self) -> bool:
        """Whether the meeting that the case came from is shown to its reader: units only get what was noted."""
        return self.party and self.case.meeting_id is not None and not self.for_unit

    @property
    def standing_cards(self) -> tuple[Card, ...]:
        """The cards that the unit which has the case now holds for this round; the others are in the timeline."""
        return tuple(card for card in self.cards if card.stands(self.case))


@dataclass(frozen=True, slots=True)
class CaseLine:
    """A case in a list, with its working days left (None when nothing is due)."""

    case: Case
    left: int | None
    cards: tuple[Card, ...] = ()

    @property
    def id(self) -> str:
        """The case's id."""
        return self.case.id

    @property
    def number(self) -> str:
        """The case's number as documents have it."""
        return self.case.number

    @property
    def title(self) -> str:
        """The case's title."""
        return self.case.title

    @property
    def state(self) -> CaseState:
        """Where the case is."""
        return self.case.state

    @property
    def due(self) -> Due | None:
        """What is due next, and when."""
        return self.case.due


def line_of(station: Station, case: Case, cards: tuple[Card, ...] = ()) -> CaseLine:
    """A case with its days counted from today."""
    today = local(station.clock.now()).date()
    left = None if case.due is None else days_left(case.due, today, china())
    return CaseLine(case, left, cards)


async def case_view(station: Station, who: Principal, case_id: str) -> CaseView:
    """The case as `who` may see it. Raises NotFound."""
    async with station.database.read() as connection:
        case = await queries.case_row(connection, case_id)
        co_units = await queries.co_units_of(connection, case_id)
        replies = await queries.replies_of(connection, case_id)
        ratings = await queries.ratings_of(connection, case_id)
        notes = await queries.notes_of(connection, case_id)
        extensions = await queries.extensions_of(connection, case_id)
        cards = await queries.cards_of(connection, case_id)
    steps = await timeline(station, f"case:{case_id}")
    served = await stations_served(station, who)
    today = local(station.clock.now()).date()
    days = tuple(day_grid(case.due, china())) if case.due is not None else ()
    left = days_left(case.due, today, china()) if case.due is not None else 0
    if not is_party(who, case, {unit for unit, _ in co_units}, served):
        shown = public_case(case)
        public = tuple(_public_step(event) for event in steps if event.action in _PUBLIC_STEPS)
        return CaseView(
            case=shown,
            party=False,
            asker=False,
            today=today,
            left=left,
            steps=public,
            days=days,
            replies=(),
            ratings=tuple(replace(r, remark="") for r in ratings),
            notes=(),
            cards=tuple(replace(k, reason="", withdrawn_reason="") for k in cards),
            co_units=tuple(co_units),
            extension=None,
            may=frozenset(),
        )
    words = _words(replies, ratings, notes)
    pending = next((e for e in extensions if e.granted is None), None)
    return CaseView(
        case=case,
        party=True,
        asker=is_asker(who, case),
        today=today,
        left=left,
        steps=tuple(_party_step(event, words) for event in steps),
        days=days,
        replies=tuple(replies),
        ratings=tuple(ratings),
        notes=tuple(notes),
        cards=tuple(cards),
        co_units=tuple(co_units),
        extension=pending,
        may=_allowed_steps(who, case),
        photos=await _photos_of(station, case),
        for_unit=who.role is Role.UNIT,
    )


async def _photos_of(station: Station, case: Case) -> tuple[Photo, ...]:
    """What the citizen added to the booking that the case came from."""
    return tuple(await list_photos(station, booking_holder(case.booking_id))) if case.booking_id else ()


async def bookings_with_cases(station: Station, booking_ids: Collection[str]) -> set[str]:
    """Those of some bookings from which a matter came."""
    async with station.database.read() as connection:
        return await queries.bookings_with_cases(connection, booking_ids)


async def open_case_photo(station: Station, who: Principal, case_id: str, photo_id: str) -> Path:
    """The file of a photo, for the parties of the case that it goes with. Raises NotFound."""
    served = await stations_served(station, who)
    async with station.database.read() as connection:
        case = await queries.case_row(connection, case_id)
        co_units = await queries.co_units_of(connection, case_id)
    if case.booking_id is None or not is_party(who, case, {unit for unit, _ in co_units}, served):
        raise NotFound
    return await open_photo(station, booking_holder(case.booking_id), photo_id)


def is_asker(who: Principal, case: Case) -> bool:
    """Whether `who` may rate: the citizen; where there is none, the deputy who noted the matter."""
    if case.citizen is not None:
        return who.role is Role.CITIZEN and case.citizen == who.account
    return who.role is Role.DEPUTY and case.deputy_id == who.scope


def public_case(case: Case) -> Case:
    """The case without anything personal: reviewed words or none, no names, no way to booking or recording."""
    return replace(
        case,
        title=case.public_title if case.published else "",
        description="",
        citizen=None,
        citizen_name="",
        booking_id=None,
        meeting_id=None,
        recorded_at_s=None,
        suggested_unit=None,
        citizen_topic="",
        citizen_words="",
        citizen_help="",
        public_title=case.public_title if case.published else "",
        public_reply=case.public_reply if case.published else "",
    )


def _allowed_steps(who: Principal, case: Case) -> frozenset[CaseStep]:
    steps = possible_steps(case.state, who.role)
    if who.role in (Role.CITIZEN, Role.DEPUTY) and not is_asker(who, case):
        steps -= {CaseStep.RATE}
    if who.role is Role.UNIT and who.scope != case.unit_id:
        steps &= {CaseStep.ADD_NOTE}
    return steps


def _public_step(event: Event) -> TimelineStep:
    kept = {
        k: v for k, v in event.data.items() if k in ("unit_name", "co_units", "days", "due", "grade", "colour", "late")
    }
    return TimelineStep(at=event.at, action=event.action, actor="", role=event.role, text="", data=_facts(kept))


def _words(replies: list[Reply], ratings: list[Rating], notes: list[Note]) -> dict[tuple[str, object], str]:
    words: dict[tuple[str, object], str] = {("reply", r.id): r.text for r in replies}
    words.update({("note", n.id): n.text for n in notes})
    words.update({("rating", r.round): r.remark for r in ratings})
    return words


def _party_step(event: Event, words: dict[tuple[str, object], str]) -> TimelineStep:
    text = event.reason
    if event.action == "case.replied":
        text = words.get(("reply", event.data.get("reply")), "")
    elif event.action == "case.note_added":
        text = words.get(("note", event.data.get("note")), "")
    elif event.action == "case.rated":
        text = words.get(("rating", event.data.get("round")), "")
    return TimelineStep(
        at=event.at, action=event.action, actor=event.actor_name, role=event.role, text=text, data=_facts(event.data)
    )


def _facts(data: dict[str, object]) -> dict[str, object]:
    """An event's data with its due day as a day again (JSON knows none)."""
    due = data.get("due")
    return {**data, "due": date.fromisoformat(due) if isinstance(due, str) else None}


@dataclass(frozen=True, slots=True)
class PublicPage:
    """One page of the public list. `before` and `after` are the keys of the pages beside it, "" where there is none.

    `total` and `pages` are None for a search that finds more than is counted, `page` where only a key is known.
    """

    lines: tuple[CaseLine, ...]
    total: int | None
    page: int | None
    pages: int | None
    words: str
    before: str
    after: str


async def list_public(
    station: Station, words: str = "", page: int = 1, size: int = PAGE_SIZE, cursor: Cursor | None = None
) -> PublicPage:
    """The public list, newest number first; `words` is a number or part of a published title.

    A page lies behind or before a key; `page` counts from the newest, for addresses without a key.
    """
    searched = bool(search_words(words))
    async with station.database.read(brief=not searched) as connection:
        if searched:
            found = await matching_cases(connection, words, cursor, max(1, page), size)
        else:
            found = await all_cases(connection, cursor, max(1, page), size)
    lines = tuple(line_of(station, public_case(case)) for case in found.cases.items)
    pages = None if found.total is None else max(1, -(-found.total // size))
    return PublicPage(
        lines=lines,
        total=found.total,
        page=found.page,
        pages=pages,
        words=words,
        before=found.cases.before,
        after=found.cases.after,
    )


async def find_public(station: Station, year: int, serial: int) -> Case | None:
    """A case by its number as strangers see it."""
    async with station.database.read() as connection:
        found = await cases_where(connection, c.year == year, c.serial == serial, limit=1)
    return public_case(found[0]) if found else None


async def my_cases(station: Station, who: Principal, limit: int | None = None) -> list[CaseLine]:
    """A citizen's or a deputy's own cases: what waits for their rating first, then by newest; all, or the first few."""
    own = c.citizen == who.account if who.role is Role.CITIZEN else c.deputy_id == who.scope
    asker = own if who.role is Role.CITIZEN else own & c.citizen.is_(None)
    async with station.database.read() as connection:
        waits = await cases_where(connection, asker, in_states([CaseState.REPLIED]), limit=limit)
        found = await cases_where(connection, own, limit=limit)
    first = {case.id for case in waits}
    return [line_of(station, k) for k in [*waits, *(k for k in found if k.id not in first)][:limit]]


async def cases_of_meeting(station: Station, meeting_id: str) -> list[Case]:
    """What was noted in a meeting, in the order of the recording."""
    async with station.database.read() as connection:
        found = await cases_where(connection, c.meeting_id == meeting_id)
    return sorted(found, key=lambda k: (k.recorded_at_s or 0.0, k.serial))


async def titles_for(station: Station, who: Principal, cases: Sequence[Case]) -> dict[str, str]:
    """What each case is called to a reader, by id: strangers read the title that was reviewed for them, or ""."""
    titles, served = {}, await stations_served(station, who)
    async with station.database.read() as connection:
        for case in cases:
            units = {unit for unit, _ in await queries.co_units_of(connection, case.id)}
            titles[case.id] = (case if is_party(who, case, units, served) else public_case(case)).title
    return titles


async def due_cases(station: Station, who: Principal, count: int) -> list[CaseLine]:
    """The open cases that are due soonest: those a unit has to answer, of a clerk's stations, or of all."""
    served = await stations_served(station, who)
    async with station.database.read() as connection:
        found = await due_soonest(connection, served, who.scope if who.role is Role.UNIT else None, count)
    return [line_of(station, case) for case in found]


__all__ = ["CaseLine", "CaseView", "PublicPage", "TimelineStep", "case_view", "read_case"]
