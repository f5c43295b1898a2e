"""Tables and queries of booking."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypedDict, Unpack

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    Select,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    delete,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from station.base.database import Transaction, UtcDateTime, metadata
from station.base.inserts import insert_missing
from station.booking.model import (
    TAKES_PLACE,
    Booking,
    BookingState,
    Draft,
    Mode,
    RotaRule,
    Slot,
    helps_of,
    modes_of,
    places_free,
)

rota_rules = Table(
    "rota_rules",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("deputy", String(24), nullable=False, index=True),
    Column("station", String(24), nullable=False),
    Column("weekday", Integer),
    Column("day", Date),
    Column("starts", Integer, nullable=False),
    Column("ends", Integer, nullable=False),
    Column("minutes", Integer, nullable=False),
    Column("modes", String(40), nullable=False),
    Column("capacity", Integer, nullable=False),
)

slots = Table(
    "slots",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("deputy", String(24), nullable=False),
    Column("station", String(24), nullable=False),
    Column("starts_at", UtcDateTime, nullable=False, index=True),
    Column("ends_at", UtcDateTime, nullable=False),
    Column("modes", String(40), nullable=False),
    Column("capacity", Integer, nullable=False),
    Column("closed", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("deputy", "starts_at"),
)

# One row a citizen: what they are filling in, the slot kept meanwhile; its lock puts a citizen's own bookings in order.
drafts = Table(
    "drafts",
    metadata,
    Column("citizen", String(24), primary_key=True),
    Column("key", String(24), nullable=False),
    Column("slot", String(24), nullable=False, index=True),
    Column("held_until", UtcDateTime),
    Column("mode", String(10), nullable=False),
    Column("topic", String(200), nullable=False),
    Column("description", Text, nullable=False),
    Column("help", String(40), nullable=False),
)

bookings = Table(
    "bookings",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("slot", ForeignKey("slots.id"), nullable=False, index=True),
    Column("deputy", String(24), nullable=False),
    Column("deputy_name", String(40), nullable=False),
    Column("station_name", String(60), nullable=False),
    Column("station_address", String(120), nullable=False),
    Column("citizen", String(24), nullable=False),
    Column("citizen_name", String(80), nullable=False),
    Column("topic", String(200), nullable=False),
    Column("description", Text, nullable=False),
    Column("starts_at", UtcDateTime, nullable=False, index=True),
    Column("ends_at", UtcDateTime, nullable=False),
    Column("mode", String(10), nullable=False),
    Column("help", String(40), nullable=False),
    Column("state", String(10), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("form_key", String(40), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("cancelled_by", String(12), nullable=False, server_default=""),
    Column("cancel_reason", String(200), nullable=False, server_default=""),
    Column("reminded", SmallInteger, nullable=False, server_default="0"),
    Column("use_withdrawn", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("citizen", "form_key"),
    Index("ix_bookings_deputy_starts_at", "deputy", "starts_at"),
)


def slots_with_places() -> Select[Any]:
    """Slots with how many places are taken, and held by others than `citizen` at `now`, which are to be bound."""
    citizen, now = bindparam("citizen", type_=String), bindparam("now", type_=UtcDateTime)
    # Written out as they never vary: a list of values is put into the statement's text each time it runs.
    takes_place = bookings.c.state.in_([literal(str(state)) for state in sorted(TAKES_PLACE)])
    taken = select(func.count()).where(bookings.c.slot == slots.c.id, takes_place)
    held = select(func.count()).where(
        drafts.c.slot == slots.c.id, drafts.c.held_until > now, drafts.c.citizen != citizen
    )
    return select(slots, taken.scalar_subquery().label("taken"), held.scalar_subquery().label("held"))


# Built once: bookings and the pages around them ask these, and building a statement takes longer than running it.
_SLOT = slots_with_places().where(slots.c.id == bindparam("slot"))
_LOCK_SLOT = select(slots.c.id).where(slots.c.id == bindparam("slot")).with_for_update()
IN_SPAN = (
    slots.c.starts_at >= bindparam("since", type_=UtcDateTime),
    slots.c.starts_at < bindparam("until", type_=UtcDateTime),
)
_SLOTS = slots_with_places().where(*IN_SPAN).order_by(slots.c.starts_at, slots.c.deputy)
_SLOTS_OF_ONE = _SLOTS.where(slots.c.deputy == bindparam("deputy"))
_SLOTS_OF_SOME = _SLOTS.where(slots.c.deputy.in_(bindparam("deputies", expanding=True)))
_FIRST_RECEIVING = (
    select(slots.c.deputy)
    .where(*IN_SPAN, slots.c.closed.is_(False))
    .group_by(slots.c.deputy)
    .order_by(func.min(slots.c.starts_at), slots.c.deputy)
    .limit(bindparam("most", type_=Integer))
)
_DRAFT = select(drafts).where(drafts.c.citizen == bindparam("citizen"))
_LOCK_DRAFT = _DRAFT.with_for_update()
_CHANGE_DRAFT = update(drafts).where(drafts.c.citizen == bindparam("owner"))
_IN_ORDER = select(bookings).order_by(bookings.c.starts_at, bookings.c.id)
_OWN_BOOKINGS = _IN_ORDER.where(bookings.c.citizen == bindparam("citizen"))
_BOOKINGS_OF_DEPUTY = _IN_ORDER.where(bookings.c.deputy == bindparam("deputy"))
_BOOKING = select(bookings).where(bookings.c.id == bindparam("booking"))
_LOCK_BOOKING = _BOOKING.with_for_update()
_ADD_BOOKING = insert(bookings).returning(bookings)
_CHANGE_BOOKING = update(bookings).where(bookings.c.id == bindparam("booking"))


async def slot_by_id(connection: AsyncConnection, slot_id: str, citizen: str, now: datetime) -> Slot | None:
    """One slot as `citizen` finds it."""
    row = (await connection.execute(_SLOT, {"slot": slot_id, "citizen": citizen, "now": now})).first()
    return None if row is None else to_slot(row)


async def lock_slot(work: Transaction, slot_id: str, citizen: str, now: datetime) -> Slot | None:
    """The slot, held against other writers until the end of the transaction.

    The count comes after the lock in a statement of its own: only so does PostgreSQL (READ COMMITTED) see what the
    one who held the lock before has just committed.
    """
    if work.connection.dialect.name != "sqlite":  # there the transaction has the only writers' lock
        await work.execute(_LOCK_SLOT, {"slot": slot_id})
    return await slot_by_id(work.connection, slot_id, citizen, now)


async def close_slots(work: Transaction, slot_ids: list[str]) -> None:
    """Offer these times to nobody any more; bookings that stand are not touched."""
    if slot_ids:
        await work.execute(update(slots).where(slots.c.id.in_(slot_ids)).values(closed=True))


async def slots_between(
    connection: AsyncConnection,
    since: datetime,
    until: datetime,
    citizen: str,
    now: datetime,
    deputies: Sequence[str] | None = None,
) -> list[Slot]:
    """Slots that start in a span of time, in order."""
    values: dict[str, object] = {"citizen": citizen, "now": now, "since": since, "until": until}
    query = _SLOTS
    if deputies is not None and len(deputies) == 1:
        query, values = _SLOTS_OF_ONE, {**values, "deputy": deputies[0]}
    elif deputies is not None:
        query, values = _SLOTS_OF_SOME, {**values, "deputies": deputies}
    return [to_slot(row) for row in await connection.execute(query, values)]


async def first_receiving(connection: AsyncConnection, since: datetime, until: datetime, most: int) -> list[str]:
    """Whose open slots begin earliest in a span of time: as many deputies as have the first `most` receptions."""
    values = {"since": since, "until": until, "most": most}
    return list((await connection.execute(_FIRST_RECEIVING, values)).scalars())


async def deputies_with_slots(connection: AsyncConnection, since: datetime, until: datetime) -> set[str]:
    """Whoever has a slot that starts in a span of time."""
    query = select(slots.c.deputy).distinct().where(slots.c.starts_at >= since, slots.c.starts_at < until)
    return set((await connection.execute(query)).scalars())


async def all_rules(connection: AsyncConnection) -> list[RotaRule]:
    """Every rule of the rota."""
    return [
        RotaRule(
            id=r.id,
            deputy=r.deputy,
            station=r.station,
            weekday=r.weekday,
            day=r.day,
            starts=r.starts,
            ends=r.ends,
            minutes=r.minutes,
            modes=modes_of(r.modes),
            capacity=r.capacity,
        )
        for r in await connection.execute(select(rota_rules))
    ]


async def cancelled_between(connection: AsyncConnection, since: datetime, until: datetime) -> list[str]:
    """The ids of cancelled bookings for a time within a span, the oldest first."""
    query = select(bookings.c.id).where(
        bookings.c.state == BookingState.CANCELLED, bookings.c.starts_at >= since, bookings.c.starts_at < until
    )
    return list((await connection.execute(query.order_by(bookings.c.starts_at))).scalars())


class DraftColumns(TypedDict, total=False):
    """What of a draft may change."""

    key: str
    slot: str
    held_until: datetime | None
    mode: str
    topic: str
    description: str
    help: str


EMPTY_DRAFT: DraftColumns = {
    "key": "", "slot": "", "held_until": None, "mode": "", "topic": "", "description": "", "help": "",
}  # fmt: skip
NO_DRAFT = Draft(key="", slot_id="", held_until=None, mode=None, topic="", description="", help=())


async def lock_draft(work: Transaction, citizen: str) -> Draft:
    """The citizen's draft, made if there was none, held until the end of the transaction."""
    row = (await work.execute(_LOCK_DRAFT, {"citizen": citizen})).first()
    if row is None:  # another page of theirs may be making it at this moment
        if await insert_missing(work, drafts, [{"citizen": citizen, **EMPTY_DRAFT}]):
            return NO_DRAFT
        row = (await work.execute(_LOCK_DRAFT, {"citizen": citizen})).one()
    return to_draft(row)


