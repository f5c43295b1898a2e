"""The desks' lists: what a clerk, a unit and a supervisor have before them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from station.base.calendar import china
from station.base.clock import SHANGHAI, local
from station.base.database import ReadConnection
from station.base.errors import NotAllowed
from station.base.keyset import Cursor, Slice
from station.base.principal import Principal, Role
from station.base.station import Station
from station.base.working_days import end_of_day, last_day_within
from station.cases import desk_queries
from station.cases.desk_queries import DeskList
from station.cases.figure_queries import cards_by_unit, ratings_by_unit, replies_by_unit
from station.cases.law.policy import policy_of
from station.cases.reads.figures import Bar, Month, UnitFigures, history, league, months_to
from station.cases.reads.parties import stations_served
from station.cases.reads.reading import CaseLine, line_of
from station.cases.records import Card, Case
from station.directory.service import list_units

AT_ONCE = 30  # lines of the desk's first page, dealt to the lists that have any
LEAST = 5
PAGE = 25  # lines of a list that is leafed through
UNIT_PAGE, BESIDE_PAGE = 20, 10
PRESSING, LATE_PAGE, CARDS_PAGE = 5, 20, 12


@dataclass(frozen=True, slots=True)
class Waiting:
    """One of the clerk's lists: how many stand in it, and those of them that are shown."""

    name: DeskList
    total: int
    lines: Slice[CaseLine]


@dataclass(frozen=True, slots=True)
class DeskLists:
    """What waits for the clerk, by what there is to do; each list most urgent first.

    `listed` is the one that is leafed through; where it is None, each shows its beginning.
    """

    lists: tuple[Waiting, ...]
    todo: int
    listed: DeskList | None


@dataclass(frozen=True, slots=True)
class UnitDesk:
    """What lies on a unit's desk, by due day, and what it has answered or helps with; its figures of this month."""

    total: int
    late: int
    today: int
    mine: Slice[CaseLine]
    beside: Slice[CaseLine]
    figures: UnitFigures | None
    units: int


@dataclass(frozen=True, slots=True)
class Oversight:
    """What a supervisor sees of a month: what presses most, and the league."""

    month: Month
    bars: tuple[Bar, ...]
    league: tuple[UnitFigures, ...]
    late: int
    redone: int
    pressing: tuple[CaseLine, ...]


@dataclass(frozen=True, slots=True)
class CardsPage:
    """What is late, the longest first, and the cards, the newest first; a page of each."""

    late: int
    late_lines: Slice[CaseLine]
    issued: int
    cards: Slice[tuple[Card, Case]]


async def desk_lists(
    station: Station, who: Principal, listed: DeskList | None = None, cursor: Cursor | None = None
) -> DeskLists:
    """The clerk's lists: the cases of the own station and of those below it. Raises NotAllowed for others."""
    if who.role not in (Role.CLERK, Role.ADMIN):
        raise NotAllowed
    served, now = await stations_served(station, who), station.clock.now()
    async with station.database.read() as connection:
        counts = await desk_queries.count_desk(connection, served, now)
        shown = [listed] if listed else [which for which in DeskList if counts[which]]
        size = PAGE if listed else max(LEAST, AT_ONCE // max(1, len(shown)))
        lists = []
        for which in shown:
            found = await desk_queries.desk_slice(connection, which, served, now, cursor, size)
            lists.append(Waiting(which, counts[which], found.map(lambda case: line_of(station, case))))
    todo = sum(counts[which] for which in DeskList if which is not DeskList.UNITS)
    return DeskLists(tuple(lists), todo, listed)


async def unit_desk(
    station: Station, who: Principal, cursor: Cursor | None = None, beside: Cursor | None = None
) -> UnitDesk:
    """The desk of the unit that `who` belongs to. Raises NotAllowed for others."""
    if who.role is not Role.UNIT or not who.scope:
        raise NotAllowed
    now = station.clock.now()
    today_ends = end_of_day(last_day_within(local(now).date(), 0, china()))
    async with station.database.read() as connection:
        total, late, today = await desk_queries.count_unit(connection, who.scope, now, today_ends)
        mine = await desk_queries.unit_slice(connection, who.scope, cursor, UNIT_PAGE)
        others = await desk_queries.beside_slice(connection, who.scope, beside, BESIDE_PAGE)
        held = await desk_queries.cards_held(connection, mine.items)
        _, rows = await _figures(station, connection, Month.of(now))
    return UnitDesk(
        total=total,
        late=late,
        today=today,
        mine=mine.map(lambda case: line_of(station, case, held[case.id])),
        beside=others.map(lambda case: line_of(station, case)),
        figures=next((row for row in rows if row.unit_id == who.scope), None),
        units=len(rows),
    )


async def oversight(station: Station, who: Principal, month: Month | None = None) -> Oversight:
    """What presses most, and the league of a month. Raises NotAllowed for all but supervisors."""
    _check_supervisor(who)
    now = station.clock.now()
    shown = month or Month.of(now)
    async with station.database.read() as connection:
        late, redone = await desk_queries.count_pressing(connection, now)
        pressing = list((await desk_queries.late_slice(connection, now, None, PRESSING)).items)
        pressing += await desk_queries.redone_first(connection, now, PRESSING)
        bars, rows = await _figures(station, connection, shown)
    return Oversight(
        month=shown,
        bars=bars,
        league=tuple(rows),
        late=late,
        redone=redone,
        pressing=_lines(station, pressing[:PRESSING]),
    )


async def cards_page(
    station: Station, who: Principal, late: Cursor | None = None, cards: Cursor | None = None
) -> CardsPage:
    """A page of what is late and of the cards. Raises NotAllowed for all but supervisors."""
    _check_supervisor(who)
    now = station.clock.now()
    async with station.database.read() as connection:
        count, _ = await desk_queries.count_pressing(connection, now)
        cases = await desk_queries.late_slice(connection, now, late, LATE_PAGE)
        issued = await desk_queries.cards_slice(connection, cards, CARDS_PAGE)
        of_cards = await desk_queries.cases_by_id(connection, {card.case_id for card in issued.items})
        total = await desk_queries.count_cards(connection)
    return CardsPage(
        late=count,
        late_lines=cases.map(lambda case: line_of(station, case)),
        issued=total,
        cards=issued.map(lambda card: (card, of_cards[card.case_id])),
    )


def _check_supervisor(who: Principal) -> None:
    if who.role not in (Role.SUPERVISOR, Role.ADMIN):
        raise NotAllowed


def _lines(station: Station, cases: Iterable[Case]) -> tuple[CaseLine, ...]:
    return tuple(line_of(station, case) for case in cases)


async def _figures(
    station: Station, connection: ReadConnection, month: Month
) -> tuple[tuple[Bar, ...], list[UnitFigures]]:
    """The bars of all units together and the league, from counts of the six months up to `month`."""
    spans = [_span(each) for each in months_to(month)]
    replies = await replies_by_unit(connection, spans)
    ratings = await ratings_by_unit(connection, spans[-1], policy_of(station).conclude_grade)
    cards = await cards_by_unit(connection, spans[-1])
    units = [(unit.id, unit.name) for unit in await list_units(station, retired=True)]
    return history(month, replies), league(month, units, replies, ratings, cards)


def _span(month: Month) -> tuple[datetime, datetime]:
    return _start(month), _start(month.back(-1))


def _start(month: Month) -> datetime:
    """The first moment of a month in Shanghai, in UTC."""
    return datetime(month.year, month.month, 1, tzinfo=SHANGHAI).astimezone(UTC)
