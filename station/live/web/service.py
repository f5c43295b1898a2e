"""Going on air, changing the source, going off: the rows of broadcasts, and the live role told."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import structlog
from sqlalchemy import update

from station.base.database import Transaction
from station.base.errors import N_, Conflict, NotFound, Unavailable
from station.base.ids import new_id
from station.base.inserts import insert_unless_there
from station.base.principal import SYSTEM, Principal
from station.base.station import Station
from station.ledger.service import append
from station.live.web import client, store
from station.live.web.export import NothingRecorded, to_mp4
from station.live.web.model import Broadcast, BroadcastEnded, LiveStatus, OnAir

log = structlog.get_logger()
ORPHAN_AFTER_S = 30.0  # longer than storing a row takes
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
    try:
        await client.put_broadcast(station, broadcast.id, meeting_id, person)
        await _insert(station, who, broadcast)
    except BaseException:  # also when the caller went away: nothing may be on air without a row
        await _undo_start(station, broadcast.id)
        raise
    return broadcast


async def _undo_start(station: Station, broadcast_id: str) -> None:
    try:
        await asyncio.shield(client.delete_broadcast(station, broadcast_id))
    except Unavailable:  # `end_orphans` does it later
        log.warning("broadcast_not_undone", broadcast=broadcast_id)


async def end_orphans(station: Station) -> int:
    """End what is on air at the live role and by no row of ours; returns how many. Raises Unavailable."""
    on_air = [found.id for found in await client.list_broadcasts(station) if found.age_s > ORPHAN_AFTER_S]
    if not on_air:
        return 0
    async with station.database.read() as connection:
        wanted = await store.on_air_among(connection, on_air)
    orphans = [broadcast_id for broadcast_id in on_air if broadcast_id not in wanted]
    for broadcast_id in orphans:
        log.error("orphan_broadcast_ended", broadcast=broadcast_id)
        await client.delete_broadcast(station, broadcast_id)
        async with station.database.transaction() as work:
            await append(station, work, SYSTEM, "broadcast.orphan-ended", f"broadcast:{broadcast_id}")
    return len(orphans)


async def _insert(station: Station, who: Principal, broadcast: Broadcast) -> None:
    async with station.database.transaction() as work:
        # One broadcast of a meeting is on air at a time: an index says so, for two clerks who press at once.
        added = await insert_unless_there(
            work,
            store.broadcasts,
            id=broadcast.id,
            meeting_id=broadcast.meeting_id,
            title=broadcast.title,
            host=broadcast.host,
            state=OnAir.LIVE,
            person=broadcast.person,
            source_name=broadcast.source_name,
            started_at=broadcast.started_at,
        )
        if not added:
            raise AlreadyOnAir
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


def broadcast_folder(station: Station, broadcast_id: str) -> Path:
    """Where the live role keeps a broadcast's segments."""
    return station.settings.data / "live" / broadcast_id


async def export_broadcast(station: Station, broadcast_id: str, out: Path) -> bool:
    """What viewers saw as one MP4, copied from its segments; False when nothing was ever on air."""
    try:
        await asyncio.to_thread(to_mp4, broadcast_folder(station, broadcast_id), out)
    except NothingRecorded:
        return False
    return True
