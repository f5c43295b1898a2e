"""The frames of one person for a reader outside (the live role): screen if shared, else camera, and the microphone.

A reader that is too slow loses whole groups of pictures, never our memory.
"""

from __future__ import annotations

import asyncio
from collections import deque

from recordings.frames import EncodedFrame, pack_record
from station.rtc.rooms.frames import FrameSource
from station.rtc.rooms.room import Room

MAX_QUEUED_BYTES = 8 * 2**20
KEYFRAME_EVERY_S = 2.0  # a segment of the broadcast


class FrameFeed:
    """An async context manager: while inside, it follows what the person publishes in the room."""

    def __init__(self, room: Room, person: str) -> None:
        self._room = room
        self._person = person
        self._sources: dict[str, FrameSource] = {}  # by kind
        self._queue: deque[EncodedFrame] = deque()
        self._size = 0
        self._awaits_keyframe = False  # sound alone has none
        self._grew = asyncio.Event()
        self.dropped = 0

    async def __aenter__(self) -> FrameFeed:
        self._room.listeners.append(self._choose)
        self._choose()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._room.listeners.remove(self._choose)
        for source in self._sources.values():
            source.remove(self._take)
        self._sources = {}

    async def take(self, timeout_s: float) -> bytes | None:
        """Records of all frames queued; b"" after the time-out, None when the room is closed."""
        if not self._queue and not self._room.closed:
            self._grew.clear()
            try:
                await asyncio.wait_for(self._grew.wait(), timeout_s)
            except TimeoutError:
                return b""
        if self._room.closed:
            return None
        frames, self._queue, self._size = self._queue, deque(), 0
        return b"".join(pack_record(frame) for frame in frames)

    def _choose(self) -> None:
        """Follows the person's tracks: called whenever one came or went."""
        found: dict[str, FrameSource] = {}
        for source in self._room.sources.values():
            state = source.track.state
            if state.person == self._person and (state.kind not in found or state.source == "screen"):
                found[state.kind] = source
        for kind in ("video", "audio"):
            old, new = self._sources.get(kind), found.get(kind)
            if old is new:
                continue
            if old is not None:
                old.remove(self._take)
            if kind == "video":
                self._awaits_keyframe = new is not None
            if new is not None:
                new.add(self._take, KEYFRAME_EVERY_S)
        self._sources = found
        self._grew.set()

    def _take(self, frame: EncodedFrame) -> None:
        if self._awaits_keyframe:
            if not (frame.is_video and frame.keyframe):
                return
            self._awaits_keyframe = False
        if self._size + len(frame.data) > MAX_QUEUED_BYTES:
            self._overflow()
            return
        self._queue.append(frame)
        self._size += len(frame.data)
        self._grew.set()

    def _overflow(self) -> None:
        self.dropped += len(self._queue)
        self._queue.clear()
        self._size = 0
        video = self._sources.get("video")
        if video is not None:
            self._awaits_keyframe = True
            video.track.want_keyframe()
