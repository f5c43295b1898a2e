"""Queries of the rota: the slots of many deputies at once, without who has booked them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from station.base.database import Transaction
from station.base.inserts import count_inserted
from station.booking.model import Slot
from station.booking.store import IN_SPAN, slots, slots_with_places, to_slot
from station.booking.times_model import LaidOut

# Built once: building a statement takes longer than running it.
_TIMES = select(slots.c.id, slots.c.deputy, slots.c.starts_at, slots.c.ends_at).where(
    *IN_SPAN, slots.c.deputy.in_(bindparam("deputies", expanding=True))
)
_SLOTS_BY_ID = slots_with_places().where(slots.c.id.in_(bindparam("ids", expanding=True)))


async def times_between(
    connection: AsyncConnection, since: datetime, until: datetime, deputies: Sequence[str]
) -> list[LaidOut]:
    """When some deputies' slots of a span of time are, without who has booked them: the rota looks at all of a city."""
    values = {"since": since, "until": until, "deputies": deputies}
    return [LaidOut(*row) for row in await connection.execute(_TIMES, values)]


async def slots_by_id(connection: AsyncConnection, ids: Sequence[str], now: datetime) -> list[Slot]:
    """Some slots, with their places."""
    values = {"ids": ids, "citizen": "", "now": now}
    return [to_slot(row) for row in await connection.execute(_SLOTS_BY_ID, values)]


async def add_slots(work: Transaction, rows: list[dict[str, Any]]) -> int:
    """Insert slots; returns how many. A deputy's time that has a slot already is left alone."""
    return await count_inserted(work, slots, rows)
