"""Recording a room: switched from outside, kept through kill -9, gone on with after a restart."""

from __future__ import annotations

import asyncio
import errno
import threading
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import av
import pytest
from aiohttp import ClientSession
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack

from recordings.hold import FolderHold
from recordings.recorder import RoomRecorder
from recordings.timeline import TIMELINE_FILE, read_timeline
from station.base.errors import Unavailable
from station.base.grants import Grant, GrantSigner, Right
from station.rtc.rooms.journal import Journal
from station.rtc.rooms.messages import RecordingInfo
from station.rtc.rooms.recording import RoomRecording
from tests.rtc.conftest import Media, MediaProcess
from tests.rtc.test_http import offer_of, peer, publish_by_whip

ROOM = "/control/rooms/mt_test"


def durations_s(folder: Path) -> dict[str, tuple[float, float]]:
    """First and last time of each track file, in seconds since the first start: every packet is read."""
    found = {}
    for path in folder.glob("*.mkv"):
        with av.open(str(path)) as container:
            times = [float(p.pts * p.time_base) for p in container.demux() if p.pts is not None]
        found[path.name.split("-")[1].removesuffix(".mkv")] = (min(times), max(times))
    return found


async def wait_for_bytes(files: Path, least: int, count: int = 2) -> None:
    async with asyncio.timeout(30):
        while sum(path.stat().st_size >= least for path in files.glob("*.mkv")) < count:
            await asyncio.sleep(0.05)


async def test_recording_is_switched_from_outside(media: Media) -> None:
    """Start, pause, resume and stop are idempotent, in the journal once each, and leave files that play."""
    folder = media.settings.data / "recordings" / "mt_test"
    async with peer() as encoder:
        await publish_by_whip(media, encoder)
        for action, state in (
            ("stop", "off"), ("start", "recording"), ("start", "recording"),
        ):  # fmt: skip
            answer = await media.control("POST", ROOM + "/recording", {"action": action})
            assert answer == (200, {"state": state, "alarm": None})
        await wait_for_bytes(folder, 3_000)
        _, room = await media.control("GET", ROOM)
        assert 0 < room["recorded_s"] < 30
        for action, state in (("pause", "paused"), ("pause", "paused"), ("resume", "recording"), ("stop", "off")):
            answer = await media.control("POST", ROOM + "/recording", {"action": action})
            assert answer == (200, {"state": state, "alarm": None})
        assert (await media.control("POST", ROOM + "/recording", {"action": "sing"}))[0] == 422
        assert (await media.control("DELETE", ROOM))[0] == 204
    _, page = await media.control("GET", "/journal?after=0")
    kinds = [event["kind"] for event in page["events"] if event["kind"].startswith("recording")]
    assert kinds == ["recording_started", "recording_paused", "recording_resumed", "recording_stopped"]
    assert set(durations_s(folder)) == {"camera", "microphone"}
    assert read_timeline(folder).state == "off"


