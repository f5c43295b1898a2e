"""Reads recorded tracks forward in time, decoded, whatever has been done to their files."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import av.error

SAMPLE_RATE = 48000
SAMPLE_BYTES = 4  # of both sides together
_SAMPLES_PER_MS = SAMPLE_RATE // 1000
_JITTER = 40 * _SAMPLES_PER_MS  # audio this near to where it is expected follows without a seam
_SEEK_MS = 5000
_MOST_PIXELS = 4096 * 2304
_UNREADABLE = (av.error.FFmpegError, OSError, ValueError, IndexError)


class _Track:
    """What both kinds share. `damaged` tells that something in the file could not be read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._container: Any = None
        self._stream: Any = None
        self.damaged = False
        self._frames: Iterator[Any] = iter(())
        try:
            self._container = av.open(str(path), format="matroska", options={"probesize": "200000"})
            self._stream = self._container.streams[0]
            # The next frame is decoded beside while this one is laid out; more threads would only wait.
            self._stream.codec_context.thread_type = "FRAME"
            self._stream.codec_context.thread_count = 2
            self._stream.codec_context.options = {"max_pixels": str(_MOST_PIXELS)}
            self._frames = self._decode()
        except _UNREADABLE:
            self.damaged = True

    def close(self) -> None:
        if self._container is not None:
            self._frames = iter(())
            self._container.close()
            self._container = None

    def __enter__(self) -> _Track:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.close()

    def _decode(self) -> Iterator[Any]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except _UNREADABLE:
                self.damaged = True
                return
            if packet is None:
                return
            try:
                yield from packet.decode()
            except _UNREADABLE:
                self.damaged = True

    def _next(self) -> tuple[float, Any] | None:
        for frame in self._frames:
            if frame.time is not None:
                return frame.time * 1000, frame
        return None


class VideoTrack(_Track):
    """The pictures of one track."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._current: tuple[float, Any] | None = None
        self._following = self._next()

    def at(self, at_ms: float) -> tuple[float, Any] | None:
        """The newest picture at a time (ms since the epoch), and its own time. Times must not go back."""
        if self._following is not None and at_ms - self._following[0] > _SEEK_MS:
            self._seek(at_ms)
        while self._following is not None and self._following[0] <= at_ms:
            self._current = self._following
            self._following = self._next()
        return self._current

    def _seek(self, at_ms: float) -> None:
        """Passes over what nobody will see; without an index the reading just takes longer."""
        with contextlib.suppress(*_UNREADABLE):
            self._container.seek(int(at_ms), stream=self._stream)
            self._frames = self._decode()
            self._following = self._next() or self._following


class AudioTrack(_Track):
    """The sound of one track: 16-bit stereo, interleaved, 48 kHz; a voice in mono is the same on both sides."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._resampler: Any = av.AudioResampler(format="s16", layout="stereo", rate=SAMPLE_RATE)
        self._chunks: deque[tuple[int, bytes]] = deque()
        self._end = 0
        self._over = self.damaged

    def read(self, at_ms: float, samples: int) -> bytes | None:
        """The samples from a time (ms since the epoch) on, silence in the gaps; None when all is silence."""
        start = round(at_ms * _SAMPLES_PER_MS)
        stop = start + samples
        while not self._over and self._end < stop:
            self._pull()
        while self._chunks and self._chunks[0][0] + len(self._chunks[0][1]) // SAMPLE_BYTES <= start:
            self._chunks.popleft()
        block: bytearray | None = None
        for begin, data in self._chunks:
            if begin >= stop:
                break
            block = block or bytearray(SAMPLE_BYTES * samples)
            first, last = max(begin, start), min(begin + len(data) // SAMPLE_BYTES, stop)
            block[SAMPLE_BYTES * (first - start) : SAMPLE_BYTES * (last - start)] = data[
                SAMPLE_BYTES * (first - begin) : SAMPLE_BYTES * (last - begin)
            ]
        return None if block is None else bytes(block)

    def _pull(self) -> None:
        found = self._next()
        if found is None:
            self._over = True
            return
        at_ms, frame = found
        frame.pts = None
        try:
            resampled = self._resampler.resample(frame)
            data = b"".join(bytes(out.planes[0])[: SAMPLE_BYTES * out.samples] for out in resampled)
        except _UNREADABLE:
            self.damaged = True
            return
        begin = round(at_ms * _SAMPLES_PER_MS)
        if abs(begin - self._end) <= _JITTER:
            begin = self._end
        elif begin < self._end:
            return  # a second copy of what has been heard
        self._chunks.append((begin, data))
        self._end = begin + len(data) // SAMPLE_BYTES
