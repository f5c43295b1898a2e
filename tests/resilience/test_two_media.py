"""Two media processes: one is killed in a recorded meeting, the other takes the room; other rooms never notice."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import ClientSession
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import VideoStreamTrack
from playwright.async_api import Browser, expect
from sqlalchemy import select

from recordings.hold import holder_of
from recordings.timeline import read_timeline
from station.base.database import Database
from station.base.grants import Grant, GrantSigner, Right
from station.ledger.store import events_of
from station.nodes.journal_store import attendance_of, marks_of
from station.nodes.placement_store import placements
from tests.journeys import steps
from tests.journeys.test_meeting import meet, verify
from tests.journeys.visitor import Visitor
from tests.resilience.test_media_restart import goes_on
from tests.servers import RunningStation, pick_ports, start_station, wait_for

pytestmark = pytest.mark.heavy

BACK_WITHIN_S = 15.0  # what is aimed at is 5 s; the machine may be busy with other tests
HALL = "hall"


@pytest.fixture(scope="module")
def two_media(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStation]:
    """A whole station with two media processes."""
    settings = {
        "STATION_MEDIA_PROCESSES": "2",
        "STATION_MEDIA_PORT": str(pick_ports(2)),
        "STATION_MEDIA_HTTP_PORT": str(pick_ports(2)),
    }
    with start_station(tmp_path_factory.mktemp("two"), demo=True, first_start=False, **settings) as running:
        yield running


@dataclass
class Rows:
    """What the station's database says."""

    database: Database

    async def node_of(self, room: str) -> str:
        async with self.database.read() as connection:
            query = select(placements.c.node).where(placements.c.room == room)
            return str((await connection.execute(query)).scalar())

    async def stays(self, room: str) -> list[tuple[str, bool]]:
        """(account, whether the stay has ended), in the order of coming."""
        async with self.database.read() as connection:
            return [(stay.person, stay.left_at is not None) for stay in await attendance_of(connection, room)]

    async def marks(self, room: str) -> list[str]:
        """What web has heard of a room's recording."""
        async with self.database.read() as connection:
            return [mark for mark, _ in await marks_of(connection, room)]

    async def moves(self, meeting: str) -> list[dict[str, str]]:
        """From where to where, as the ledger tells."""
        async with self.database.read() as connection:
            events = await events_of(connection, f"meeting:{meeting}")
        return [event.data for event in events if event.action == "meeting.moved"]


@asynccontextmanager
async def rows_of(station: RunningStation) -> AsyncIterator[Rows]:
    database = Database(f"sqlite+aiosqlite:///{station.data / 'station.db'}")
    yield Rows(database)
    await database.close()


class Hall:
    """Another room: an encoder that came by WHIP, a player by WHEP, both through web."""

    def __init__(self, station: RunningStation) -> None:
        self.station, self.frames = station, 0
        self.encoder, self.player = RTCPeerConnection(), RTCPeerConnection()
        self._watching: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Hall:
        self.encoder.addTrack(VideoStreamTrack())
        await self._connect(self.encoder, "whip", Right.PUBLISH)
        seen: asyncio.Queue[MediaStreamTrack] = asyncio.Queue()
        self.player.on("track", seen.put_nowait)
        self.player.addTransceiver("video", direction="recvonly")
        await self._connect(self.player, "whep", Right.SUBSCRIBE)
        self._watching = asyncio.create_task(self._watch(await seen.get()))
        await self.goes_on()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._watching is not None:
            self._watching.cancel()
        await self.player.close()
        await self.encoder.close()

    async def _connect(self, peer: RTCPeerConnection, way: str, right: Right) -> None:
        await peer.setLocalDescription(await peer.createOffer())
        signer = GrantSigner.load(self.station.data / "keys")
        grant = signer.sign(Grant(HALL, way, way, frozenset({right}), int(time.time()) + 600))
        headers = {"Authorization": f"Bearer {grant}", "Content-Type": "application/sdp"}
        url, offer = f"{self.station.address}/{way}/{HALL}", peer.localDescription.sdp
        async with ClientSession() as http, http.post(url, data=offer, headers=headers) as answer:
            assert answer.status == 201, await answer.text()
            await peer.setRemoteDescription(RTCSessionDescription(await answer.text(), "answer"))

    async def _watch(self, track: MediaStreamTrack) -> None:
        while True:
            await track.recv()
            self.frames += 1

    async def goes_on(self, more: int = 10) -> None:
        """New frames arrive."""
        before = self.frames

        async def grown() -> bool:
            return self.frames >= before + more

        await wait_for(grown, "frames in the hall")


