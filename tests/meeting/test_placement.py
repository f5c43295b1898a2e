"""Rooms shared over media processes: spread, agreed on, placed anew, never at two at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import select, update

from recordings.hold import FolderHold, holder_of
from recordings.timeline import read_timeline
from station.app import build_app
from station.base.clock import FixedClock
from station.base.database import Database
from station.base.errors import Unavailable
from station.base.grants import Grant, Right
from station.base.station import Station
from station.ledger.service import timeline
from station.nodes.media_client import close_room, get_room, set_recording
from station.nodes.model import RecordingAction
from station.nodes.placement import place_room
from station.nodes.placement_store import placements
from station.nodes.reconcile import FORGET_AFTER, reconcile
from station.rtc.http.main import MediaServer
from tests.servers import pick_ports, wait_for

NODES = 3


@dataclass
class Processes:
    """Media processes in this process, each of which can go away and come back."""

    station: Station
    running: dict[str, MediaServer] = field(default_factory=dict)

    async def start(self, name: str) -> None:
        self.running[name] = await MediaServer(self.station.settings, int(name)).__aenter__()

    async def stop(self, name: str) -> None:
        await self.running.pop(name).__aexit__()

    def holders(self, room: str) -> list[str]:
        """The processes at which the room is."""
        return [name for name, server in self.running.items() if room in server.rooms.rooms]


@pytest_asyncio.fixture
async def city(station: Station) -> Station:
    """A station with three media processes."""
    several = {"media_processes": NODES, "media_http_port": pick_ports(NODES), "media_port": 0}
    return replace(station, settings=station.settings.model_copy(update=several))


@pytest_asyncio.fixture
async def media(city: Station) -> AsyncIterator[Processes]:
    """They all run."""
    processes = Processes(city)
    for number in range(NODES):
        await processes.start(str(number))
    yield processes
    for name in list(processes.running):
        await processes.stop(name)


async def placed(station: Station) -> dict[str, str]:
    async with station.database.read() as connection:
        return {row.room: row.node for row in await connection.execute(select(placements))}


async def test_rooms_spread_evenly_and_stay(city: Station, media: Processes) -> None:
    """Twelve rooms make four at each of three processes; asking again changes nothing; a closed room makes place."""
    rooms = [f"mt_{number}" for number in range(12)]
    first = {room: (await place_room(city, room)).name for room in rooms}
    assert Counter(first.values()) == {"0": 4, "1": 4, "2": 4}
    assert {room: (await place_room(city, room)).name for room in rooms} == first
    await close_room(city, "mt_5")
    assert (await place_room(city, "mt_new")).name == first["mt_5"]


async def test_two_webs_agree(city: Station, media: Processes, postgres_database_url: str) -> None:
    """Asked by two web processes at the same moment, PostgreSQL keeps one place for each room, and one move."""
    async with AsyncExitStack() as stack:
        webs = [replace(city, database=Database(postgres_database_url)) for _ in range(2)]
        for web in webs:
            stack.push_async_callback(web.database.close)
        for room in ("mt_a", "mt_b", "mt_c"):
            found = await asyncio.gather(*(place_room(web, room) for web in webs * 4))
            assert len({node.name for node in found}) == 1
        held = (await placed(webs[0]))["mt_a"]
        await media.stop(held)
        moved = {node.name for node in await asyncio.gather(*(place_room(web, "mt_a") for web in webs * 4))}
        assert len(moved) == 1 and held not in moved
        events = await timeline(webs[1], "meeting:mt_a")
        assert [(e.action, e.data) for e in events] == [("meeting.moved", {"from": held, "to": moved.pop()})]


async def test_a_room_whose_process_is_soon_back_stays(city: Station, media: Processes) -> None:
    """The supervisor needs a moment: a room does not move for that."""
    held = (await place_room(city, "mt_a")).name
    await media.stop(held)
    asking = asyncio.create_task(place_room(city, "mt_a"))
    await media.start(held)
    assert (await asking).name == held
    assert await timeline(city, "meeting:mt_a") == []


async def test_without_any_process_the_room_keeps_its_place(city: Station) -> None:
    """There is nowhere to go, so that whoever comes first back is asked."""
    assert (await place_room(city, "mt_a")).name == "0"
    assert await placed(city) == {}


async def test_the_recording_moves_with_the_room(city: Station, media: Processes) -> None:
    """The new process goes on in the same timeline; the old one, back again, leaves it alone."""
    held = (await place_room(city, "mt_a")).name
    await set_recording(city, "mt_a", RecordingAction.START)
    await media.stop(held)
    new = (await place_room(city, "mt_a")).name
    assert new != held
    assert (await get_room(city, "mt_a")).recording.state == "recording"
    folder = city.settings.data / "recordings" / "mt_a"
    assert holder_of(folder) == new
    await media.start(held)
    assert media.holders("mt_a") == [new]
    await set_recording(city, "mt_a", RecordingAction.STOP)
    await close_room(city, "mt_a")
    marks = [mark.name for mark in read_timeline(folder).marks]
    assert marks == ["started", "interrupted", "stopped"]
    assert holder_of(folder) == ""


async def test_after_a_power_cut_each_goes_on_with_its_own(city: Station, media: Processes) -> None:
    """All processes end and come back: every unfinished recording is taken up by the one that wrote it."""
    rooms = {f"mt_{n}": (await place_room(city, f"mt_{n}")).name for n in range(NODES)}
    for room in rooms:
        await set_recording(city, room, RecordingAction.START)
    for name in list(media.running):
        await media.stop(name)
    for number in range(NODES):
        await media.start(str(number))
    assert {room: media.holders(room) for room in rooms} == {room: [name] for room, name in rooms.items()}


async def test_a_room_at_two_processes_is_let_go_of_by_one(city: Station, media: Processes) -> None:
    """A process taken for gone still writes the recording: the new one waits, gets it, and there is one writer."""
    held = (await place_room(city, "mt_a")).name
    await set_recording(city, "mt_a", RecordingAction.START)
    other = next(name for name in media.running if name != held)
    async with city.database.transaction() as work:
        await work.execute(update(placements).values(node=other))
    media.running[other].rooms.open("mt_a")
    assert sorted(media.holders("mt_a")) == sorted([held, other])
    folder = city.settings.data / "recordings" / "mt_a"
    with pytest.raises(Unavailable):  # whether it is being recorded is not known yet
        await get_room(city, "mt_a")
    async with ClientSession() as http:
        await reconcile(city, http)
    assert media.holders("mt_a") == [other]

    async def taken_over() -> bool:
        return (await get_room(city, "mt_a")).recording.state == "recording"

    await wait_for(taken_over, "the recording at the new process")
    assert holder_of(folder) == other


async def test_who_comes_back_too_late_leaves_the_room_alone(city: Station, media: Processes) -> None:
    """A process that starts while another one takes up its recording comes up without that room."""
    held = (await place_room(city, "mt_a")).name
    await set_recording(city, "mt_a", RecordingAction.START)
    await media.stop(held)
    faster = FolderHold(city.settings.data / "recordings" / "mt_a", held)
    await media.start(held)
    assert media.holders("mt_a") == []
    faster.release(finished=False)


async def test_the_table_follows_what_is(city: Station, media: Processes) -> None:
    """A room that somebody entered past web is adopted where it is; one that is over is forgotten after a while."""
    media.running["2"].rooms.open("hall")
    assert (await place_room(city, "mt_a")).name == "0"
    async with ClientSession() as http:
        await reconcile(city, http)
        assert await placed(city) == {"hall": "2", "mt_a": "0"}
        assert isinstance(city.clock, FixedClock)
        city.clock.at += FORGET_AFTER + timedelta(seconds=1)
        await reconcile(city, http)
    assert await placed(city) == {"hall": "2"}


async def test_an_encoder_is_led_to_its_room(city: Station, media: Processes) -> None:
    """WHIP goes to the process that holds the room; a caller without a grant places nothing."""
    async with TestClient(TestServer(build_app(city))) as client:

        async def post(grant: str) -> tuple[int, Any]:
            headers = {"Authorization": f"Bearer {grant}", "Content-Type": "application/sdp"}
            async with client.post("/whip/hall", data="v=0", headers=headers) as answer:
                return answer.status, await answer.text()

        assert (await post("rubbish"))[0] == 401
        other_room = Grant("other", "enc", "enc", frozenset({Right.PUBLISH}), 2**40)
        assert (await post(city.signer.sign(other_room)))[0] == 403
        assert await placed(city) == {}
        for room in ("mt_a", "mt_b"):
            await place_room(city, room)
        status, _ = await post(city.signer.sign(replace(other_room, room="hall")))
        assert 400 <= status < 500
        assert (await placed(city))["hall"] == "2"
        async with client.get("/media/7/ws") as answer:
            assert answer.status == 404
