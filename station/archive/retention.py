"""Meetings that nobody told of are archived after all; recordings, bags and chats go when their term is over."""

from __future__ import annotations

import asyncio
import shutil
from datetime import timedelta
from pathlib import Path

import structlog

from recordings.timeline import read_timeline
from station.archive.jobs import bag_folder, composed_file, recording_folder
from station.archive.publishing import recall_broadcasts
from station.base import jobs
from station.base.clock import years_before
from station.base.one_by_one import do_each
from station.base.principal import SYSTEM
from station.base.station import Station
from station.ledger.service import append_once
from station.live.web.service import broadcast_folder, broadcasts_of_meeting
from station.meeting.service import meetings_without_job
from station.meeting.term import delete_expired_chat, meetings_to_expire
from station.nodes.journal import rebuild_attendance
from station.nodes.journal_store import blank_names

log = structlog.get_logger()
WAIT = timedelta(minutes=10)  # the room's own journal comes within seconds; a media process may be away for minutes
LOOK_BACK = timedelta(days=90)


async def archive_forgotten_meetings(station: Station) -> int:
    """Ask for the archive of ended meetings whose room never told that it was closed; returns how many.

    That happens when a media process lost the tail of its journal. Who was there is taken from the recording.
    """
    now = station.clock.now()

    async def archive(meeting_id: str) -> bool:
        timeline = await asyncio.to_thread(read_timeline, recording_folder(station.settings, meeting_id))
        async with station.database.transaction() as work:
            if not await append_once(station, work, SYSTEM, "meeting.rebuilt", f"meeting:{meeting_id}"):
                return False  # another work role was faster
            people = await rebuild_attendance(work, meeting_id, timeline)
            await jobs.enqueue(work, "compose", f"compose:{meeting_id}", {"meeting": meeting_id}, now)
        log.error("meeting_was_forgotten", meeting=meeting_id, people=people, recorded_s=timeline.duration_s)
        return True

    return await do_each(await meetings_without_job(station, now - LOOK_BACK, now - WAIT), archive)


async def expire_recordings(station: Station) -> int:
    """Delete recordings, composed videos, broadcasts, bags, chats and the names of who was there past their term;
    returns of how many meetings.

    One that cannot be deleted now keeps none of the others: it is told in the log and tried at the next turn.
    """
    before = years_before(station.clock.now(), station.settings.keep_recordings_years)

    async def expire(meeting_id: str) -> bool:
        await _expire(station, meeting_id)
        return True

    return await do_each(await meetings_to_expire(station, before), expire)


async def _expire(station: Station, meeting_id: str) -> None:
    """Nothing is public any longer first, then the files go: a crash in between is found and done again, because the
    meeting is not marked yet. Raises Unavailable, OSError.
    """
    await recall_broadcasts(station, meeting_id)
    paths = [
        recording_folder(station.settings, meeting_id),
        composed_file(station.settings, meeting_id),
        bag_folder(station.settings, meeting_id),
        *(broadcast_folder(station, b.id) for b in await broadcasts_of_meeting(station, meeting_id)),
    ]
    deleted = [path.parent.name for path in paths if await asyncio.to_thread(_delete, path)]
    async with station.database.transaction() as work:
        lines = await delete_expired_chat(station, work, meeting_id)
        names = await blank_names(work, meeting_id)
        if deleted or lines or names:
            data = {"deleted": sorted(set(deleted)), "chat_lines": lines, "names": names}
            await append_once(station, work, SYSTEM, "archive.expired", f"meeting:{meeting_id}", data)


def _delete(path: Path) -> bool:
    if path.is_dir():
        shutil.rmtree(path)
        return True
    existed = path.exists()
    path.unlink(missing_ok=True)
    return existed
