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


def long_screenshot(size: tuple[int, int], form: str = "PNG") -> bytes:
    """White with black bars of 12 pixels' height every 24: lines of a conversation."""
    image = Image.new("RGB", size, "white")
    for y in range(12, size[1], 24):
        image.paste("black", (0, y, size[0], y + 12))
    kept = io.BytesIO()
    image.save(kept, form, quality=90)
    return kept.getvalue()


# Primaries of Display P3 adapted to D50 (ICC PCS), as Apple's profile has them; its curve is that of sRGB, here 2.2.
DISPLAY_P3 = ((0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841))


def matrix_profile(primaries: tuple[tuple[float, float, float], ...]) -> bytes:
    """A display profile of three primaries and one gamma (ICC.1:2001-04, section 6.3.1.2)."""

    def fixed(value: float) -> bytes:
        return struct.pack(">i", round(value * 65536))

    def xyz(values: tuple[float, float, float]) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(fixed(value) for value in values)

    curve = b"curv\0\0\0\0" + struct.pack(">IHH", 1, round(2.2 * 256), 0)
    name = b"desc\0\0\0\0" + struct.pack(">I", 3) + b"P3\0" + b"\0" * 81
    white = xyz((0.9642, 1.0, 0.8249))
    contents = {
        b"desc": name,
        b"cprt": b"text\0\0\0\0none\0",
        b"wtpt": white,
        b"rXYZ": xyz(primaries[0]),
        b"gXYZ": xyz(primaries[1]),
        b"bXYZ": xyz(primaries[2]),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    table, body, at = struct.pack(">I", len(contents)), b"", 128 + 4 + 12 * len(contents)
    for tag, content in contents.items():
        padded = content + b"\0" * (-len(content) % 4)
        table += tag + struct.pack(">II", at + len(body), len(content))
        body += padded
    size = 128 + len(table) + len(body)
    head = struct.pack(">I4sI4s4s4s", size, b"\0\0\0\0", 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H4s4sI", 2026, 1, 1, 0, 0, 0, b"acsp", b"\0\0\0\0", 0)
    head += b"\0" * 20 + struct.pack(">I", 0) + b"".join(fixed(v) for v in (0.9642, 1.0, 0.8249))
    return head.ljust(128, b"\0") + table + body


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
