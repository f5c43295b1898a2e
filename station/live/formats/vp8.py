"""VP8 in, H.264 out, for the sources whose browser cannot encode H.264; only while they are on air.

Runs in the packager's worker thread.
"""

from __future__ import annotations

from fractions import Fraction

import av
from av.error import FFmpegError
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame

from recordings.frames import EncodedFrame

KEYFRAME_EVERY_MS = 2000.0
_SAME_SHAPE = 0.02


class Vp8Transcoder:
    """One source's pictures, one encoder. A size change of the same shape is scaled, so that players see none."""

    def __init__(self) -> None:
        decoder = av.CodecContext.create("vp8", "r")
        assert isinstance(decoder, VideoCodecContext)
        self._decoder = decoder
        self._encoder: VideoCodecContext | None = None
        self._last_keyframe_ms = 0.0
        self._started = False

    def push(self, frame: EncodedFrame) -> list[EncodedFrame]:
        """One VP8 frame as H.264, or nothing while there is no keyframe to start from."""
        if not self._started and not frame.keyframe:
            return []
        self._started = True
        try:
            pictures = self._decoder.decode(av.Packet(frame.data))
        except FFmpegError:
            self._started = False  # wait for the next keyframe rather than show smears
            return []
        encoded: list[EncodedFrame] = []
        for picture in pictures:
            encoded += self._encode(picture, frame.at_ms)
        return encoded

    def _encode(self, picture: VideoFrame, at_ms: float) -> list[EncodedFrame]:
        encoder = self._encoder_for(picture)
        even = picture.reformat(width=encoder.width, height=encoder.height, format="yuv420p")
        even.pts = round(at_ms * 90)
        even.time_base = Fraction(1, 90_000)
        due = at_ms - self._last_keyframe_ms >= KEYFRAME_EVERY_MS
        even.pict_type = PictureType.I if due else PictureType.NONE
        if due:
            self._last_keyframe_ms = at_ms
        return [
            EncodedFrame("h264", (packet.pts or 0) / 90, packet.is_keyframe, bytes(packet))
            for packet in encoder.encode(even)
        ]

    def _encoder_for(self, picture: VideoFrame) -> VideoCodecContext:
        current = self._encoder
        shape = picture.width / picture.height
        if current is None or abs(current.width / current.height / shape - 1) > _SAME_SHAPE:
            self._last_keyframe_ms = 0.0
            self._encoder = current = _open_encoder(picture.width & ~1, picture.height & ~1)
        return current


def _open_encoder(width: int, height: int) -> VideoCodecContext:
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height = max(width, 2), max(height, 2)
    encoder.pix_fmt = "yuv420p"
    encoder.time_base = Fraction(1, 90_000)
    encoder.framerate = Fraction(30)
    encoder.thread_count = 1  # the other core belongs to media
    rate = f"{max(300, width * height * 2 // 1000)}k"
    encoder.options = {
        "preset": "veryfast",
        "tune": "zerolatency",
        "profile": "main",
        "crf": "24",
        "maxrate": rate,
        "bufsize": rate,
        "g": "600",
        "forced-idr": "1",
    }
    return encoder