async def test_a_full_disk_stops_the_recording_and_not_the_meeting(
    media: Media, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the disk takes no more, recording goes off with an alarm that everyone hears, and the room goes on."""

    class Full:
        def write(self, _data: bytes) -> int:
            raise OSError(errno.ENOSPC, "no space left")

        def __getattr__(self, _name: str) -> Any:
            return lambda *_: None

    original = RoomRecorder.__init__
    monkeypatch.setattr(
        RoomRecorder,
        "__init__",
        lambda self, folder, alarm, holder: original(self, folder, alarm, holder=holder, open_file=lambda _: Full()),
    )
    async with peer() as encoder, media.http.ws_connect(media.url + "/media/ws") as socket:
        await publish_by_whip(media, encoder)
        await socket.send_json({"type": "join", "id": "1", "grant": media.grant("anna")})
        await media.control("POST", ROOM + "/recording", {"action": "start"})
        states = []
        async with asyncio.timeout(15):
            while ("off", "disk_full") not in states:
                message = await socket.receive_json()
                if message["type"] == "recording":
                    states.append((message["state"], message["alarm"]))
        assert states == [("recording", None), ("off", "disk_full")]
        _, room = await media.control("GET", ROOM)
        assert len(room["tracks"]) == 2
        assert room["recording"] == {"state": "off", "alarm": "disk_full"}


@asynccontextmanager
async def room_recording(folder: Path) -> AsyncIterator[tuple[RoomRecording, list[RecordingInfo]]]:
    """The recording of a room nobody is in, and what the room is told of it."""
    journal, told = Journal(folder / "journal"), list[RecordingInfo]()
    recording = RoomRecording("mt_test", folder / "mt_test", journal, told.append)
    try:
        yield recording, told
    finally:
        await recording.close()
        journal.close()


async def test_nothing_is_made_before_the_start(tmp_path: Path) -> None:
    """A room that is never recorded leaves no folder, whatever else it is asked."""
    async with room_recording(tmp_path) as (recording, told):
        for action in ("pause", "resume", "stop"):
            assert await recording.control(action) == RecordingInfo("off", None)
        recording.mute_track("t", True)
    assert told == []
    assert not (tmp_path / "mt_test").exists()


async def test_no_packet_waits_for_the_folder_of_a_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder is made, locked and read beside the event loop, once for starts that come together."""
    threads: list[int] = []
    take_hold = FolderHold.__init__

    def taken(hold: FolderHold, folder: Path, holder: str) -> None:
        threads.append(threading.get_ident())
        take_hold(hold, folder, holder)

    monkeypatch.setattr(FolderHold, "__init__", taken)
    async with room_recording(tmp_path) as (recording, told):
        started = await asyncio.gather(*(recording.control("start") for _ in range(3)))
        assert started == [RecordingInfo("recording", None)] * 3 == told * 3
    assert len(threads) == 1
    assert threads[0] != threading.get_ident()


async def test_a_recording_that_closes_while_it_starts_lets_go_of_its_folder(tmp_path: Path) -> None:
    """Whichever comes first, the folder is free afterwards, and nothing starts once it has been closed."""
    async with room_recording(tmp_path) as (recording, _):
        starting = asyncio.create_task(recording.control("start"))
        await asyncio.sleep(0)  # its folder is being taken
        await recording.close()
        await asyncio.wait([starting])
        with pytest.raises(Unavailable):
            await recording.control("start")
        FolderHold(tmp_path / "mt_test", "").release(finished=False)


async def test_a_folder_that_cannot_be_made_is_an_alarm(tmp_path: Path) -> None:
    """The room hears of it, and may be started again once there is room."""
    (tmp_path / "mt_test").write_bytes(b"")
    async with room_recording(tmp_path) as (recording, told):
        assert await recording.control("start") == RecordingInfo("off", "write_failed")
        assert told == [RecordingInfo("off", "write_failed")]
        (tmp_path / "mt_test").unlink()
        assert await recording.control("start") == RecordingInfo("recording", None)


async def test_a_recording_that_cannot_be_gone_on_with_is_an_alarm(tmp_path: Path) -> None:
    """What a crash left and nothing can be written to is told to the room and to the station."""
    (tmp_path / "mt_test" / TIMELINE_FILE).mkdir(parents=True)  # neither read nor written
    async with room_recording(tmp_path) as (recording, told):
        await recording.settle()
        assert told == [RecordingInfo("off", "write_failed")]
        assert [event["kind"] for event in recording._journal.recent()] == ["recording_alarm"]
        (tmp_path / "mt_test" / TIMELINE_FILE).rmdir()
        assert await recording.control("start") == RecordingInfo("recording", None)


class Recorded(MediaProcess):
    """The media role with somebody to record."""

    async def publish(self, connection: RTCPeerConnection) -> None:
        connection.addTrack(VideoStreamTrack())
        connection.addTrack(AudioStreamTrack())
        rights = frozenset({Right.PUBLISH})
        grant = self.signer.sign(Grant("mt_test", "encoder", "E", rights, int(time.time()) + 600))
        headers = {"Authorization": f"Bearer {grant}", "Content-Type": "application/sdp"}
        offer = await offer_of(connection)
        async with self.http.post(self.url + "/whip/mt_test", data=offer, headers=headers) as answer:
            assert answer.status == 201
            await connection.setRemoteDescription(RTCSessionDescription(await answer.text(), "answer"))

    async def kinds(self) -> list[str]:
        page = await self.control("GET", "/journal?after=0")
        return [event["kind"] for event in page["events"]]


def has(kinds: Iterable[str], *wanted: str) -> bool:
    return set(wanted) <= set(kinds)


@pytest.mark.heavy
async def test_kill_while_recording_loses_less_than_a_second(tmp_path: Path) -> None:
    """After kill -9 the files play up to within a second of the kill; a restart goes on with the recording."""
    signer = GrantSigner.load(tmp_path / "keys")
    folder = tmp_path / "recordings" / "mt_test"
    async with ClientSession() as http:
        media = Recorded(tmp_path, http, signer)
        async with media.running() as process, peer() as encoder:
            await media.publish(encoder)
            await media.control("POST", ROOM + "/recording", {"action": "start"})
            await wait_for_bytes(folder, 6_000)
            process.kill()
            killed_ms = time.time() * 1000
            await process.wait()
        epoch_ms = read_timeline(folder).epoch_ms
        assert epoch_ms is not None
        ends = durations_s(folder)
        assert set(ends) == {"camera", "microphone"}
        assert all((killed_ms - epoch_ms) / 1000 - end < 1.0 for _, end in ends.values())
        async with media.running(), peer() as encoder:
            room = await media.control("GET", ROOM)
            assert room["recording"]["state"] == "recording"
            assert has(await media.kinds(), "recording_interrupted", "left")
            await media.publish(encoder)
            async with asyncio.timeout(15):
                while not has(await media.kinds(), "recording_resumed"):
                    await asyncio.sleep(0.05)
            await media.control("POST", ROOM + "/recording", {"action": "stop"})
            await media.control("DELETE", ROOM)
    timeline = read_timeline(folder)
    assert timeline.state == "off"
    assert len(timeline.intervals) == 2
