"""How each codec's frames lie in Matroska (RFC 9559 §5.1.4.1.21 and the Matroska codec mappings)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Protocol

from recordings import h264
from recordings.frames import EncodedFrame

_DROPPED = (h264.DELIMITER, h264.FILLER)
_SETS = (h264.SPS, h264.PPS)


@dataclass(frozen=True, slots=True)
class Description:
    """What a track entry says of its codec: width and height for video, channels for audio."""

    codec_id: str
    private: bytes = b""
    width: int = 0
    height: int = 0
    channels: int = 0

    @property
    def is_video(self) -> bool:
        """Whether it describes pictures."""
        return self.width > 0


class Packer(Protocol):
    """Turns the frames of one track into blocks."""

    def describe(self, frame: EncodedFrame) -> Description | None:
        """The track, from a frame it may begin with; None when it cannot begin here."""
        ...

    def pack(self, frame: EncodedFrame) -> bytes:
        """The frame as block data; empty when nothing of it is worth keeping."""
        ...


def packer(codec: str) -> Packer:
    """Raises KeyError for a codec no track can be written in."""
    packers: dict[str, type[Packer]] = {"h264": H264Packer, "vp8": Vp8Packer, "opus": OpusPacker}
    return packers[codec]()


class H264Packer:
    """V_MPEG4/ISO/AVC: the first parameter sets go into the track entry, and no longer into the blocks.

    When the sets change in mid-stream (a browser adapting its resolution), they stay in front of every
    keyframe from there on, where decoders take them from.
    """

    def __init__(self) -> None:
        self._sets: h264.ParameterSets | None = None
        self._changed = False

    def describe(self, frame: EncodedFrame) -> Description | None:
        """The description by a keyframe with its parameter sets; None by any other frame."""
        nals = h264.split_nals(frame.data)
        sets = h264.parameter_sets(nals)
        if sets is None or not any(h264.nal_type(nal) == h264.IDR for nal in nals):
            return None
        try:
            width, height = h264.picture_size(sets.sps)
            private = h264.decoder_configuration(sets)
        except h264.H264Error:
            return None
        self._sets, self._changed = sets, False
        return Description("V_MPEG4/ISO/AVC", private, width, height)

    def pack(self, frame: EncodedFrame) -> bytes:
        """The frame with lengths before its NAL units, as Matroska wants it (ISO/IEC 14496-15)."""
        nals = [nal for nal in h264.split_nals(frame.data) if h264.nal_type(nal) not in _DROPPED]
        sets = h264.parameter_sets(nals)
        if sets is not None and sets != self._sets:
            self._changed = True
        if not self._changed:
            nals = [nal for nal in nals if h264.nal_type(nal) not in _SETS]
        return h264.join_nals(nals)


class Vp8Packer:
    """V_VP8: frames as they are (RFC 6386 §9.1 for the keyframe's header)."""

    def describe(self, frame: EncodedFrame) -> Description | None:
        """The description by a keyframe (RFC 6386 §9.1); None by any other frame."""
        head = frame.data[:10]
        if len(head) < 10 or head[0] & 1 or head[3:6] != b"\x9d\x01\x2a":
            return None
        width, height = (value & 0x3FFF for value in struct.unpack("<HH", head[6:]))
        return Description("V_VP8", b"", width, height) if width and height else None

    def pack(self, frame: EncodedFrame) -> bytes:
        """The frame as it is."""
        return frame.data


class OpusPacker:
    """A_OPUS: packets as they are; the header is of RFC 7845 §5.1, with nothing to skip in mid-stream."""

    def describe(self, frame: EncodedFrame) -> Description | None:
        """OpusHead (RFC 7845 §5.1): stereo at 48 kHz."""
        head = b"OpusHead" + struct.pack("<BBHIhB", 1, 2, 0, 48000, 0, 0)
        return Description("A_OPUS", head, channels=2) if frame.data else None

    def pack(self, frame: EncodedFrame) -> bytes:
        """The packet as it is."""
        return frame.data
