"""Meetings that no journal told of are archived after all; what is past its term is deleted, and said to be."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from station.archive.jobs import bag_folder, composed_file, recording_folder
from station.archive.retention import archive_forgotten_meetings, expire_recordings
from station.base.clock import FixedClock
from station.base.jobs import find_job, jobs
from station.base.principal import SYSTEM
from station.base.station import Station
from station.ledger.service import timeline
from station.live.web.service import broadcast_folder
from station.live.web.store import broadcasts
from station.meeting.chat import chat_of
from station.meeting.model import Meeting, MeetingState
from station.meeting.service import get_meeting
from station.meeting.store import chat_messages, meetings
from station.nodes.journal import roll_call
from station.nodes.journal_store import attendance
from tests.recordings.media import EPOCH_MS, feed, record, sound, track, video


def after(station: Station, by: timedelta) -> Station:
    return replace(station, clock=FixedClock(station.clock.now() + by))


async def end(station: Station, meeting: Meeting) -> None:
    """The meeting has ended, and no journal says that its room was closed."""
    async with station.database.transaction() as work:
        values = {"state": MeetingState.ENDED, "ended_at": station.clock.now()}
        await work.execute(update(meetings).where(meetings.c.id == meeting.id).values(**values))


async def test_a_meeting_that_no_journal_told_of_is_rebuilt_from_its_recording(
    station: Station, hearing: Meeting
) -> None:
    """Ten minutes after its end it is composed like any other, and who was there is taken from the recording."""
    folder = recording_folder(station.settings, hearing.id)
    await record(
        folder,
        feed(track("a"), video("h264", 25)),
        feed(track("b", "microphone", "opus", "p2", "王芳"), sound(2)),
        stop_ms=EPOCH_MS + 3000,
    )
    await end(station, hearing)
    assert await archive_forgotten_meetings(after(station, timedelta(minutes=9))) == 0
    later = after(station, timedelta(minutes=11))
    assert await archive_forgotten_meetings(later) == 1
    assert await archive_forgotten_meetings(later) == 0
    stays = await roll_call(station, hearing.id)
    assert sorted(stay.name for stay in stays) == sorted({track("a").name, "王芳"})
    assert all(stay.left_at is not None and stay.left_at > stay.joined_at for stay in stays)
    async with station.database.read() as connection:
        assert await find_job(connection, f"compose:{hearing.id}") is not None
    assert [e.action for e in await timeline(station, hearing.subject)][-1] == "meeting.rebuilt"


async def test_a_forgotten_meeting_without_a_recording_is_archived_too(station: Station, hearing: Meeting) -> None:
    """Nothing recorded, nobody told: it is still composed (of nothing) and sealed."""
    await end(station, hearing)
    assert await archive_forgotten_meetings(after(station, timedelta(minutes=11))) == 1
    async with station.database.read() as connection:
        assert (await connection.execute(select(jobs.c.kind))).scalars().all() == ["compose"]
    assert await roll_call(station, hearing.id) == []


@pytest.mark.parametrize("ended", [True, False])
async def test_everything_of_a_meeting_goes_when_its_term_is_over(
    station: Station, hearing: Meeting, ended: bool
) -> None:
    """Recording, video, bag, broadcast and chat go three years after the end, or after the hour it was planned for."""
    if ended:
        await end(station, hearing)
    kept = [recording_folder(station.settings, hearing.id), bag_folder(station.settings, hearing.id)]
    kept.append(broadcast_folder(station, "bc_1"))
    for folder in kept:
        folder.mkdir(parents=True)
        (folder / "file").write_text("x")
    composed_file(station.settings, hearing.id).parent.mkdir()
    composed_file(station.settings, hearing.id).write_text("x")
    now = station.clock.now()
    row = {"id": "bc_1", "meeting_id": hearing.id, "title": "", "state": "ended", "person": "p", "started_at": now}
    line = {"id": "ch_1", "meeting_id": hearing.id, "account": "a", "name": "n", "text": "t", "at": now}
    stay = {"id": "at_1", "room": hearing.id, "person": "ac_1", "name": "王芳", "session": "s", "joined_at": now}
    async with station.database.transaction() as work:
        await work.execute(insert(attendance).values(stay))
        await work.execute(insert(broadcasts).values(row))
        await work.execute(insert(chat_messages).values(line))
    assert await expire_recordings(after(station, timedelta(days=3 * 365))) == 0
    assert all(folder.exists() for folder in kept)
    much_later = after(station, timedelta(days=3 * 365 + 2))
    assert await expire_recordings(much_later) == 1
    assert await expire_recordings(much_later) == 0
    assert not [path for path in [*kept, composed_file(station.settings, hearing.id)] if path.exists()]
    assert await chat_of(station, SYSTEM, hearing.id) == []
    assert not (await get_meeting(station, SYSTEM, hearing.id)).published
    last = (await timeline(station, hearing.subject))[-1]
    assert (last.action, last.data["chat_lines"], last.data["names"]) == ("archive.expired", 1, 1)
    assert [(stay.person, stay.name) for stay in await roll_call(station, hearing.id)] == [("ac_1", "")]
