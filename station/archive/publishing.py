"""Publishing after a review, and recalling: the replay of a meeting, and the recording of a broadcast."""

from __future__ import annotations

from collections.abc import Collection

from station.archive.jobs import composed_file
from station.base.database import Transaction
from station.base.errors import N_, Conflict, NotAllowed
from station.base.idempotency import claim_key
from station.base.principal import SYSTEM, Principal, Role
from station.base.station import Station
from station.live.web import service as live
from station.live.web.model import Broadcast
from station.meeting.consent import keeping_private, lock_answers, set_replay_public
from station.meeting.model import Meeting, Relation
from station.meeting.service import get_meeting, relation_of
from station.meeting.term import is_expired
from station.nodes.journal_store import was_recorded


class PublishingRefused(Conflict):
    code = "publishing-refused"
    message = N_("%(names)s 不同意公开，不能公开这段录像")


class NotOverYet(Conflict):
    code = "not-over-yet"
    message = N_("这场还没有结束，结束以后才能审核公开")


class NotMadeYet(Conflict):
    code = "not-made-yet"
    message = N_("录像还没做好。做好了，从头看过以后再公开")


class TermIsOver(Conflict):
    code = "term-is-over"
    message = N_("保存期到了，录像已经删除，不能再公开")


async def may_review(station: Station, who: Principal, meeting: Meeting) -> bool:
    """Whether the caller decides what of a meeting becomes public: a clerk of its station, or an administrator."""
    if who.role is Role.ADMIN:
        return True
    return who.role is Role.CLERK and await relation_of(station, who, meeting) is Relation.STAFF


async def publish_replay(station: Station, who: Principal, meeting_id: str, published: bool) -> None:
    """After review: show the replay to everybody, or take it back. Doing so twice changes nothing.

    Raises NotFound, NotAllowed, NotOverYet, TermIsOver, NotMadeYet, PublishingRefused naming who does not agree.
    """
    meeting = await _reviewed_meeting(station, who, meeting_id)
    if published and meeting.open:
        raise NotOverYet
    if published and await is_expired(station, meeting_id):
        raise TermIsOver
    if published and await awaits_video(station, meeting_id):
        raise NotMadeYet
    async with station.database.transaction() as work:
        if published:
            await claim_key(work, station.clock.now())
        current = await lock_answers(work, meeting_id)
        if published:
            await _check_publishable(work, meeting, None)
        if current.published is not published:
            await set_replay_public(station, work, who, meeting, published)


async def awaits_video(station: Station, meeting_id: str) -> bool:
    """Whether a recording has no composed video yet: what nobody can have looked at is not made public."""
    if composed_file(station.settings, meeting_id).exists():
        return False
    async with station.database.read() as connection:
        return await was_recorded(connection, meeting_id)


async def publish_broadcast(station: Station, who: Principal, broadcast_id: str, published: bool) -> Broadcast:
    """After review: show the recording of a broadcast to everybody, or take it back.

    Raises NotFound, NotAllowed, StillOnAir, TermIsOver, PublishingRefused naming who was shown and does not agree.
    """
    broadcast = await get_reviewed_broadcast(station, who, broadcast_id)
    meeting = await _reviewed_meeting(station, who, broadcast.meeting_id)
    if published and await is_expired(station, meeting.id):
        raise TermIsOver
    async with station.database.transaction() as work:
        if published:
            await claim_key(work, station.clock.now())
        await lock_answers(work, meeting.id)
        if published:
            await _check_publishable(work, meeting, await live.sources_on(work.connection, broadcast_id))
        changed = await live.set_published(station, work, who, broadcast_id, published)
    await live.sync_broadcasts(station, [broadcast_id])
    return changed


async def recall_broadcasts(station: Station, meeting_id: str) -> None:
    """Take all broadcasts of a meeting back from the public, before their files go. Raises Unavailable."""
    every = await live.broadcasts_of_meeting(station, meeting_id)
    public = [b for b in every if b.published]
    if public:
        async with station.database.transaction() as work:
            await lock_answers(work, meeting_id)
            for broadcast in public:
                await live.set_published(station, work, SYSTEM, broadcast.id, False)
    untold = await live.untold(station)  # and what was taken back before, while the live role was away
    for broadcast in every:
        if broadcast.id in untold:
            await live.sync_broadcast(station, broadcast.id)


async def refusals_of_broadcast(station: Station, broadcast: Broadcast) -> list[str]:
    """The names of the citizens who were shown in a broadcast and do not agree to publishing."""
    meeting = await get_meeting(station, SYSTEM, broadcast.meeting_id)
    async with station.database.read() as connection:
        seen = await live.sources_on(connection, broadcast.id)
        return await keeping_private(connection, meeting, seen)


async def get_reviewed_broadcast(station: Station, who: Principal, broadcast_id: str) -> Broadcast:
    """A broadcast, public or not, for those who review it. Raises NotFound, NotAllowed."""
    broadcast = await live.get_broadcast(station, broadcast_id)
    await _reviewed_meeting(station, who, broadcast.meeting_id)
    return broadcast


async def _reviewed_meeting(station: Station, who: Principal, meeting_id: str) -> Meeting:
    meeting = await get_meeting(station, who, meeting_id)
    if not await may_review(station, who, meeting):
        raise NotAllowed
    return meeting


async def _check_publishable(work: Transaction, meeting: Meeting, seen: Collection[str] | None) -> None:
    names = await keeping_private(work.connection, meeting, seen)
    if names:
        raise PublishingRefused(names="、".join(names))
