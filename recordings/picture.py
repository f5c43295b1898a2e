"""What is drawn for the composed picture: the ground, plates and labels with names."""

from __future__ import annotations

import functools
import subprocess
from typing import Any

import av
from PIL import Image, ImageDraw, ImageFont

from recordings.layout import letter_size

_GROUND = (16, 24, 32)
GROUND_HEX = "0x101820"  # the same for filters
_PLATE = (38, 50, 62)
_TEXT = (240, 244, 248)
_FONT_QUERY = ("fc-match", "-f", "%{file}|%{index}", "Noto Sans CJK SC:lang=zh-cn")


def to_yuv(image: Image.Image) -> Any:
    """The picture as the encoder takes it (yuv420p)."""
    frame: Any = av.VideoFrame
    return frame.from_image(image).reformat(format="yuv420p")


@functools.cache
def ground(width: int, height: int) -> Any:
    """A picture of nothing."""
    return to_yuv(Image.new("RGB", (width, height), _GROUND))


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
