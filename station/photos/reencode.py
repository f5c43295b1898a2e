"""Make a picture anew, in a process of its own: standard input is what was sent, standard output a JPEG.

    python -I reencode.py MAX_PIXELS SHORT_EDGE KEPT_PIXELS READABLE_EDGE < sent > kept

Decoders are where hostile files do their harm, so this runs apart, with limits on time, memory and output, and never
inside the web role. It needs nothing of the station. What is kept is a new picture in sRGB: EXIF, comments, previews
and anything hung on behind the picture stay behind.
"""

from __future__ import annotations

import io
import math
import resource
import sys
import warnings
from dataclasses import dataclass
from typing import IO

from PIL import Image, ImageCms, ImageOps

FORMATS = ("JPEG", "PNG", "WEBP")
QUALITY = 85
JPEG_EDGE = 65_500  # libjpeg writes no side longer than that
NOT_A_PHOTO, TOO_MANY_PIXELS, NOT_WRITTEN, TOO_LONG = 3, 4, 5, 6  # exit codes; any other but 0 is a limit reached
CPU_S, MEMORY_BYTES, OUTPUT_BYTES = 10, 1536 * 2**20, 32 * 2**20


@dataclass(frozen=True, slots=True)
class Limits:
    """What is taken, and what of it is kept; all in pixels.

    The short side and the area are bounded, never the long side: a screenshot of a whole conversation is twelve times
    as high as wide, and its letters are as wide as the short side allows.
    """

    max_pixels: int
    short_edge: int
    kept_pixels: int
    readable_edge: int


class TooLong(Exception):
    """So long that keeping its area within the limit would make letters unreadable."""


def kept_size(width: int, height: int, limits: Limits) -> tuple[int, int]:
    """Width and height of what is kept; the shape stays. Raises TooLong."""
    short, long = min(width, height), max(width, height)
    scale = min(
        1.0,
        limits.short_edge / short,
        math.sqrt(limits.kept_pixels / (width * height)),
        JPEG_EDGE / long,
    )
    if scale < min(0.9, limits.readable_edge / short):  # a tenth smaller is as readable as it was
        raise TooLong
    return max(1, round(width * scale)), max(1, round(height * scale))


def reencode(sent: IO[bytes], limits: Limits) -> tuple[bytes, int, int]:
    """Decode, turn upright, scale down, convert to sRGB, encode; returns the JPEG, its width and its height.

    Raises DecompressionBombError for too many pixels (told by the header, before anything is decoded), TooLong, and
    many other things for what is no picture.
    """
    with Image.open(sent, formats=FORMATS) as image:
        if image.width * image.height > limits.max_pixels:
            raise Image.DecompressionBombError
        size = kept_size(image.width, image.height, limits)
        image.draft("RGB", size)  # a JPEG is decoded at a fraction of its size at once
        image.load()
        profile = image.info.get("icc_profile")
        plain = image.mode in ("RGB", "L", "RGBA", "CMYK")
        picture: Image.Image = image if plain else image.convert("RGBA")
        if picture.size != size:
            picture = picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
        picture = ImageOps.exif_transpose(picture)
        alpha = picture.getchannel("A") if picture.mode == "RGBA" else None
        paper = Image.new("RGB", picture.size, "white")
        paper.paste(to_srgb(picture, profile), mask=alpha)
    kept = io.BytesIO()
    paper.save(kept, "JPEG", quality=QUALITY)
    return kept.getvalue(), paper.width, paper.height


def to_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """The colours as a screen without colour management must show them (IEC 61966-2-1).

    A phone tags its photos with a wider space (Display P3); the numbers alone, read as sRGB, look pale. A profile that
    is broken, or that belongs to another kind of picture, is as good as none.
    """
    if picture.mode == "RGBA":
        picture = picture.convert("RGB")
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError, ValueError):
            converted = None
        if converted is not None:
            return converted
    return picture.convert("RGB")


def main() -> int:
    """The program."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (OUTPUT_BYTES, OUTPUT_BYTES))
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    limits = Limits(*(int(number) for number in sys.argv[1:5]))
    Image.MAX_IMAGE_PIXELS = limits.max_pixels
    try:
        content, width, height = reencode(sys.stdin.buffer, limits)
    except TooLong:
        return TOO_LONG
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError):
        return TOO_MANY_PIXELS
    except Exception as error:  # whatever a decoder raises, it says the same: no picture
        print(type(error).__name__, error, file=sys.stderr)
        return NOT_A_PHOTO
    try:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except OSError:
        return NOT_WRITTEN
    print(width, height, file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