async def draft_of(connection: AsyncConnection, citizen: str) -> Draft | None:
    """The citizen's draft, if any."""
    row = (await connection.execute(_DRAFT, {"citizen": citizen})).first()
    return None if row is None else to_draft(row)


async def change_draft(work: Transaction, citizen: str, **values: Unpack[DraftColumns]) -> None:
    """Write columns of the citizen's draft."""
    await work.execute(_CHANGE_DRAFT, {"owner": citizen, **values})


async def booking_by_id(connection: AsyncConnection, booking_id: str, *, for_update: bool = False) -> Booking | None:
    """The booking with that id; locked until the end of the transaction when asked."""
    query = _LOCK_BOOKING if for_update else _BOOKING
    row = (await connection.execute(query, {"booking": booking_id})).first()
    return None if row is None else to_booking(row)


async def own_bookings(connection: AsyncConnection, citizen: str) -> list[tuple[str, Booking]]:
    """A citizen's bookings in order of their beginning, each with the key of the form that it was made by."""
    rows = await connection.execute(_OWN_BOOKINGS, {"citizen": citizen})
    return [(row.form_key, to_booking(row)) for row in rows]


async def add_booking(work: Transaction, **values: Any) -> Booking:
    """One new booking; the caller holds the lock on its slot."""
    return to_booking((await work.execute(_ADD_BOOKING, values)).one())


