"""Going on air, changing the source, going off: the rows of broadcasts, and the live role told."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from sqlalchemy import insert, update

from station.base.database import Transaction
from station.base.errors import N_, Conflict, NotFound
from station.base.ids import new_id
from station.base.principal import Principal
from station.base.station import Station
from station.ledger.service import append
from station.live.web import client, store
from station.live.web.export import NothingRecorded, to_mp4
from station.live.web.model import Broadcast, BroadcastEnded, LiveStatus, OnAir

LIVE_TOPIC = "live"


class AlreadyOnAir(Conflict):
    code = "already-on-air"
    message = N_("这场听证会已经在直播了")


async def start_broadcast(
    station: Station, who: Principal, meeting_id: str, title: str, host: str, person: str, source_name: str
) -> Broadcast:
    """Put a person's picture and sound of a meeting on air. Raises AlreadyOnAir, Unavailable (nothing is kept then)."""
    broadcast = Broadcast(
        new_id("bc"), meeting_id, title, host, OnAir.LIVE, person, source_name, station.clock.now(), None
    )
    # The live role first and the row after it: no database lock is held while another process is asked.
    await client.put_broadcast(station, broadcast.id, meeting_id, person)
    try:
        await _insert(station, who, broadcast)
    except AlreadyOnAir:
        await client.delete_broadcast(station, broadcast.id)
        raise
    return broadcast


async def _insert(station: Station, who: Principal, broadcast: Broadcast) -> None:
    async with station.database.transaction() as work:
        if any(b.live for b in await store.broadcasts_of(work.connection, broadcast.meeting_id)):
            raise AlreadyOnAir
        await work.execute(
            insert(store.broadcasts).values(
                id=broadcast.id, meeting_id=broadcast.meeting_id, title=broadcast.title, host=broadcast.host,
                state=OnAir.LIVE, person=broadcast.person, source_name=broadcast.source_name,
                started_at=broadcast.started_at,
            )
        )  # fmt: skip
        await _record(station, work, who, "broadcast.started", broadcast)


async def change_source(
    station: Station, who: Principal, broadcast_id: str, person: str, source_name: str
) -> Broadcast:
    """Show somebody else. Raises NotFound, BroadcastEnded, Unavailable."""
    broadcast = await get_broadcast(station, broadcast_id)
    if not broadcast.live:
        raise BroadcastEnded
    await client.put_broadcast(station, broadcast_id, broadcast.meeting_id, person)
    changed = replace(broadcast, person=person, source_name=source_name)
    async with station.database.transaction() as work:
        await _on_air(work, broadcast_id)
        values = {"person": person, "source_name": source_name}
        await work.execute(update(store.broadcasts).where(store.broadcasts.c.id == broadcast_id).values(**values))
        await _record(station, work, who, "broadcast.source-changed", changed)
    return changed


async def stop_broadcast(station: Station, who: Principal, broadcast_id: str) -> Broadcast:
    """Go off air; stopping twice changes nothing. Raises NotFound, Unavailable."""
    broadcast = await get_broadcast(station, broadcast_id)
    if not broadcast.live:
        return broadcast
    await client.delete_broadcast(station, broadcast_id)
    ended = replace(broadcast, state=OnAir.ENDED, ended_at=station.clock.now())
    async with station.database.transaction() as work:
        try:
            await _on_air(work, broadcast_id)
        except BroadcastEnded:
            return await get_broadcast(station, broadcast_id)
        values = {"state": ended.state, "ended_at": ended.ended_at}
        await work.execute(update(store.broadcasts).where(store.broadcasts.c.id == broadcast_id).values(**values))
        await _record(station, work, who, "broadcast.ended", ended)
    return ended


async def stop_broadcasts_of(station: Station, who: Principal, meeting_id: str) -> None:
    """Take everything of a meeting off air, for its end."""
    for broadcast in await broadcasts_of_meeting(station, meeting_id):
        if broadcast.live:
            await stop_broadcast(station, who, broadcast.id)


async def _on_air(work: Transaction, broadcast_id: str) -> Broadcast:
    broadcast = await store.broadcast_by(work.connection, broadcast_id, for_update=True)
    if broadcast is None:
        raise NotFound
    if not broadcast.live:
        raise BroadcastEnded
    return broadcast


async def _record(station: Station, work: Transaction, who: Principal, action: str, broadcast: Broadcast) -> None:
    data = {"meeting": broadcast.meeting_id, "person": broadcast.person}
    await append(station, work, who, action, broadcast.subject, data)

    async def tell() -> None:
        await station.bus.publish(LIVE_TOPIC, {"action": action, "broadcast": broadcast.id})

    work.after_commit.append(tell)


async def get_broadcast(station: Station, broadcast_id: str) -> Broadcast:
    """A broadcast; public. Raises NotFound."""
    async with station.database.read() as connection:
        found = await store.broadcast_by(connection, broadcast_id)
    if found is None:
        raise NotFound
    return found


async def broadcasts_of_meeting(station: Station, meeting_id: str) -> list[Broadcast]:
    """The broadcasts of a meeting, the newest first."""
    async with station.database.read() as connection:
        return await store.broadcasts_of(connection, meeting_id)


async def list_broadcasts(station: Station, state: OnAir | None = None) -> list[Broadcast]:
    """The newest broadcasts; on air only, when asked."""
    async with station.database.read() as connection:
        return await store.newest_broadcasts(connection, state)


async def get_status(station: Station, broadcast_id: str) -> LiveStatus | None:
    """Seconds on air and people watching, as the live role tells; None when it does not."""
    return await client.get_status(station, broadcast_id)


async def export_broadcast(station: Station, broadcast_id: str, out: Path) -> bool:
    """What viewers saw as one MP4, copied from its segments; False when nothing was ever on air."""
    try:
        await asyncio.to_thread(to_mp4, station.settings.data / "live" / broadcast_id, out)
    except NothingRecorded:
        return False
    return True
