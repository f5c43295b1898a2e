"""Records a room: takes frames on the event loop, writes them in a thread of its own."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from recordings.folder import OpenFile, RecordingFolder, failure_code, open_new
from recordings.frames import EncodedFrame
from recordings.hold import FolderHold, RecordingHeld
from recordings.recovery import end_interrupted, find_unfinished
from recordings.timeline import STATE_MARKS, Mark, State, TrackInfo, dump_mark, read_timeline

__all__ = ["RecordingHeld", "RoomRecorder", "find_unfinished"]

FLUSH_S = 0.25  # what a kill -9 can lose, plus what the loop has not handed over
MAX_QUEUED_BYTES = 32 * 2**20

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _TrackState:
    """What the loop knows of an open track."""

    info: TrackInfo
    waits_for_keyframe: bool = True
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class _Frame:
    info: TrackInfo
    frame: EncodedFrame


@dataclass(frozen=True, slots=True)
class _Command:
    """What the thread is told besides frames and marks."""

    verb: Literal["begin", "close_track", "end", "quit"]
    at_ms: float = 0.0
    track_id: str = ""


@dataclass(frozen=True, slots=True)
class _Flush:
    """Whether all that was put before it stands in the folder; answered when it does, or could not."""

    answer: Callable[[], object]


class RoomRecorder:
    """The recorder of one room. Methods are called on one event loop and never block it.

    Making one blocks: it locks the folder (made when missing), and reads and ends what a crash left there. Call it in
    a thread where a loop is busy. Raises RecordingHeld while another recorder has the folder, OSError as the disk does.

    Times are Unix milliseconds on the media role's clock. `on_alarm` is called once per failure, from the
    writer thread, with "disk_full" or "write_failed": recording is off then, and `start` may be tried again.
    A recorder closed without `stop` leaves the recording unfinished, for `recover` to go on with.

    `holder` names the process that records.
    """

    def __init__(
        self, folder: Path, on_alarm: Callable[[str], None], *, holder: str = "", open_file: OpenFile = open_new
    ) -> None:
        self._path = folder
        self._on_alarm = on_alarm
        self._open_file = open_file
        self._epoch_ms: float | None = None
        self._state: State = "off"
        self._failed: str | None = None
        self._since_ms = 0.0  # frames from before the last start or resume are not to be kept
        self._resumes_at_next_frame = False
        self._gates: dict[str, _TrackState] = {}
        self._muted: dict[str, dict[str, Any]] = {}
        self._queue: deque[_Frame | Mark | _Command | _Flush] = deque()
        self._put_bytes = 0  # counted by the loop only
        self._taken_bytes = 0  # counted by the thread only
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._running = False  # belongs to the thread, as does the next
        self._asked: list[_Flush] = []
        self._hold = FolderHold(folder, holder)
        try:
            end_interrupted(folder)
            self._epoch_ms = read_timeline(folder).epoch_ms
        except OSError:
            self._hold.release(finished=False)
            raise

    @classmethod
    def recover(
        cls, folder: Path, on_alarm: Callable[[str], None], *, holder: str = "", open_file: OpenFile = open_new
    ) -> RoomRecorder:
        """A recorder that goes on with what a crash left in `folder`, in the state it was in.

        Marks the interruption at the last data written and finishes the files. Recorded time runs on from the
        first frame that arrives. Blocks and raises as making one does.
        """
        recorder = cls(folder, on_alarm, holder=holder, open_file=open_file)
        state = recorder._state = read_timeline(folder).state  # an interruption does not end it
        if state != "off":
            recorder._resumes_at_next_frame = state == "recording"
            recorder._tell(_Command("begin"))
        return recorder

    @property
    def state(self) -> State:
        """The state: "off", "recording" or "paused"; off after a failure."""
        return "off" if self._failed else self._state

    @property
    def epoch_ms(self) -> float | None:
        """Unix ms of the first start, which timestamps in all files count from; None before it."""
        return self._epoch_ms

    def start(self, at_ms: float) -> None:
        """Starts recording, or goes on after a stop or a pause; does nothing while recording."""
        if self.state == "paused":
            self.resume(at_ms)
        if self.state != "off":
            return
        if self._epoch_ms is None:
            self._epoch_ms = at_ms
        self._failed = None
        self._tell(_Command("begin"))
        self._record_from(at_ms, "started")
        for track_id, fields in self._muted.items():
            self._tell(Mark(at_ms, "muted", {**fields, "track": track_id}))

    def pause(self, at_ms: float) -> None:
        """Record nothing until resumed. Does nothing unless it records."""
        if self.state == "recording":
            self._state = "paused"
            self._resumes_at_next_frame = False
            self._tell(Mark(at_ms, "paused"))

    def resume(self, at_ms: float) -> None:
        """Go on after a pause. Does nothing unless it is paused."""
        if self.state == "paused":
            self._record_from(at_ms, "resumed")

    def stop(self, at_ms: float) -> None:
        """Stops recording and finishes the files."""
        if self.state != "off":
            self._state = "off"
            self._resumes_at_next_frame = False
            self._tell(_Command("end", at_ms))
            self._tell(Mark(at_ms, "stopped"))

    def open_track(self, track: TrackInfo) -> None:
        """A track has been published. Its file begins with its first (key)frame while recording."""
        self._gates[track.id] = _TrackState(track)

    def write(self, track_id: str, frame: EncodedFrame) -> None:
        """Takes a frame, or drops it: while not recording, before a keyframe, or when the disk is too slow."""
        gate = self._gates.get(track_id)
        if gate is None or self.state != "recording" or frame.at_ms < self._since_ms:
            return
        if frame.is_video and gate.waits_for_keyframe and not frame.keyframe:
            gate.dropped += bool(gate.dropped)
            return
        queued = self._put_bytes - self._taken_bytes
        if queued > (MAX_QUEUED_BYTES // 2 if gate.dropped else MAX_QUEUED_BYTES):
            self._drop(gate, frame)
            return
        if self._resumes_at_next_frame:
            self._record_from(frame.at_ms, "resumed")
        if gate.dropped:
            self._tell(Mark(frame.at_ms, "drop_ended", {"track": track_id, "frames": gate.dropped}))
        gate.waits_for_keyframe, gate.dropped = False, 0
        self._put_bytes += len(frame.data)
        self._queue.append(_Frame(gate.info, frame))  # without waking: the thread looks every FLUSH_S

    def close_track(self, track_id: str, at_ms: float) -> None:
        """A track has ended: its file is finished."""
        self._muted.pop(track_id, None)
        if self._gates.pop(track_id, None) is not None and self._thread is not None:
            self._tell(_Command("close_track", at_ms, track_id))

    def mark(self, at_ms: float, name: str, **fields: Any) -> None:
        """Notes something on the timeline, once there is one. `muted` and `unmuted` take `track`, its id.

        Raises ValueError or TypeError for fields that are no JSON.
        """
        mark = Mark(at_ms, name, fields)
        dump_mark(mark)
        track_id = str(fields.get("track", ""))
        if name == "muted":
            self._muted[track_id] = fields
        elif name == "unmuted":
            self._muted.pop(track_id, None)
        if self._epoch_ms is not None:
            self._tell(mark)

    async def written(self) -> None:
        """Waits until all that was asked for so far stands in the folder, or has failed."""
        if self._thread is not None:
            stands = asyncio.Event()
            self._tell(_Flush(partial(asyncio.get_running_loop().call_soon_threadsafe, stands.set)))
            await stands.wait()

    async def close(self) -> None:
        """Finishes the files, ends the thread and lets go of the folder; may be called twice."""
        if self._thread is not None:
            self._tell(_Command("quit"))
            await asyncio.to_thread(self._thread.join)
            self._thread = None
        self._hold.release(finished=self.state == "off")

    def _record_from(self, at_ms: float, mark: str) -> None:
        self._state, self._since_ms = "recording", at_ms
        self._resumes_at_next_frame = False
        for gate in self._gates.values():
            gate.waits_for_keyframe = True
        self._tell(Mark(at_ms, mark))

    def _drop(self, gate: _TrackState, frame: EncodedFrame) -> None:
        if not gate.dropped:
            self._tell(Mark(frame.at_ms, "drop_began", {"track": gate.info.id}))
        gate.waits_for_keyframe = True
        gate.dropped += 1

    def _tell(self, what: Mark | _Command | _Flush) -> None:
        if self._thread is None:
            name = f"recorder {self._path.name}"
            self._thread = threading.Thread(target=self._run, name=name, daemon=True)
            self._thread.start()
        self._queue.append(what)
        self._wake.set()

    def _run(self) -> None:
        """The writer thread. It looks at the queue four times a second instead of being woken by each frame,
        so that it costs the loop little."""
        folder = RecordingFolder(self._path, self._epoch_ms or 0.0, self._open_file)
        self._running = True
        while self._running:
            if not self._queue:  # a failure leaves the rest of it for the next turn
                self._wake.wait(FLUSH_S if folder.active else None)
            self._wake.clear()
            try:
                self._take_all(folder)
                folder.flush()
            except OSError as error:
                _log.error("recording %s stopped: %s", self._path.name, error)
                self._fail(folder, failure_code(error))
            except Exception:  # whatever it was, the meeting goes on and someone is told
                _log.exception("recording %s stopped", self._path.name)
                self._fail(folder, "write_failed")
            while self._asked:
                self._asked.pop().answer()

    def _take_all(self, folder: RecordingFolder) -> None:
        while self._queue:
            what = self._queue.popleft()
            if isinstance(what, _Frame):
                self._taken_bytes += len(what.frame.data)
                folder.write(what.info, what.frame)
            elif isinstance(what, Mark):
                if not (self._failed and what.name in STATE_MARKS):  # the alarm's is the last word
                    folder.mark(what)
            elif isinstance(what, _Flush):
                self._asked.append(what)
            else:
                self._execute(what, folder)

    def _execute(self, order: _Command, folder: RecordingFolder) -> None:
        if order.verb == "begin":
            self._failed = None
            folder.begin()
        elif order.verb == "close_track":
            folder.close_track(order.track_id, order.at_ms)
        else:
            self._running = order.verb != "quit"  # first, since what follows may fail
            folder.end(order.at_ms or folder.last_ms)

    def _fail(self, folder: RecordingFolder, code: str) -> None:
        if not folder.active and self._failed:
            return  # told already
        self._failed = code
        folder.fail(code)
        try:
            self._on_alarm(code)
        except Exception:  # the thread must outlive what its listener does
            _log.exception("the listener to the recording's alarm failed")
