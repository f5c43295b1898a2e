"""Which media process holds which room: one row a room, for as long as the room lives."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, String, Table, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from station.base.database import Transaction, UtcDateTime, metadata
from station.base.inserts import insert_unless_there

placements = Table(
    "placements",
    metadata,
    Column("room", String(64), primary_key=True),
    Column("node", String(64), nullable=False),
    Column("placed_at", UtcDateTime, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Placement:
    """A room and the media process that holds it."""

    room: str
    node: str
    placed_at: datetime


async def node_of(connection: AsyncConnection, room: str, *, for_update: bool = False) -> str | None:
    """The name of the process that holds a room; None for a room that is nowhere."""
    query = select(placements.c.node).where(placements.c.room == room)
    node: str | None = (await connection.execute(query.with_for_update() if for_update else query)).scalar()
    return node


async def add_placement(work: Transaction, room: str, node: str, now: datetime) -> bool:
    """Place a room that is nowhere; False when somebody else has just placed it."""
    return await insert_unless_there(work, placements, room=room, node=node, placed_at=now)


async def move_placement(work: Transaction, room: str, node: str, now: datetime) -> None:
    """Place a room anew; the caller holds its row."""
    await work.execute(update(placements).where(placements.c.room == room).values(node=node, placed_at=now))


async def delete_placement(work: Transaction, room: str, node: str | None = None) -> None:
    """Forget where a room is; with `node` only if it is still there."""
    where = placements.c.room == room
    if node is not None:
        where &= placements.c.node == node
    await work.execute(delete(placements).where(where))


async def all_placements(connection: AsyncConnection) -> list[Placement]:
    """Every room that is somewhere."""
    return [Placement(r.room, r.node, r.placed_at) for r in await connection.execute(select(placements))]


async def rooms_by_node(connection: AsyncConnection) -> Counter[str]:
    """How many rooms each process holds."""
    return Counter((await connection.execute(select(placements.c.node))).scalars())
