"""The desks' lists: what a clerk, a unit and a supervisor have before them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from station.base.clock import SHANGHAI
from station.base.errors import NotAllowed
from station.base.principal import Principal, Role
from station.base.station import Station
from station.cases import queries, store
from station.cases.law.policy import policy_of
from station.cases.model import CLOSED, CaseState
from station.cases.queries import cards_where, cases_where, in_states
from station.cases.reads.figures import HISTORY_MONTHS, Bar, Month, UnitFigures, history, league
from station.cases.reads.parties import stations_served
from station.cases.reads.reading import CaseLine, line_of
from station.cases.records import Card, Case, Rating, Reply
from station.directory.service import list_units


@dataclass(frozen=True, slots=True)
class DeskLists:
    """What waits for the clerk, by what there is to do; each list most urgent first."""

    to_accept: tuple[CaseLine, ...]
    to_assign: tuple[CaseLine, ...]
    extensions: tuple[CaseLine, ...]
    to_review: tuple[CaseLine, ...]
    to_conclude: tuple[CaseLine, ...]
    with_units: tuple[CaseLine, ...]


@dataclass(frozen=True, slots=True)
class UnitDesk:
    """What lies on a unit's desk: overdue first, then by due day; and its figures of this month."""

    late: tuple[CaseLine, ...]
    open: tuple[CaseLine, ...]
    waiting: tuple[CaseLine, ...]
    figures: UnitFigures | None
    units: int


@dataclass(frozen=True, slots=True)
class Oversight:
    """What a supervisor sees of a month."""

    month: Month
    bars: tuple[Bar, ...]
    league: tuple[UnitFigures, ...]
    late: tuple[CaseLine, ...]
    redone: tuple[CaseLine, ...]
    cards: tuple[tuple[Card, Case], ...]


async def desk_lists(station: Station, who: Principal) -> DeskLists:
    """The clerk's lists: the cases of the own station and of those below it. Raises NotAllowed for others."""
    if who.role not in (Role.CLERK, Role.ADMIN):
        raise NotAllowed
    own = queries.at_stations(await stations_served(station, who))
    async with station.database.read() as connection:
        found = await cases_where(connection, own, ~in_states(CLOSED), newest=False)
        asked = await queries.cases_asking_time(connection)
        unreviewed = await cases_where(
            connection,
            own,
            in_states([CaseState.REPLIED, CaseState.RATED, CaseState.CONCLUDED]),
            queries.c.public_reply == "",
        )
    lines = [line_of(station, case) for case in found]
    now = station.clock.now()

    def pick(*states: CaseState) -> tuple[CaseLine, ...]:
        return tuple(line for line in lines if line.state in states)

    overdue_rating = tuple(line for line in pick(CaseState.REPLIED) if line.due is not None and now >= line.due.at)
    return DeskLists(
        to_accept=pick(CaseState.NOTED),
        to_assign=pick(CaseState.RETURNED) + pick(CaseState.ACCEPTED),
        extensions=tuple(line for line in pick(CaseState.ASSIGNED) if line.id in asked),
        to_review=tuple(line_of(station, case) for case in unreviewed),
        to_conclude=pick(CaseState.RATED) + overdue_rating,
        with_units=pick(CaseState.ASSIGNED),
    )


async def unit_desk(station: Station, who: Principal) -> UnitDesk:
    """The desk of the unit that `who` belongs to. Raises NotAllowed for others."""
    if who.role is not Role.UNIT or not who.scope:
        raise NotAllowed
    async with station.database.read() as connection:
        found = await cases_where(connection, queries.of_unit(who.scope), ~in_states(CLOSED), newest=False)
        table = store.case_cards
        cards = await cards_where(connection, table.c.unit_id == who.scope, table.c.withdrawn_at.is_(None))
    lines = [line_of(station, case, tuple(k for k in cards if k.case_id == case.id)) for case in found]
    mine = [line for line in lines if line.state is CaseState.ASSIGNED and line.case.unit_id == who.scope]
    rows = await _league(station, Month.of(station.clock.now()))
    return UnitDesk(
        tuple(line for line in mine if (line.left or 0) < 0),
        tuple(line for line in mine if (line.left or 0) >= 0),
        tuple(line for line in lines if line not in mine),
        next((row for row in rows if row.unit_id == who.scope), None),
        len(rows),
    )


async def oversight(station: Station, who: Principal, month: Month | None = None) -> Oversight:
    """What is late, the cards, and the league of a month. Raises NotAllowed for all but supervisors."""
    if who.role not in (Role.SUPERVISOR, Role.ADMIN):
        raise NotAllowed
    shown = month or Month.of(station.clock.now())
    replies, _ = await _rows(station, shown)
    async with station.database.read() as connection:
        found = await cases_where(connection, in_states([CaseState.ASSIGNED]), newest=False)
        cards = await cards_where(connection, limit=100)
        named = {card.case_id for card in cards}
        of_cards = {case.id: case for case in await cases_where(connection, queries.c.id.in_(named))}
    lines = [line_of(station, case, tuple(k for k in cards if k.case_id == case.id)) for case in found]
    return Oversight(
        month=shown,
        bars=history(shown, replies),
        league=tuple(await _league(station, shown)),
        late=tuple(line for line in lines if (line.left or 0) < 0),
        redone=tuple(line for line in lines if line.case.round > 1 and (line.left or 0) >= 0),
        cards=tuple((card, of_cards[card.case_id]) for card in cards if card.case_id in of_cards),
    )


async def _league(station: Station, month: Month) -> list[UnitFigures]:
    replies, ratings = await _rows(station, month)
    units = [(unit.id, unit.name) for unit in await list_units(station)]
    async with station.database.read() as connection:
        issued = store.case_cards.c.issued_at
        cards = await cards_where(connection, issued >= _start(month), issued < _start(month.back(-1)), limit=100_000)
    return league(month, units, replies, ratings, cards, policy_of(station).conclude_grade)


async def _rows(station: Station, month: Month) -> tuple[list[Reply], list[Rating]]:
    """Replies of the six months up to `month`, and the ratings they got."""
    async with station.database.read() as connection:
        return await queries.replies_between(connection, _start(month.back(HISTORY_MONTHS - 1)), _start(month.back(-1)))


def _start(month: Month) -> datetime:
    """The first moment of a month in Shanghai, in UTC."""
    return datetime(month.year, month.month, 1, tzinfo=SHANGHAI).astimezone(UTC)
