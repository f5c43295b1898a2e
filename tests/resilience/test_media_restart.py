"""The media role is killed in the middle of a recorded meeting: all come back by themselves, the recording is whole."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import av
from playwright.async_api import Browser, expect

from recordings.timeline import Timeline, read_timeline
from tests.journeys import steps
from tests.journeys.test_meeting import meet, verify
from tests.journeys.visitor import Visitor
from tests.servers import RunningStation, wait_for

BACK_WITHIN_S = 15.0
MAX_LOST_MS = 1000


async def test_a_recorded_meeting_survives_the_death_of_media(
    browser: Browser, running_station: RunningStation
) -> None:
    """Both pages come back within seconds, recording goes on in the same timeline, the bag verifies and plays."""
    citizen, deputy, meeting = await meet(browser, running_station)
    folder = running_station.data / "recordings" / meeting
    await deputy.page.click("#record-start")
    await expect(citizen.page.locator("#recording-sign")).to_be_visible()
    await steps.frames_flow(deputy, more=30)
    killed_ms = await kill_media(running_station, citizen, deputy)
    await both_are_back(citizen, deputy, killed_ms)
    await expect(deputy.page.locator("#record-pause")).to_be_visible()
    await expect(citizen.page.locator("#recording-sign")).to_be_visible()
    await wait_for(lambda: goes_on(folder), "recording goes on")
    await steps.frames_flow(citizen, more=30)
    check_little_is_lost(read_timeline(folder), killed_ms)
    await deputy.page.click("#end")
    await deputy.page.click("#end-confirm")
    await expect(citizen.page.locator("#over-words")).to_be_visible()
    assert citizen.errors == [] and deputy.errors == []
    await check_bag(running_station, meeting)


async def kill_media(station: RunningStation, *people: Visitor) -> float:
    """`kill -9`; returns when, in Unix milliseconds, once both pages say that they have lost the room."""
    pid = station.pid("media-0")
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    killed_ms = time.time() * 1000
    await asyncio.gather(*(p.until("document.body.dataset.roomState === 'reconnecting'", 10) for p in people))
    return killed_ms


async def both_are_back(citizen: Visitor, deputy: Visitor, killed_ms: float) -> None:
    """Joined and decoding again, each within BACK_WITHIN_S of the kill."""
    for person in (citizen, deputy):
        await steps.enter_room(person)
    await asyncio.gather(steps.frames_flow(citizen, more=5), steps.frames_flow(deputy, more=5))
    assert time.time() - killed_ms / 1000 < BACK_WITHIN_S


async def goes_on(folder: Path) -> bool:
    """Whether something has been recorded since the crash."""
    timeline = await asyncio.to_thread(read_timeline, folder, time.time() * 1000)
    return timeline.state == "recording" and not timeline.interrupted and len(timeline.intervals) == 2


def check_little_is_lost(timeline: Timeline, killed_ms: float) -> None:
    """One recording, interrupted once; what is missing before the kill is less than a second."""
    names = [mark.name for mark in timeline.marks]
    assert names.count("started") == 1
    interrupted = [mark.at_ms for mark in timeline.marks if mark.name == "interrupted"]
    assert len(interrupted) == 1
    # To either side: what is recorded is stamped by the sender's clock, which may run ahead of the kill's.
    assert abs(killed_ms - interrupted[0]) < MAX_LOST_MS


async def check_bag(station: RunningStation, meeting: str) -> None:
    """One bag that verifies, whose video is as long as what was recorded."""
    bag = station.data / "bags" / meeting

    async def sealed() -> bool:
        return (bag / "bagit.txt").exists()

    await wait_for(sealed, "the bag", 150)
    checked = await asyncio.to_thread(verify, bag)
    assert checked.returncode == 0, checked.stdout
    places = list((bag / "data").rglob("timeline.jsonl"))
    assert len(places) == 1
    timeline = read_timeline(places[0].parent)
    assert timeline.state == "off" and len(timeline.intervals) == 2
    with av.open(str(bag / "data" / "meeting.mp4")) as video:
        assert video.duration is not None
        assert abs(video.duration / 1e6 - timeline.duration_s) < 0.5
        pictures = sum(1 for _ in video.decode(video=0))
    assert pictures / timeline.duration_s > 10