async def kill_media(station: RunningStation, node: str, *people: Visitor) -> float:
    """`kill -9` of one media process; returns when, by the monotonic clock."""
    pid = station.pid(f"media-{node}")
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    killed_at = time.monotonic()
    await asyncio.gather(*(p.until("document.body.dataset.roomState === 'reconnecting'", 10) for p in people))
    return killed_at


async def back_after_s(person: Visitor, killed_at: float) -> float:
    """Seconds from the kill until this page decodes new pictures again."""

    async def sees() -> bool:
        state = await person.page.evaluate("() => document.body.dataset.roomState")
        return state == "connected" and (await person.frames())["decoded"] > 0

    await wait_for(sees, "pictures again", BACK_WITHIN_S)
    return time.monotonic() - killed_at


@asynccontextmanager
async def nobody_restarts(station: RunningStation) -> AsyncIterator[None]:
    """The supervisor stands still: a process that dies stays dead until it goes on."""
    os.kill(station.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(station.process.pid, signal.SIGCONT)


async def test_a_meeting_moves_to_the_other_process(browser: Browser, two_media: RunningStation) -> None:
    """Both pages see each other again, the recording goes on in one timeline, the hall's frames never stop."""
    citizen, deputy, meeting = await meet(browser, two_media)
    folder = two_media.data / "recordings" / meeting
    async with rows_of(two_media) as rows, Hall(two_media) as hall:
        old, new = await rows.node_of(meeting), await rows.node_of(HALL)
        assert {old, new} == {"0", "1"}
        await deputy.page.click("#record-start")
        await expect(citizen.page.locator("#recording-sign")).to_be_visible()
        await steps.frames_flow(deputy, more=20)
        async with nobody_restarts(two_media):
            killed_at = await kill_media(two_media, old, citizen, deputy)
            hall_frames = hall.frames
            times_s = await asyncio.gather(*(back_after_s(person, killed_at) for person in (citizen, deputy)))
            print(f"\npictures again after {', '.join(f'{t:.2f}' for t in times_s)} s", flush=True)
            assert hall.frames > hall_frames
            assert await rows.node_of(meeting) == new
            await expect(deputy.page.locator("#record-pause")).to_be_visible()
            await wait_for(lambda: goes_on(folder), "recording goes on")
            assert holder_of(folder) == new
        await wait_for(lambda: is_up(two_media, old), "the old process again")
        assert meeting not in await rooms_at(two_media, old)
        await steps.frames_flow(citizen, more=10)
        await hall.goes_on()
        await check_what_is_told(rows, meeting, old, new)
        assert (await rows.node_of(HALL)) == new and hall.player.connectionState == "connected"
    await deputy.page.click("#end")
    await deputy.page.click("#end-confirm")
    await expect(citizen.page.locator("#over-words")).to_be_visible()
    assert citizen.errors == [] and deputy.errors == []
    await check_bag(two_media, meeting)
    await citizen.leave()
    await deputy.leave()


def url_of(station: RunningStation, node: str) -> str:
    return f"http://127.0.0.1:{int(station.environment['STATION_MEDIA_HTTP_PORT']) + int(node)}"


async def is_up(station: RunningStation, node: str) -> bool:
    try:
        async with ClientSession() as http, http.get(url_of(station, node) + "/readyz") as answer:
            return answer.status == 200
    except OSError:
        return False


async def control(station: RunningStation, node: str, method: str, path: str, body: object = None) -> object:
    """A call of a media process's control interface."""
    token = GrantSigner.load(station.data / "keys").service_token()
    headers, url = {"Authorization": f"Bearer {token}"}, f"{url_of(station, node)}{path}"
    async with ClientSession() as http, http.request(method, url, json=body, headers=headers) as answer:
        assert answer.status < 300, await answer.text()
        return await answer.json() if answer.content_type == "application/json" else None


async def rooms_at(station: RunningStation, node: str) -> list[str]:
    """The rooms that a media process holds."""
    answer = await control(station, node, "GET", "/control/rooms")
    assert isinstance(answer, dict)
    return list(answer["rooms"])


async def check_what_is_told(rows: Rows, meeting: str, old: str, new: str) -> None:
    """The ledger says once that the room moved; of each person there is one stay that ended and one that goes on."""
    assert await rows.moves(meeting) == [{"from": old, "to": new}]

    async def settled() -> bool:
        stays = await rows.stays(meeting)
        return sorted(ended for _, ended in stays) == [False, False, True, True]

    await wait_for(settled, "two stays of two people")
    stays = await rows.stays(meeting)
    assert {person for person, ended in stays if ended} == {person for person, ended in stays if not ended}


async def check_bag(station: RunningStation, meeting: str) -> None:
    """One bag that verifies, with one timeline of two intervals."""
    bag = station.data / "bags" / meeting

    async def sealed() -> bool:
        return (bag / "bagit.txt").exists()

    await wait_for(sealed, "the bag", 150)
    checked = await asyncio.to_thread(verify, bag)
    assert checked.returncode == 0, checked.stdout
    places: list[Path] = list((bag / "data").rglob("timeline.jsonl"))
    assert len(places) == 1
    timeline = read_timeline(places[0].parent)
    assert timeline.state == "off" and len(timeline.intervals) == 2
    assert [mark.name for mark in timeline.marks].count("started") == 1
    assert not list((bag / "data").rglob(".*"))


async def record_a_moment(station: RunningStation, node: str) -> None:
    """Two events in the journal of that process."""
    for action in ("start", "stop"):
        await control(station, node, "POST", f"/control/rooms/told-{node}/recording", {"action": action})


async def test_both_journals_arrive_once_over_a_death_of_web(two_media: RunningStation) -> None:
    """What both processes tell before, while and after web is away is in the database, each event once."""
    async with rows_of(two_media) as rows:
        for node in ("0", "1"):
            await record_a_moment(two_media, node)
        async with nobody_restarts(two_media):
            web = two_media.pid("web")
            assert web is not None
            os.kill(web, signal.SIGKILL)
            for node in ("0", "1"):
                await record_a_moment(two_media, node)

        async def ready() -> bool:
            return await asyncio.to_thread(two_media.is_ready)

        await wait_for(ready, "web again", 60)
        for node in ("0", "1"):
            await record_a_moment(two_media, node)

        async def told() -> bool:
            return all([len(await rows.marks(f"told-{node}")) >= 6 for node in ("0", "1")])

        await wait_for(told, "all events of both")
        for node in ("0", "1"):
            assert await rows.marks(f"told-{node}") == ["started", "stopped"] * 3


async def test_a_process_that_hangs_loses_its_room(two_media: RunningStation) -> None:
    """Who comes meanwhile is led to the other one; when it wakes up it lets go, and the recording goes on there."""
    folder = two_media.data / "recordings" / HALL
    async with rows_of(two_media) as rows, Hall(two_media):
        old = await rows.node_of(HALL)
        await control(two_media, old, "POST", f"/control/rooms/{HALL}/recording", {"action": "start"})
        await wait_for(lambda: has_recorded(folder), "something recorded")
        pid = two_media.pid(f"media-{old}")
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        try:
            async with Hall(two_media) as again:
                new = await rows.node_of(HALL)
                assert new != old and holder_of(folder) == old  # one writer, even if it does not write
                os.kill(pid, signal.SIGCONT)
                await wait_for(lambda: goes_on(folder), "the recording at the new process")
                assert holder_of(folder) == new
                assert HALL not in await rooms_at(two_media, old)
                await again.goes_on()
                await control(two_media, new, "DELETE", f"/control/rooms/{HALL}")
        finally:
            os.kill(pid, signal.SIGCONT)
    assert read_timeline(folder).state == "off"


async def has_recorded(folder: Path) -> bool:
    return any(path.stat().st_size > 5_000 for path in folder.glob("*.mkv"))
