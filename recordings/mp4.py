"""The composed video as a file. Encoding goes on in a thread of its own, while the next pictures are made."""

from __future__ import annotations

import queue
import threading
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from recordings import layout
from recordings.mixing import audio_frame
from recordings.sources import SAMPLE_RATE

_WAITING = 8  # frames at most between the two threads: 11 MB


class Mp4:
    """The output: H.264 and AAC, its index in front so that it plays while it loads.

    Whoever writes hears at the next write, or at the end, of what failed: OSError, av.error.FFmpegError.
    """

    def __init__(self, path: Path, fps: int) -> None:
        self._fps = fps
        self._container: Any = av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
        video: Any = self._container.add_stream("libx264", rate=fps)
        video.width, video.height, video.pix_fmt = layout.WIDTH, layout.HEIGHT, "yuv420p"
        video.codec_context.gop_size = 2 * fps
        # PyAV's default, threads within a frame, is for who cannot wait: it costs more and compresses less.
        video.codec_context.thread_type = "FRAME"
        video.options = {"preset": "veryfast", "crf": "24"}
        self._video = video
        self._audio: Any = self._container.add_stream("aac", rate=SAMPLE_RATE, layout="stereo")
        self._audio.bit_rate = 96_000
        self._waiting: queue.Queue[tuple[Any, bytes] | None] = queue.Queue(_WAITING)
        self._thread = threading.Thread(target=self._encode_all, name="encoder")
        self._error: BaseException | None = None
        self._whole = True

    def write(self, frame: Any, block: bytes) -> None:
        """One picture and the sound that belongs to it. The frame is not to be changed afterwards."""
        if self._error is not None:
            raise self._error
        self._waiting.put((frame, block))

    def __enter__(self) -> Mp4:
        self._thread.start()
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._whole = kind is None
        self._waiting.put(None)
        self._thread.join()
        self._container.close()
        if self._error is not None and kind is None:
            raise self._error

    def _encode_all(self) -> None:
        number = 0
        while (item := self._waiting.get()) is not None:
            if self._error is None:  # else taken all the same, so that nobody waits for room for ever
                self._try(self._encode, number, *item)
                number += 1
        if self._whole:
            self._try(self._flush)

    def _try(self, act: Any, *arguments: Any) -> None:
        try:
            act(*arguments)
        except BaseException as error:  # it belongs to the thread that writes
            self._error = self._error or error

    def _encode(self, number: int, frame: Any, block: bytes) -> None:
        frame.pts, frame.time_base = number, Fraction(1, self._fps)
        self._container.mux(self._video.encode(frame))
        sound = audio_frame(block)
        sound.pts, sound.time_base = number * sound.samples, Fraction(1, SAMPLE_RATE)
        self._container.mux(self._audio.encode(sound))

    def _flush(self) -> None:
        self._container.mux(self._video.encode(None))
        self._container.mux(self._audio.encode(None))
