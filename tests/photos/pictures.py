"""Pictures for tests: honest ones, and files that pretend."""

from __future__ import annotations

import io
import struct
import zlib

from PIL import Image

GPS_IFD, ORIENTATION, MAKE = 0x8825, 0x0112, 0x010F
SECRET = b"<script>alert('polyglot')</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
PROGRAM = b"MZ\x90\x00\x03" + b"\x00" * 200 + b"This program cannot be run in DOS mode." + bytes(range(256)) * 20


def picture(size: tuple[int, int] = (64, 48), colour: str = "teal", form: str = "JPEG", mode: str = "RGB") -> bytes:
    """A picture of one colour whose top left corner is red."""
    image = Image.new("RGB", size, colour)
    image.paste("red", (0, 0, size[0] // 4, size[1] // 4))
    kept = io.BytesIO()
    image.convert(mode).save(kept, form)
    return kept.getvalue()


def phone_photo(orientation: int = 6, size: tuple[int, int] = (64, 48)) -> bytes:
    """As a phone takes it: lying on its side, saying which way is up, where it was taken and with what."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[MAKE] = "PhoneMaker"
    exif[GPS_IFD] = {1: "N", 2: (39.0, 54.0, 15.0), 3: "E", 4: (116.0, 23.0, 29.0)}
    kept = io.BytesIO()
    Image.open(io.BytesIO(picture(size))).save(kept, "JPEG", exif=exif, comment=b"made by PhoneMaker")
    return kept.getvalue()


def polyglot() -> bytes:
    """A real JPEG with a page of script in its comment and behind its end."""
    kept = io.BytesIO()
    Image.open(io.BytesIO(picture())).save(kept, "JPEG", comment=SECRET)
    return kept.getvalue() + SECRET + b"PK\x03\x04"


def bomb(width: int = 40_000, height: int = 40_000) -> bytes:
    """A PNG of a few hundred kilobytes that would decode to 1.6 gigabytes of grey."""
    row = zlib.compressobj(9)
    data = b"".join(row.compress(b"\x00" * (width // 8 + 1)) for _ in range(height)) + row.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
