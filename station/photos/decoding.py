"""Run the process that makes a picture anew, few at a time, and say what came of it."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from station.photos import reencode
from station.photos.model import (
    KEPT_PIXELS,
    MAX_PIXELS,
    READABLE_EDGE,
    SHORT_EDGE,
    NotAPhoto,
    PhotoNotKept,
    PhotoTooLong,
    TooManyPixels,
)

TIMEOUT_S = 20.0
# Each takes a core and perhaps hundreds of megabytes, so however many people send photos, two are decoded at once.
_POOL = ThreadPoolExecutor(max_workers=2, thread_name_prefix="photos")


@dataclass(frozen=True, slots=True)
class Decoded:
    """What stands in the file that was written."""

    sha256: str
    size_bytes: int
    width: int
    height: int


async def decode(sent: IO[bytes], to: Path) -> Decoded:
    """Write the picture in `sent` to a new file as a JPEG.

    Raises NotAPhoto, TooManyPixels, PhotoTooLong, PhotoNotKept.
    """
    return await asyncio.get_running_loop().run_in_executor(_POOL, _decode, sent, to)


def _decode(sent: IO[bytes], to: Path) -> Decoded:
    sent.seek(0)
    limits = (MAX_PIXELS, SHORT_EDGE, KEPT_PIXELS, READABLE_EDGE)
    command = [sys.executable, "-I", reencode.__file__, *(str(number) for number in limits)]
    try:
        with to.open("xb") as kept:
            done = subprocess.run(  # noqa: S603  our own program; what was sent is only its input
                command, input=sent.read(), stdout=kept, stderr=subprocess.PIPE, timeout=TIMEOUT_S, check=False, env={}
            )
            os.fsync(kept.fileno())
        content = to.read_bytes()
    except subprocess.TimeoutExpired as error:
        raise TooManyPixels from error
    except OSError as error:
        raise PhotoNotKept from error
    if done.returncode == reencode.NOT_A_PHOTO:
        raise NotAPhoto
    if done.returncode == reencode.NOT_WRITTEN:
        raise PhotoNotKept
    if done.returncode == reencode.TOO_LONG:
        raise PhotoTooLong
    if done.returncode != 0:
        raise TooManyPixels
    width, height = (int(number) for number in done.stderr.split())
    return Decoded(hashlib.sha256(content).hexdigest(), len(content), width, height)
