"""Real frames for the tests: H.264 or VP8 with a moving picture, Opus with a tone, and a media role that feeds them."""

from __future__ import annotations

import asyncio
import math
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from fractions import Fraction
from functools import cache

import av
from aiohttp import web
from av.video.frame import PictureType

from recordings.frames import EncodedFrame, pack_record

FPS = 25
OPUS_MS = 20.0


@cache
def encoded_video(seconds: int, codec: str = "h264", width: int = 320, height: int = 180) -> tuple[EncodedFrame, ...]:
    """A bar that moves one step a frame; a keyframe each two seconds; times from 0 ms."""
    encoder = av.CodecContext.create("libx264" if codec == "h264" else "libvpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, FPS), Fraction(FPS)
    encoder.options = (
        {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline", "g": "9999", "forced-idr": "1"}
        if codec == "h264"
        else {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "g": "9999"}
    )
    frames: list[EncodedFrame] = []
    for index in range(seconds * FPS):
        picture = av.VideoFrame(width, height, "yuv420p")
        luma = picture.planes[0]
        row = bytearray(b"\x30" * luma.line_size)
        x = index * 4 % (width - 16)
        row[x : x + 16] = b"\xe0" * 16
        luma.update(bytes(row) * height)
        for plane in picture.planes[1:]:
            plane.update(b"\x80" * plane.buffer_size)
        picture.pts = index
        picture.pict_type = PictureType.I if index % (2 * FPS) == 0 else PictureType.NONE
        for packet in encoder.encode(picture):
            at_ms = 1000 / FPS * len(frames)
            frames.append(EncodedFrame(codec, at_ms, packet.is_keyframe, bytes(packet)))
    return tuple(frames)


@cache
def encoded_tone(seconds: int, beep_every_s: int = 0) -> tuple[EncodedFrame, ...]:
    """A tone of 440 Hz, or beeps of 100 ms at each whole second; times from 0 ms."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "mono", "s16"
    encoder.options = {"frame_duration": "20"}
    frames: list[EncodedFrame] = []
    for index in range(seconds * 50):
        sound = av.AudioFrame(format="s16", layout="mono", samples=960)
        sound.sample_rate, sound.pts, sound.time_base = 48_000, index * 960, Fraction(1, 48_000)
        silent = beep_every_s and (index * 20) % (beep_every_s * 1000) >= 100
        samples = (
            0 if silent else round(9000 * math.sin(2 * math.pi * 440 * (index * 960 + n) / 48_000)) for n in range(960)
        )
        sound.planes[0].update(struct.pack("<960h", *samples))
        for packet in encoder.encode(sound):
            frames.append(EncodedFrame("opus", OPUS_MS * len(frames), False, bytes(packet)))
    return tuple(frames)


def shifted(frames: tuple[EncodedFrame, ...], by_ms: float) -> list[EncodedFrame]:
    """The same frames at another time."""
    return [EncodedFrame(f.codec, f.at_ms + by_ms, f.keyframe, f.data) for f in frames]


def interleaved(*tracks: tuple[EncodedFrame, ...] | list[EncodedFrame]) -> list[EncodedFrame]:
    """Tracks merged by time, as they would arrive."""
    return sorted((frame for track in tracks for frame in track), key=lambda frame: frame.at_ms)


def endless(clip: list[EncodedFrame], length_ms: float, start_ms: float) -> Iterator[EncodedFrame]:
    """The clip again and again; it begins with a keyframe, so that it can."""
    while True:
        yield from shifted(tuple(clip), start_ms)
        start_ms += length_ms


class FakeMedia:
    """A real server with media's feed: what is in `feeds` by person, at real time or at once."""

    def __init__(self) -> None:
        self.port = 0
        self.clip: list[EncodedFrame] = []
        self.clip_ms = 0.0
        self.speed = 1.0
        self.status = 200
        self.shows: set[str] = set()  # who publishes in the room, as its state tells
        self.requests: list[tuple[str, str, str]] = []
        self._open: set[asyncio.Task[None]] = set()
        self._runner: web.AppRunner | None = None
        self.now_ms: Callable[[], float] = lambda: time.time() * 1000

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/control/rooms/{room}/feed", self._feed)
        app.router.add_get("/control/rooms/{room}", self._state)
        self._runner = web.AppRunner(app, shutdown_timeout=0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Goes away as if killed."""
        for task in tuple(self._open):
            task.cancel()
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    async def _feed(self, request: web.Request) -> web.StreamResponse:
        token = request.headers.get("Authorization", "")
        self.requests.append((request.match_info["room"], request.query["person"], token))
        if self.status != 200:
            return web.Response(status=self.status)
        response = web.StreamResponse()
        await response.prepare(request)
        task = asyncio.current_task()
        assert task
        self._open.add(task)
        try:
            await self._send(response)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(task)
        return response

    async def _state(self, _request: web.Request) -> web.Response:
        tracks = [{"person": person} for person in self.shows]
        return web.json_response({"tracks": tracks}, status=self.status if tracks else 404)

    async def _send(self, response: web.StreamResponse) -> None:
        loop = asyncio.get_running_loop()
        start_ms, start = self.now_ms(), loop.time()
        for frame in endless(self.clip, self.clip_ms, start_ms):
            wait = (frame.at_ms - start_ms) / 1000 / self.speed - (loop.time() - start)
            if wait > 0:
                await asyncio.sleep(wait)
            await response.write(pack_record(frame))


@asynccontextmanager
async def fake_media(clip: list[EncodedFrame], length_s: float) -> AsyncIterator[FakeMedia]:
    """A running media role that repeats the clip to everyone who asks."""
    media = FakeMedia()
    media.clip, media.clip_ms = clip, length_s * 1000
    await media.start()
    try:
        yield media
    finally:
        await media.stop()
