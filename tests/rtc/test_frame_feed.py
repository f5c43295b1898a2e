"""The frames that the broadcast gets of one person."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

from recordings.frames import EncodedFrame, pack_record
from station.rtc.rooms.frame_feed import FrameFeed
from station.rtc.rooms.frames import FrameSink, FrameSource
from station.rtc.rooms.room import Room

SOUND = EncodedFrame("opus", 1000.0, True, b"sound")
PICTURE = EncodedFrame("h264", 1020.0, False, b"picture")
KEYFRAME = EncodedFrame("h264", 1040.0, True, b"keyframe")


class _Source:
    """A published track of one person that sends when it is told."""

    def __init__(self, kind: str) -> None:
        self.track = SimpleNamespace(state=SimpleNamespace(person="p", kind=kind, source=kind))
        self.sinks = list[FrameSink]()

    def add(self, sink: FrameSink, _: float) -> None:
        self.sinks.append(sink)

    def remove(self, sink: FrameSink) -> None:
        self.sinks.remove(sink)

    def send(self, frame: EncodedFrame) -> None:
        for sink in self.sinks:
            sink(frame)


def _room(**sources: _Source) -> Room:
    return cast(Room, SimpleNamespace(listeners=[], closed=False, sources=cast(dict[str, FrameSource], sources)))


async def test_who_has_only_a_microphone_is_heard() -> None:
    """A feed that begins while there is no picture hands on the sound: after a reconnect as at the first time."""
    microphone = _Source("audio")
    async with FrameFeed(_room(microphone=microphone), "p") as feed:
        microphone.send(SOUND)
        assert await feed.take(0) == pack_record(SOUND)


async def test_picture_and_sound_begin_with_a_keyframe() -> None:
    """Nothing comes before the first picture that can be shown; without pictures the sound goes on at once."""
    camera, microphone = _Source("video"), _Source("audio")
    room = _room(camera=camera, microphone=microphone)
    async with FrameFeed(room, "p") as feed:
        for source, frame in ((microphone, SOUND), (camera, PICTURE), (camera, KEYFRAME), (microphone, SOUND)):
            source.send(frame)
        assert await feed.take(0) == pack_record(KEYFRAME) + pack_record(SOUND)
        del room.sources["camera"]
        room.listeners[0]()
        microphone.send(SOUND)
        assert await feed.take(0) == pack_record(SOUND)
