"""The recorder as the room sees it: switched on and off from outside, fed with every track, heard when it fails."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from recordings.folder import failure_code
from recordings.frames import EncodedFrame
from recordings.recorder import RecordingHeld, RoomRecorder
from recordings.timeline import TIMELINE_FILE, TrackInfo, read_timeline
from station.base.errors import Unavailable
from station.rtc.rooms.frames import FrameSink, FrameSource
from station.rtc.rooms.journal import Journal
from station.rtc.rooms.messages import RecordingInfo

Action = Literal["start", "pause", "resume", "stop"]
ACTIONS: tuple[Action, ...] = get_args(Action)
_ORDERS: dict[Action, Callable[[RoomRecorder, float], None]] = {
    "start": RoomRecorder.start,
    "pause": RoomRecorder.pause,
    "resume": RoomRecorder.resume,
    "stop": RoomRecorder.stop,
}
KEYFRAME_EVERY_S = 5.0  # how coarsely one can seek in what is kept
HELD_RETRY_S = 0.2  # how often a recording is asked for that another process still writes
SETTLE_S = 5.0
WRITTEN_S = 2.0  # a disk slower than this does not hold up the answer
_EVENTS: dict[Action, str] = {
    "start": "recording_started",
    "pause": "recording_paused",
    "resume": "recording_resumed",
    "stop": "recording_stopped",
}
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Recorded:
    source: FrameSource
    sink: FrameSink
    name: str
    attached: bool = field(default=False)


class RoomRecording:
    """Belongs to one room. `tell` lets everyone in the room know the state.

    A recording that was left unfinished, by a crash or by the process that had the room before, is gone on with as
    soon as nobody else writes it; until then it cannot be switched. `holder` names this process in its folder.
    """

    def __init__(
        self, room: str, folder: Path, journal: Journal, tell: Callable[[RecordingInfo], None], holder: str = ""
    ) -> None:
        self._room = room
        self._holder = holder
        self._folder = folder
        self._journal = journal
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self._recorder: RoomRecorder | None = None
        self._tracks: dict[str, _Recorded] = {}
        self._alarm: str | None = None
        self._awaits_first_frame = False
        self._closing = False
        self._switching = asyncio.Lock()
        self._recovering: asyncio.Task[None] | None = None
        if (folder / TIMELINE_FILE).exists():
            self._recovering = asyncio.create_task(self._recover())

    @property
    def info(self) -> RecordingInfo:
        """The state as pages are told of it."""
        return RecordingInfo(self._recorder.state if self._recorder else "off", self._alarm)

    @property
    def is_on(self) -> bool:
        """Whether it records or is paused."""
        return self.info.state != "off"

    async def recorded_s(self) -> float | None:
        """Recorded time so far, pauses left out; None while it is off."""
        if not self.is_on:
            return None
        timeline = await asyncio.to_thread(read_timeline, self._folder, _now_ms())
        return timeline.offset_s(_now_ms())

    @property
    def is_settled(self) -> bool:
        """Whether it is known if there is a recording to go on with, and we write it."""
        return self._recovering is None or self._recovering.done()

    async def settle(self, timeout_s: float = SETTLE_S) -> None:
        """Waits until it is settled, or for as long."""
        if self._recovering is not None:
            await asyncio.wait([self._recovering], timeout=timeout_s)

    async def _recover(self) -> None:
        while not self._closing:
            try:
                recorder, interrupted_ms = await asyncio.to_thread(self._recover_unfinished)
            except RecordingHeld:
                await asyncio.sleep(HELD_RETRY_S)
            except OSError as error:
                _log.error("recording %s cannot be gone on with: %s", self._room, error)
                self._alarmed(failure_code(error))  # whoever was told that it records must hear that it does not
                return
            else:
                if recorder is not None:
                    self._go_on(recorder, interrupted_ms)
                return

    def _recover_unfinished(self) -> tuple[RoomRecorder | None, float]:
        """The recorder that goes on, if there is something unfinished, and when it was interrupted. Blocks."""
        if read_timeline(self._folder).state == "off":
            return None, 0.0
        recorder = RoomRecorder.recover(self._folder, self._hear_alarm, holder=self._holder)
        marks = read_timeline(self._folder).marks
        return recorder, max((mark.at_ms for mark in marks if mark.name == "interrupted"), default=_now_ms())

    def _go_on(self, recorder: RoomRecorder, interrupted_ms: float) -> None:
        self._recorder = recorder
        if recorder.state != "off":
            self._journal.append("recording_interrupted", self._room, at_ms=interrupted_ms)
            self._awaits_first_frame = recorder.state == "recording"
        for recorded in self._tracks.values():
            self._open_track(recorded)
        self._switch()
        self._tell(self.info)

    async def control(self, action: Action) -> RecordingInfo:
        """Start, pause, resume or stop, one call after another; asking for what is so already changes nothing.

        Raises Unavailable while another process still writes the recording, and once it has been closed.
        """
        async with self._switching:
            if self._closing or not self.is_settled:
                raise Unavailable
            if action == "start" and self._recorder is None:
                await self._open()
            if self._recorder is not None:
                self._control(self._recorder, action)
        return self.info

    def _control(self, recorder: RoomRecorder, action: Action) -> None:
        before = self.info
        if action in ("start", "resume") and before.state != "recording":
            self._alarm = None
        _ORDERS[action](recorder, _now_ms())
        if self.info.state != before.state:
            resumed = action == "start" and before.state == "paused"
            self._journal.append("recording_resumed" if resumed else _EVENTS[action], self._room)
            self._awaits_first_frame = False
        if self.info != before:
            self._switch()
            self._tell(self.info)

    async def written(self) -> None:
        """Waits until what was asked for stands on the disk, where another process finds it; not for ever."""
        if self._recorder is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._recorder.written(), WRITTEN_S)

    async def _open(self) -> None:
        try:
            # In a thread: a slow disk must hold up no packet while the folder is made, locked and read.
            self._recorder = await asyncio.to_thread(RoomRecorder, self._folder, self._hear_alarm, holder=self._holder)
        except RecordingHeld as error:
            raise Unavailable from error
        except OSError as error:
            _log.error("room %s cannot be recorded: %s", self._room, error)
            self._alarmed(failure_code(error))
            return
        for recorded in self._tracks.values():
            self._open_track(recorded)

    def add_track(self, source: FrameSource, name: str) -> None:
        """A track has been published."""
        track_id = source.track.state.id
        recorded = _Recorded(source, lambda frame: self._write(track_id, frame), name)
        self._tracks[track_id] = recorded
        if self._recorder is not None:
            self._open_track(recorded)
        self._switch()

    def remove_track(self, track_id: str) -> None:
        """A track has ended."""
        recorded = self._tracks.pop(track_id, None)
        if recorded is None:
            return
        recorded.source.remove(recorded.sink)
        if self._recorder is not None:
            self._recorder.close_track(track_id, _now_ms())

    def mute_track(self, track_id: str, muted: bool) -> None:
        """A track has been muted or unmuted: noted on the timeline."""
        if self._recorder is not None:
            self._recorder.mark(_now_ms(), "muted" if muted else "unmuted", track=track_id)

    async def end(self) -> None:
        """Stops, what was left unfinished too; what another process does not let go of is left to it."""
        await self.settle()
        with suppress(Unavailable):
            await self.control("stop")

    async def close(self) -> None:
        """Finishes the files; a recording still on is left to be recovered. May be called twice."""
        self._closing = True
        await self.settle()
        async with self._switching:
            for track_id in list(self._tracks):
                self.remove_track(track_id)
            if self._recorder is not None:
                await self._recorder.close()

    def _open_track(self, recorded: _Recorded) -> None:
        assert self._recorder is not None
        state = recorded.source.track.state
        self._recorder.open_track(
            TrackInfo(
                id=state.id,
                person=state.person,
                name=recorded.name,
                source=state.source,
                kind=state.kind,
                codec=state.codec,
            )
        )
        if state.muted:
            self.mute_track(state.id, True)

    def _switch(self) -> None:
        """Frames are put together only while they are written."""
        wanted = self.info.state == "recording"
        for recorded in self._tracks.values():
            if wanted and not recorded.attached:
                recorded.source.add(recorded.sink, KEYFRAME_EVERY_S)
            elif recorded.attached and not wanted:
                recorded.source.remove(recorded.sink)
            recorded.attached = wanted

    def _write(self, track_id: str, frame: EncodedFrame) -> None:
        assert self._recorder is not None
        self._recorder.write(track_id, frame)
        if self._awaits_first_frame and (frame.keyframe or not frame.is_video):
            self._awaits_first_frame = False
            self._journal.append("recording_resumed", self._room, at_ms=frame.at_ms)

    def _hear_alarm(self, code: str) -> None:
        self._loop.call_soon_threadsafe(self._alarmed, code)  # from the writer's thread

    def _alarmed(self, code: str) -> None:
        _log.error("recording of room %s stopped: %s", self._room, code)
        self._alarm = code
        self._awaits_first_frame = False
        self._journal.append("recording_alarm", self._room, code=code)
        self._switch()
        self._tell(self.info)


def _now_ms() -> float:
    return time.time() * 1000
