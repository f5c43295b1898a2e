"""A photo, who holds it, and the sentences that say why one was not taken."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from station.base.errors import N_, BadInput, Unavailable

MAX_PHOTOS = 4  # of one matter
MAX_PIXELS = 64_000_000  # phones take up to 50 million in one picture
SHORT_EDGE = 1536  # what is kept: a page of print photographed whole can still be read
KEPT_PIXELS = 24_000_000  # a screenshot of 1080 pixels' width and twenty screens' height is kept as it is
READABLE_EDGE = 800  # a long screenshot whose short side would have to become smaller is not taken
CONTENT_TYPE = "image/jpeg"


class NotAPhoto(BadInput):
    status = 415
    code = "not-a-photo"
    message = N_("这个文件不是 JPEG、PNG 或 WebP 照片，没有收下。请另选一张，或者用手机拍下来再传")


class PhotoTooLarge(BadInput):
    status = 413
    code = "photo-too-large"
    message = N_("照片太大，没有收下。一张最多 %(mb)s MB，请换一张小一点的，或者截个屏再传")


class TooManyPixels(BadInput):
    status = 413
    code = "too-many-pixels"
    message = N_("照片的尺寸太大，没有收下。请换一张小一点的，或者截个屏再传")


class PhotoTooLong(BadInput):
    status = 413
    code = "photo-too-long"
    message = N_("这张长图太长，存下来字就看不清了，没有收下。请分成几张截图再传")


class TooManyPhotos(BadInput):
    code = "too-many-photos"
    message = N_("照片最多 %(n)s 张，多出来的没有收下。想换的话，先去掉一张再加")


class PhotoNotKept(Unavailable):
    code = "photo-not-kept"
    message = N_("我们这边没能存下照片，不是您的问题。请过一会儿再传，或者见面时给代表看")


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo as it is kept: a JPEG of our own making. `holder` is what it goes with, `draft:…` or `booking:…`."""

    id: str
    holder: str
    sha256: str
    size_bytes: int
    width: int
    height: int
    added_by: str
    added_at: datetime


def draft_holder(citizen: str) -> str:
    """What holds the photos of a matter that is still being written."""
    return f"draft:{citizen}"


def booking_holder(booking_id: str) -> str:
    """What holds the photos of a matter that was booked."""
    return f"booking:{booking_id}"
