"""What went out and what did not, for who looks after it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from station.base.database import Transaction
from station.base.keyset import Cursor, Order, PagedQuery, Slice, parse_moment
from station.notices.model import Notice, NoticeState
from station.notices.store import notices, to_notice

CARRIED = ("sms", "mail")  # what is told inside the station is there at once
_NEWEST = Order((notices.c.created_at, notices.c.id), ("created_at", "id"), (parse_moment, str), True)
_IN_STATE = PagedQuery(
    select(notices).where(notices.c.state == bindparam("state"), notices.c.channel.in_(CARRIED)), _NEWEST
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A notice on its way to a carrier, why it was not taken, and when it is tried again."""

    notice: Notice
    error: str
    try_after: datetime


async def deliveries_page(
    connection: AsyncConnection, state: NoticeState, cursor: Cursor | None, size: int
) -> Slice[Delivery]:
    """Notices for a carrier in one state, the newest first."""
    return (await _IN_STATE.read(connection, cursor, size, {"state": str(state)})).map(_to_delivery)


async def count_carried(connection: AsyncConnection, since: datetime) -> dict[tuple[str, NoticeState], int]:
    """How many notices stand in each state, by channel; of those sent only the ones written since a moment."""
    columns = notices.c.channel, notices.c.state
    counted = (notices.c.state != NoticeState.SENT) | (notices.c.created_at >= since)
    query = select(*columns, func.count().label("number")).where(counted, notices.c.channel.in_(CARRIED))
    rows = await connection.execute(query.group_by(*columns))
    return {(row.channel, NoticeState(row.state)): row.number for row in rows}


async def lock_notice(work: Transaction, notice_id: str) -> Notice | None:
    """A notice, held until the end of the transaction."""
    row = (await work.execute(select(notices).where(notices.c.id == notice_id).with_for_update())).first()
    return None if row is None else to_notice(row)


async def wait_again(work: Transaction, notice_id: str, not_before: datetime) -> None:
    """Let a notice wait for its carrier, with all its attempts before it."""
    values = {"state": NoticeState.WAITING, "attempts": 0, "error": "", "try_after": not_before}
    await work.execute(update(notices).where(notices.c.id == notice_id).values(**values))


def _to_delivery(row: Any) -> Delivery:
    return Delivery(to_notice(row), row.error, row.try_after)
