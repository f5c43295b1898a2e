"""Going on air, changing the source, going off: the rows of broadcasts, and the live role told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from pathlib import Path

import structlog

from station.base.database import ReadConnection, Transaction
from station.base.errors import N_, Conflict, DatabaseAway, NotFound, Unavailable
from station.base.idempotency import claim_key
from station.base.ids import new_id
from station.base.principal import SYSTEM, Principal
from station.base.station import Station
from station.ledger.service import append
from station.live.web import client, store
from station.live.web.export import NothingRecorded, to_mp4
from station.live.web.model import Broadcast, BroadcastEnded, LiveStatus, OnAir

log = structlog.get_logger()
ORPHAN_AFTER_S = 30.0  # longer than storing a row takes
LIVE_TOPIC = "live"
Check = Callable[[Transaction], Awaitable[None]]


class AlreadyOnAir(Conflict):
    code = "already-on-air"
    message = N_("这场听证会已经在直播了")


class StillOnAir(Conflict):
    code = "still-on-air"
    message = N_("还在直播，停了以后才能审核公开")


async def start_broadcast(
    station: Station,
    who: Principal,
    meeting_id: str,
    title: str,
    host: str,
    person: str,
    source_name: str,
    check: Check | None = None,
) -> Broadcast:
    """Put a person's video and audio of a meeting on air. Raises AlreadyOnAir, Unavailable (nothing is kept then).

    `check` runs in the transaction that stores the broadcast, and may raise: a consent that is taken back while the
    live role is being asked still counts.
    """
    broadcast = Broadcast(
        id=new_id("bc"),
        meeting_id=meeting_id,
        title=title,
        host=host,
        state=OnAir.LIVE,
        person=person,
        source_name=source_name,
        started_at=station.clock.now(),
        ended_at=None,
    )
    # The live role first and the row after it: no database lock is held while another process is asked.
    try:
        await client.put_broadcast(station, broadcast.id, meeting_id, person)
        await _insert(station, who, broadcast, check)
    except BaseException:  # also when the caller went away: nothing may be on air without a row
        await _undo_start(station, broadcast.id)
        raise
    return broadcast


async def _undo_start(station: Station, broadcast_id: str) -> None:
    if await asyncio.shield(_is_stored(station, broadcast_id)):
        return  # whoever asked went away just as it was stored: it is on air, and its row says so
    try:
        await asyncio.shield(client.delete_broadcast(station, broadcast_id))
    except Unavailable:  # `end_orphans` does it later
        log.warning("broadcast_not_undone", broadcast=broadcast_id)


async def _is_stored(station: Station, broadcast_id: str) -> bool:
    try:
        async with station.database.read() as connection:
            return bool(await store.on_air_among(connection, [broadcast_id]))
    except DatabaseAway:
        return False


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


async def _insert(station: Station, who: Principal, broadcast: Broadcast, check: Check | None) -> None:
    async with station.database.transaction() as work:
        await claim_key(work, station.clock.now())
        if check is not None:
            await check(work)
        # One broadcast of a meeting is on air at a time: an index says so, for two clerks who press at once.
        if not await store.add_broadcast(work, broadcast):
            raise AlreadyOnAir
        await store.add_source(work, broadcast.id, broadcast.person)
        await _record(station, work, who, "broadcast.started", broadcast)


async def change_source(
    station: Station, who: Principal, broadcast_id: str, person: str, source_name: str, check: Check | None = None
) -> Broadcast:
    """Show somebody else. Raises NotFound, BroadcastEnded, Unavailable, and what `check` raises.

    However it ends, what is shown is what the row says: an answer of the live role may be lost on the way, and two
    clerks may change the source at once.
    """
    async with station.database.transaction() as work:
        if check is not None:  # who has just said no is not shown for a moment either
            await check(work)
        before = await _on_air(work, broadcast_id)
        # First of all: who is shown even for a moment must be found by a consent that is taken back meanwhile.
        await store.add_source(work, broadcast_id, person)
        await store.change_broadcast(work, before)  # were we to die now, a chore tells live what the row says
    try:
        await client.put_broadcast(station, broadcast_id, before.meeting_id, person)
        changed = await _store_source(station, who, before, person, source_name, check)
    except BroadcastEnded:
        raise
    except BaseException:
        async with station.database.transaction() as work:
            await store.change_broadcast(work, await _on_air(work, broadcast_id))
        await sync_broadcasts(station, [broadcast_id])  # the one before is on air again
        raise
    await sync_broadcasts(station, [broadcast_id])
    return changed


async def _store_source(
    station: Station, who: Principal, broadcast: Broadcast, person: str, source_name: str, check: Check | None
) -> Broadcast:
    changed, broadcast_id = replace(broadcast, person=person, source_name=source_name), broadcast.id
    async with station.database.transaction() as work:
        await claim_key(work, station.clock.now())
        if check is not None:
            await check(work)
        current = await _on_air(work, broadcast_id)
        await store.change_broadcast(work, current, person=person, source_name=source_name)
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
        await store.set_columns(work, broadcast_id, state=ended.state, ended_at=ended.ended_at)
        await _record(station, work, who, "broadcast.ended", ended)
    return ended


async def lock_broadcasts_showing(work: Transaction, meeting_id: str, person: str) -> None:
    """Hold the broadcasts in which a person has been shown until the end of the transaction."""
    await store.broadcasts_showing(work.connection, meeting_id, person)


async def withdraw_person(
    station: Station, work: Transaction, who: Principal, meeting_id: str, person: str
) -> list[Broadcast]:
    """Part of taking a consent back: wherever the person has been shown, they can no longer be seen.

    On air now: off air. On air with somebody else: their part is hidden from those who rewind. Published: recalled.
    Returns the broadcasts that changed; the caller has them told by `sync_broadcasts` after the commit.
    """
    changed = []
    for broadcast in await store.broadcasts_showing(work.connection, meeting_id, person):
        hidden = await store.hide_source(work, broadcast.id, person, hidden=True)
        if broadcast.live and broadcast.person == person:
            now = station.clock.now()
            await store.change_broadcast(work, broadcast, state=OnAir.ENDED, ended_at=now, published=False)
            await _record(station, work, who, "broadcast.withdrawn", broadcast)
        elif broadcast.published:
            await store.change_broadcast(work, broadcast, published=False)
            await _record(station, work, who, "broadcast.recalled", broadcast)
        elif hidden:
            await store.change_broadcast(work, broadcast)
            await _record(station, work, who, "broadcast.hidden", broadcast, {"hidden": person})
        else:
            continue
        changed.append(broadcast)
    return changed


async def readmit_person(
    station: Station, work: Transaction, who: Principal, meeting_id: str, person: str
) -> list[Broadcast]:
    """Part of agreeing again: what was hidden of them may be seen again where the broadcast itself may be."""
    changed = []
    for broadcast in await store.broadcasts_showing(work.connection, meeting_id, person):
        if await store.hide_source(work, broadcast.id, person, hidden=False):
            await store.change_broadcast(work, broadcast)
            await _record(station, work, who, "broadcast.shown-again", broadcast, {"hidden": person})
            changed.append(broadcast)
    return changed


async def set_published(
    station: Station, work: Transaction, who: Principal, broadcast_id: str, published: bool
) -> Broadcast:
    """Part of a review: make a recording public, or take it back. Raises NotFound, StillOnAir."""
    broadcast = await store.broadcast_by(work.connection, broadcast_id, for_update=True)
    if broadcast is None:
        raise NotFound
    if broadcast.live:
        raise StillOnAir
    if broadcast.published is not published:
        await store.change_broadcast(work, broadcast, published=published)
        action = "broadcast.published" if published else "broadcast.recalled"
        await _record(station, work, who, action, broadcast)
    return replace(broadcast, published=published)


async def sync_broadcast(station: Station, broadcast_id: str) -> None:
    """Tell the live role what the rows say: over or not, public or not, whom it shows and whom it hides.

    Again when they have changed meanwhile: whoever told of the change may have been overtaken by what we read before
    it, and would have somebody seen again who has just taken back their word. Raises NotFound, Unavailable.
    """
    while not await _tell_newest(station, broadcast_id):
        pass


async def _tell_newest(station: Station, broadcast_id: str) -> bool:
    """Tell what the rows say now; False when they said something else by the time it was told."""
    broadcast = await get_broadcast(station, broadcast_id)
    async with station.database.read() as connection:
        sources = await store.sources_of(connection, broadcast_id)
    hidden = [person for person, is_hidden in sources.items() if is_hidden]
    # What must no longer be seen goes first: were the role to die in between, nothing is left open.
    await client.set_access(station, broadcast_id, broadcast.published, hidden)
    if broadcast.live:
        await client.put_broadcast(station, broadcast_id, broadcast.meeting_id, broadcast.person)
    else:
        await client.delete_broadcast(station, broadcast_id)
    async with station.database.transaction() as work:
        return await store.mark_told(work, broadcast)


async def sync_broadcasts(station: Station, broadcast_ids: Iterable[str]) -> None:
    """`sync_broadcast` for several, after the commit: what fails is logged, and `sync_pending` does it again."""
    for broadcast_id in broadcast_ids:
        try:
            await sync_broadcast(station, broadcast_id)
        except Exception:
            log.exception("broadcast_not_synced", broadcast=broadcast_id)


async def untold(station: Station) -> list[str]:
    """Broadcasts of whose last change the live role has not been told."""
    async with station.database.read() as connection:
        return await store.pending_broadcasts(connection)


async def sync_pending(station: Station) -> None:
    """Chore: tell the live role what it has not been told, for it was away or we died."""
    await sync_broadcasts(station, await untold(station))


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


async def _record(
    station: Station,
    work: Transaction,
    who: Principal,
    action: str,
    broadcast: Broadcast,
    more: dict[str, str] | None = None,
) -> None:
    data = {"meeting": broadcast.meeting_id, "person": broadcast.person, **(more or {})}
    await append(station, work, who, action, broadcast.subject, data)

    async def tell() -> None:
        await station.bus.publish(LIVE_TOPIC, {"action": action, "broadcast": broadcast.id})
        # Those in the room must see at once whether they are on air.
        await station.bus.publish(f"meeting:{broadcast.meeting_id}", {"action": action})

    work.after_commit.append(tell)


async def get_broadcast(station: Station, broadcast_id: str) -> Broadcast:
    """A broadcast, public or not: the caller looks at that. Raises NotFound."""
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


async def list_public_broadcasts(station: Station) -> list[Broadcast]:
    """The newest broadcasts that everybody may see: on air, or reviewed and published."""
    async with station.database.read() as connection:
        return await store.newest_broadcasts(connection, public=True)


async def sources_on(connection: ReadConnection, broadcast_id: str) -> list[str]:
    """Everybody who has been shown in a broadcast."""
    return list(await store.sources_of(connection, broadcast_id))


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
