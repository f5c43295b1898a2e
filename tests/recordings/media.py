"""Real encoded frames for the tests, and a recorder fed with them."""

from __future__ import annotations

import math
import random
from array import array
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from recordings.frames import EncodedFrame
from recordings.recorder import RoomRecorder
from recordings.timeline import TrackInfo

EPOCH_MS = 1_790_000_000_000.0
FPS = 25
GREY, RED, GREEN, BLUE = (128, 128, 128), (81, 90, 240), (145, 54, 34), (41, 240, 110)  # Y, Cb, Cr
_OPTIONS = {
    "h264": {"profile": "baseline", "tune": "zerolatency", "preset": "ultrafast"},
    "vp8": {"deadline": "realtime", "lag-in-frames": "0", "cpu-used": "8"},
}


def plain_picture(width: int, height: int, colour: tuple[int, int, int], index: int = 0) -> Any:
    """A picture of one colour, with a brighter bar that moves with `index`."""
    frame = av.VideoFrame(width, height, "yuv420p")
    for plane, value in zip(frame.planes, colour, strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    luma = bytearray(bytes(frame.planes[0]))
    at = (index * 4 % height) * frame.planes[0].line_size
    luma[at : at + width] = bytes([min(235, colour[0] + 40)]) * width
    frame.planes[0].update(bytes(luma))
    return frame


def video(
    codec: str,
    frames: int,
    *,
    at_ms: float = EPOCH_MS,
    size: tuple[int, int] = (320, 240),
    colour: tuple[int, int, int] = GREY,
    keyframe_every: int = 25,
    noise: bool = False,
) -> list[EncodedFrame]:
    """Frames as a browser sends them, at 25 a second."""
    context: Any = av.CodecContext.create({"h264": "libx264", "vp8": "libvpx"}[codec], "w")
    context.width, context.height = size
    context.pix_fmt, context.time_base, context.framerate = "yuv420p", Fraction(1, FPS), Fraction(FPS)
    context.gop_size, context.options = keyframe_every, _OPTIONS[codec]
    context.bit_rate = 4_000_000 if noise else 300_000
    encoded = []
    for index in range(frames):
        frame = plain_picture(*size, colour, index)
        if noise:
            frame.planes[0].update(random.Random(index).randbytes(frame.planes[0].buffer_size))
        frame.pts, frame.time_base = index, context.time_base
        encoded += context.encode(frame)
    encoded += context.encode(None)
    return [EncodedFrame(codec, at_ms + p.pts * 40, p.is_keyframe, bytes(p)) for p in encoded]


def sound(
    seconds: float, *, at_ms: float = EPOCH_MS, hertz: float = 440.0, only_left: bool = False
) -> list[EncodedFrame]:
    """Opus packets of 20 ms with a tone: mono, or stereo with nothing on the right."""
    layout = "stereo" if only_left else "mono"
    context: Any = av.CodecContext.create("libopus", "w")
    context.sample_rate, context.layout, context.format, context.bit_rate = 48000, layout, "s16", 24000
    packets = []
    for index in range(round(seconds * 50)):
        wave = (int(9000 * math.sin(2 * math.pi * hertz * (index * 960 + n) / 48000)) for n in range(960))
        samples = array("h", (value for left in wave for value in ((left, 0) if only_left else (left,))))
        frame: Any = av.AudioFrame(format="s16", layout=layout, samples=960)
        frame.planes[0].update(samples.tobytes())
        frame.sample_rate, frame.pts, frame.time_base = 48000, index * 960, Fraction(1, 48000)
        packets += context.encode(frame)
    return [EncodedFrame("opus", at_ms + 20 * n, True, bytes(packet)) for n, packet in enumerate(packets)]


def track(
    track_id: str, source: str = "camera", codec: str = "h264", person: str = "p1", name: str = "李明"
) -> TrackInfo:
    return TrackInfo(track_id, person, name, source, "audio" if codec == "opus" else "video", codec)


Event = tuple[float, Callable[[RoomRecorder], None]]


def feed(info: TrackInfo, frames: list[EncodedFrame], *, close: bool = True) -> list[Event]:
    """A track's life as events for `record`."""
    events: list[Event] = [(frames[0].at_ms, lambda r: r.open_track(info))]
    events += [(frame.at_ms, lambda r, frame=frame: r.write(info.id, frame)) for frame in frames]  # type: ignore[misc]
    if close:
        end = frames[-1].at_ms + 20
        events.append((end, lambda r: r.close_track(info.id, end)))
    return events


async def record(folder: Path, *events: Event | list[Event], stop_ms: float) -> list[str]:
    """Plays events into a recorder in their order of time, from a start at EPOCH_MS; returns the alarms."""
    alarms: list[str] = []
    recorder = RoomRecorder(folder, alarms.append)
    flat = [event for item in events for event in (item if isinstance(item, list) else [item])]
    recorder.start(EPOCH_MS)
    for _, act in sorted(flat, key=lambda event: event[0]):
        act(recorder)
    recorder.stop(stop_ms)
    await recorder.close()
    return alarms


def decode(path: Path, kind: str = "video") -> list[Any]:
    """Every frame of a file, which must not fail."""
    with av.open(str(path)) as container:
        return list(container.decode(**{kind: 0}))


def times_ms(path: Path, kind: str = "video") -> list[int]:
    return [round(float(frame.pts * frame.time_base) * 1000) for frame in decode(path, kind)]
