"""The composed picture: an I420 canvas that tiles are laid on, and plates with names."""

from __future__ import annotations

import functools
import subprocess
from typing import Any

import av
from PIL import Image, ImageDraw, ImageFont

from recordings.layout import HEIGHT, WIDTH, Rect, letter_size

_GROUND = (16, 24, 32)
_PLATE = (38, 50, 62)
_TEXT = (240, 244, 248)
_FONT_QUERY = ("fc-match", "-f", "%{file}|%{index}", "Noto Sans CJK SC:lang=zh-cn")


class Canvas:
    """A 1280 × 720 picture in three planes, kept between frames: only what changed is laid on again."""

    def __init__(self) -> None:
        self._planes = (
            (bytearray(WIDTH * HEIGHT), WIDTH, 1),
            (bytearray(WIDTH * HEIGHT // 4), WIDTH // 2, 2),
            (bytearray(WIDTH * HEIGHT // 4), WIDTH // 2, 2),
        )
        self._ground = to_yuv(Image.new("RGB", (WIDTH, HEIGHT), _GROUND))
        self._frame: Any = None
        self.clear()

    def clear(self) -> None:
        """Paint everything in the ground colour."""
        self.lay(self._ground, Rect(0, 0, WIDTH, HEIGHT))

    def clear_part(self, rect: Rect) -> None:
        """Paint a part in the ground colour."""
        part = Image.new("RGB", (rect.width, rect.height), _GROUND)
        self.lay(to_yuv(part), rect)

    def lay(self, frame: Any, rect: Rect, left: int = 0) -> None:
        """Lays a yuv420p frame on a rectangle of the canvas, from the frame's column `left` on."""
        self._frame = None
        for (target, stride, by), plane in zip(self._planes, frame.planes, strict=True):
            source, step = memoryview(plane), plane.line_size
            width, first = rect.width // by, left // by
            for row in range(rect.height // by):
                at = (rect.y // by + row) * stride + rect.x // by
                begin = row * step + first
                target[at : at + width] = source[begin : begin + width]

    def frame(self) -> Any:
        """The canvas as a frame; the same one while nothing was laid on it."""
        if self._frame is None:
            self._frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
            for (data, stride, _), plane in zip(self._planes, self._frame.planes, strict=True):
                if plane.line_size != stride:
                    raise ValueError("a picture of this width has padded lines")
                plane.update(data)
        return self._frame


def to_yuv(image: Image.Image) -> Any:
    """The picture as the encoder takes it (yuv420p)."""
    frame: Any = av.VideoFrame
    return frame.from_image(image).reformat(format="yuv420p")


def scaled(frame: Any, width: int, height: int) -> Any:
    """A decoded picture at another size."""
    return frame.reformat(width=width, height=height, format="yuv420p", interpolation="BILINEAR")


@functools.lru_cache(maxsize=16)
def plate(name: str, width: int, height: int) -> Any:
    """A dark plate with the name in the middle, for someone who cannot be seen."""
    image = Image.new("RGB", (width, height), _PLATE)
    font = _font(max(letter_size(width), min(width // 10, height // 6)))
    draw = ImageDraw.Draw(image)
    draw.text((width / 2, height / 2), _shorten(name, font, width * 0.9), _TEXT, font, anchor="mm")
    return to_yuv(image)


@functools.lru_cache(maxsize=64)
def label(name: str, most_width: int) -> Any:
    """A small plate with the name, for the corner of a moving picture."""
    size = letter_size(most_width)
    font = _font(size)
    shown = _shorten(name, font, most_width - size)
    width = min(most_width, int(font.getlength(shown)) + size) // 2 * 2
    height = size * 3 // 2 // 2 * 2
    image = Image.new("RGB", (max(16, width), height), _GROUND)
    ImageDraw.Draw(image).text((size / 2, height / 2), shown, _TEXT, font, anchor="lm")
    return to_yuv(image)


Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def _shorten(name: str, font: Font, width: float) -> str:
    shown = " ".join(name.split())[:80]
    if font.getlength(shown) <= width:
        return shown
    while shown and font.getlength(shown + "…") > width:
        shown = shown[:-1]
    return shown + "…"


@functools.cache
def _font(size: int) -> Font:
    """A font with Chinese characters, as fontconfig finds it; else Pillow's own, which has none."""
    try:
        done = subprocess.run(_FONT_QUERY, capture_output=True, text=True, timeout=10, check=True)  # noqa: S603
        file, _, index = done.stdout.partition("|")
        return ImageFont.truetype(file, size, index=int(index or 0))
    except (OSError, ValueError, subprocess.SubprocessError):
        return ImageFont.load_default(size)
