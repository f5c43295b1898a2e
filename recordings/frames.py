"""Encoded frames: what the media role hands to the recorder and, over loopback, to the live role."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass

MAX_FRAME_BYTES = 4 * 2**20
_RECORD = struct.Struct("!IBBBd")  # payload length, codec, flags, reserved, time in ms
_CODECS = ("h264", "vp8", "opus")
_KEYFRAME = 1


@dataclass(frozen=True, slots=True)
class EncodedFrame:
    """One frame as received, whole, not transcoded.

    `codec` is "h264" (Annex B, parameter sets in front of each keyframe), "vp8" or "opus" (one packet);
    `at_ms` is Unix time in milliseconds on the media role's clock, evenly advancing with the RTP timestamp.
    """

    codec: str
    at_ms: float
    keyframe: bool
    data: bytes

    @property
    def is_video(self) -> bool:
        """Whether it is a picture."""
        return self.codec != "opus"


def pack_record(frame: EncodedFrame) -> bytes:
    """One frame as one length-prefixed record of the feed between media and live."""
    flags = _KEYFRAME if frame.keyframe else 0
    return _RECORD.pack(len(frame.data), _CODECS.index(frame.codec), flags, 0, frame.at_ms) + frame.data


async def read_records(reader: asyncio.StreamReader) -> AsyncIterator[EncodedFrame]:
    """Frames of a feed until it ends. Raises ValueError on a record that cannot be one."""
    while True:
        try:
            head = await reader.readexactly(_RECORD.size)
            length, codec, flags, _, at_ms = _RECORD.unpack(head)
            if length > MAX_FRAME_BYTES or codec >= len(_CODECS):
                raise ValueError("not a feed record")
            data = await reader.readexactly(length)
        except asyncio.IncompleteReadError:
            return
        yield EncodedFrame(_CODECS[codec], at_ms, bool(flags & _KEYFRAME), data)
