"""The disk fills while a meeting is recorded: an alarm that everybody sees, a meeting that goes on, files that play."""

from __future__ import annotations

import resource
from pathlib import Path

import av
import pytest
from av.frame import Frame
from playwright.async_api import Browser, expect

from recordings.timeline import read_timeline
from tests.journeys import steps
from tests.journeys.test_meeting import meet
from tests.servers import RunningStation, wait_for

FULL = "硬盘满了"
MORE_BYTES = 200_000


async def test_a_full_disk_stops_the_recording_and_nothing_else(
    browser: Browser, running_station: RunningStation
) -> None:
    """Recording stops with words on both pages, frames go on, what was written can be played to its end."""
    citizen, deputy, meeting = await meet(browser, running_station)
    folder = running_station.data / "recordings" / meeting
    pid = running_station.pid("media-0")
    assert pid is not None
    await deputy.page.click("#record-start")
    await steps.frames_flow(deputy, more=10)
    await wait_for(lambda: has_bytes(folder), "a recording")
    fill_disk(pid, folder)
    for person in (deputy, citizen):
        alarm = person.page.locator("#room-problem")
        await expect(alarm).to_contain_text(FULL, timeout=60_000)
        await expect(alarm).to_be_visible()
        await expect(person.page.locator("#recording-sign")).to_be_hidden()
    await expect(deputy.page.locator("#record-start")).to_be_visible()
    for person in (citizen, deputy):
        await steps.frames_flow(person)
    assert running_station.pid("media-0") == pid
    check_files(folder)
    assert citizen.errors == [] and deputy.errors == []


async def has_bytes(folder: Path) -> bool:
    return sum(path.stat().st_size for path in folder.glob("*.mkv")) > 50_000


def fill_disk(pid: int, folder: Path) -> None:
    """The system lets this process's files grow only a little further, as a full disk would (EFBIG for ENOSPC)."""
    largest = max(path.stat().st_size for path in folder.glob("*.mkv"))
    limit = max(largest, 256 * 1024) + MORE_BYTES
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, hard))


def check_files(folder: Path) -> None:
    """The timeline tells why it ended; each track's file is played without a fault up to about that moment."""
    timeline = read_timeline(folder)
    assert timeline.state == "off"
    assert [mark.fields["code"] for mark in timeline.marks if mark.name == "alarm"] == ["disk_full"]
    assert len(timeline.tracks) == 4
    for track in timeline.tracks:
        with av.open(str(folder / track.file)) as file:
            frames = [frame for frame in file.decode(file.streams[0]) if isinstance(frame, Frame)]
            last_s = max(frame.time for frame in frames if frame.time is not None)
        assert last_s == pytest.approx(timeline.duration_s, abs=1.5), track.file
