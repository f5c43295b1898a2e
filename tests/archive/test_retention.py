"""Meetings that no journal told of are archived after all; what is past its term is deleted, and said to be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update
from structlog.testing import capture_logs

from station.archive import retention
from station.archive.jobs import bag_folder, composed_file, recording_folder
from station.archive.publishing import TermIsOver, publish_broadcast, publish_replay
from station.archive.retention import archive_forgotten_meetings, expire_recordings
from station.base.clock import FixedClock
from station.base.jobs import find_job, jobs
from station.base.principal import SYSTEM
from station.base.station import Station
from station.ledger.service import timeline
from station.live.origin.main import LiveServer
from station.live.web.service import broadcast_folder, list_public_broadcasts
from station.live.web.store import broadcasts
from station.meeting.chat import chat_of
from station.meeting.model import Meeting, MeetingState
from station.meeting.service import HearingForm, create_hearing, get_meeting
from station.meeting.store import chat_messages, meetings
from station.nodes.journal import roll_call
from station.nodes.journal_store import attendance, recording_marks
from tests.archive.conftest import CLERK
from tests.fixtures import Person
from tests.recordings.media import EPOCH_MS, feed, record, sound, track, video
from tests.servers import pick_port

NewPerson = Callable[..., Awaitable[Person]]


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


async def expired(station: Station, hearing: Meeting) -> Station:
    """A station years later, at which the term of the hearing, which had been recorded, is over."""
    await end(station, hearing)
    async with station.database.transaction() as work:
        started = {"journal": "j", "seq": 1, "room": hearing.id, "mark": "started", "at_ms": 0}
        await work.execute(insert(recording_marks).values(started))
    later = after(station, timedelta(days=3 * 365 + 2))
    assert await expire_recordings(later) == 1
    return later


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_the_page_of_a_replay_says_that_its_term_is_over(
    station: Station, hearing: Meeting, new_person: NewPerson, language: str
) -> None:
    """Neither "was not recorded" nor "not ready yet": what was there has been deleted, and is offered to nobody."""
    await expired(station, hearing)
    clerk = await new_person(CLERK.account)
    clerk.headers = {"Accept-Language": language}
    page = await clerk.get(f"/replay/{hearing.id}")
    told = {"zh": "保存期到了", "en": "kept for as long as it may be"}
    untrue = ("没有录像", "还没做好", "没有人写字", "没有人进来过", "not recorded", "not ready", "Nobody")
    assert told[language] in page
    assert not [words for words in untrue if words in page]
    assert f"/replay/{hearing.id}/publish" not in page


async def test_what_was_deleted_cannot_be_published(station: Station, hearing: Meeting) -> None:
    """Who still has the page open is told why, of the replay and of a broadcast alike."""
    await add_broadcast(station, hearing, published=False)
    later = await expired(station, hearing)
    with pytest.raises(TermIsOver):
        await publish_replay(later, CLERK, hearing.id, True)
    with pytest.raises(TermIsOver):
        await publish_broadcast(later, CLERK, "bc_1", True)


async def test_a_public_broadcast_is_recalled_before_its_files_go(station: Station, hearing: Meeting) -> None:
    """The list of what can be watched again names none whose term is over; the live role is told, too."""
    town = replace(station, settings=station.settings.model_copy(update={"live_http_port": pick_port()}))
    await add_broadcast(town, hearing, published=True)
    await end(town, hearing)
    later = after(town, timedelta(days=3 * 365 + 2))
    assert await expire_recordings(later) == 0  # the live role is away: it might still hand them out
    async with LiveServer(town.settings):
        assert await expire_recordings(later) == 1
    assert await list_public_broadcasts(later) == []
    assert [e.action for e in await timeline(later, "broadcast:bc_1")] == ["broadcast.recalled"]


async def test_one_meeting_that_cannot_be_deleted_keeps_no_other(
    station: Station, hearing: Meeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that cannot be removed is told in the log; what else is past its term goes all the same."""
    form = HearingForm("第二场", hearing.deputy_id, hearing.starts_at, hearing.ends_at, public=True)
    other = await create_hearing(station, CLERK, form)
    for meeting in (hearing, other):
        recording_folder(station.settings, meeting.id).mkdir(parents=True)
    kept = min(hearing.id, other.id)

    def delete(path: Path) -> bool:
        if path.name == kept:
            raise PermissionError(path)
        return real(path)

    real = retention._delete
    monkeypatch.setattr(retention, "_delete", delete)
    later = after(station, timedelta(days=3 * 365 + 2))
    with capture_logs() as logged:
        assert await expire_recordings(later) == 1
    assert [e["item"] for e in logged if e["event"] == "chore_failed_for_one"] == [kept]
    left = {m.id for m in (hearing, other) if recording_folder(station.settings, m.id).exists()}
    assert left == {kept}
    monkeypatch.setattr(retention, "_delete", real)
    assert await expire_recordings(later) == 1


async def add_broadcast(station: Station, hearing: Meeting, *, published: bool) -> None:
    """A broadcast of the hearing that has ended."""
    now = station.clock.now()
    row = {"id": "bc_1", "meeting_id": hearing.id, "title": "", "state": "ended", "person": "p", "started_at": now}
    async with station.database.transaction() as work:
        await work.execute(insert(broadcasts).values(**row, published=published))
