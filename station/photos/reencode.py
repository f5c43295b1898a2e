"""Make a picture anew, in a process of its own: standard input is what was sent, standard output a JPEG.

    python -I reencode.py MAX_PIXELS LONGEST_EDGE < sent > kept

Decoders are where hostile files do their harm, so this runs apart, with limits on time, memory and output, and never
inside the web role. It needs nothing of the station. What is kept is a new picture: EXIF, comments, previews and
anything hung on behind the picture stay behind.
"""

from __future__ import annotations

import io
import resource
import sys
import warnings
from typing import IO

from PIL import Image, ImageOps

FORMATS = ("JPEG", "PNG", "WEBP")
QUALITY = 85
NOT_A_PHOTO, TOO_MANY_PIXELS, NOT_WRITTEN = 3, 4, 5  # exit codes; any other but 0 is a limit reached
CPU_S, MEMORY_BYTES, OUTPUT_BYTES = 10, 1536 * 2**20, 16 * 2**20


def reencode(sent: IO[bytes], max_pixels: int, longest_edge: int) -> tuple[bytes, int, int]:
    """Decode, turn upright, scale down, encode; returns the JPEG, its width and its height.

    Raises DecompressionBombError for too many pixels (told by the header, before anything is decoded), and many other
    things for what is no picture.
    """
    with Image.open(sent, formats=FORMATS) as image:
        if image.width * image.height > max_pixels:
            raise Image.DecompressionBombError
        image.draft("RGB", (longest_edge, longest_edge))  # a JPEG is decoded at a fraction of its size at once
        image.load()
        picture: Image.Image = image if image.mode in ("RGB", "L", "RGBA") else image.convert("RGBA")
        picture.thumbnail((longest_edge, longest_edge))
        picture = ImageOps.exif_transpose(picture)
        paper = Image.new("RGB", picture.size, "white")
        paper.paste(picture, mask=picture.getchannel("A") if picture.mode == "RGBA" else None)
    kept = io.BytesIO()
    paper.save(kept, "JPEG", quality=QUALITY)
    return kept.getvalue(), paper.width, paper.height


def main() -> int:
    """The program."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (OUTPUT_BYTES, OUTPUT_BYTES))
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    max_pixels, longest_edge = int(sys.argv[1]), int(sys.argv[2])
    Image.MAX_IMAGE_PIXELS = max_pixels
    try:
        content, width, height = reencode(sys.stdin.buffer, max_pixels, longest_edge)
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