class BookingColumns(TypedDict, total=False):
    """What of a booking may change."""

    state: BookingState
    sequence: int
    cancelled_by: str
    cancel_reason: str
    use_withdrawn: bool


async def change_booking(work: Transaction, booking_id: str, **values: Unpack[BookingColumns]) -> None:
    """Write columns of a booking."""
    await work.execute(_CHANGE_BOOKING, {"booking": booking_id, **values})


async def states_of(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, BookingState]:
    """Where bookings stand, by id."""
    query = select(bookings.c.id, bookings.c.state).where(bookings.c.id.in_(ids))
    return {row.id: BookingState(row.state) for row in await connection.execute(query)}


async def bookings_of_citizen(connection: AsyncConnection, citizen: str) -> list[Booking]:
    """All that a citizen has booked, in order of their beginning."""
    return [to_booking(row) for row in await connection.execute(_OWN_BOOKINGS, {"citizen": citizen})]


async def bookings_of_deputy(connection: AsyncConnection, deputy: str) -> list[Booking]:
    """All that is booked with a deputy, in order of their beginning."""
    return [to_booking(row) for row in await connection.execute(_BOOKINGS_OF_DEPUTY, {"deputy": deputy})]


def to_slot(row: Any) -> Slot:
    """A slot from a row of `slots_with_places`."""
    free = 0 if row.closed else places_free(row.capacity, row.taken, row.held)
    return Slot(
        id=row.id,
        deputy_id=row.deputy,
        station_id=row.station,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        modes=modes_of(row.modes),
        capacity=row.capacity,
        free=free,
        closed=row.closed,
    )


def to_draft(row: Any) -> Draft:
    """A draft from its row."""
    mode = Mode(row.mode) if row.mode else None
    return Draft(
        key=row.key,
        slot_id=row.slot,
        held_until=row.held_until,
        mode=mode,
        topic=row.topic,
        description=row.description,
        help=helps_of(row.help),
    )


def to_booking(row: Any) -> Booking:
    """A booking from its row."""
    return Booking(
        id=row.id,
        slot_id=row.slot,
        deputy_id=row.deputy,
        deputy_name=row.deputy_name,
        station_name=row.station_name,
        station_address=row.station_address,
        citizen=row.citizen,
        citizen_name=row.citizen_name,
        topic=row.topic,
        description=row.description,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        mode=Mode(row.mode),
        help=helps_of(row.help),
        state=BookingState(row.state),
        sequence=row.sequence,
        created_at=row.created_at,
        cancelled_by=row.cancelled_by,
        cancel_reason=row.cancel_reason,
        use_withdrawn=row.use_withdrawn,
    )


async def delete_drafts_before(work: Transaction, moment: datetime) -> list[str]:
    """Drafts whose hold ended before a moment; one given up on (no hold) goes with the next sweep. Returns whose."""
    ended = or_(drafts.c.held_until < moment, drafts.c.held_until.is_(None))
    return list((await work.execute(delete(drafts).where(ended).returning(drafts.c.citizen))).scalars())
