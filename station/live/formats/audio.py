"""Sound of the broadcast: Opus in, one unbroken AAC-LC track out, silence wherever nothing came.

Runs in the packager's worker thread; decoding and encoding never touch the event loop.
"""

from __future__ import annotations

from fractions import Fraction

import av
from av.audio.codeccontext import AudioCodecContext
from av.error import FFmpegError

from station.live.formats.cmaf import AAC_FRAME, AUDIO_TIMESCALE, Sample

CHANNELS = 2
BIT_RATE = 96_000
TOLERANCE = AUDIO_TIMESCALE * 20 // 1000  # smaller steps of the sender's clock are not worth a click
_BYTES = 2 * CHANNELS
_TIME_BASE = Fraction(1, AUDIO_TIMESCALE)


class AudioTrack:
    """Keeps the sound on the broadcast's own clock: positions are samples at 48 kHz from the broadcast's start."""

    def __init__(self, start: int) -> None:
        self._start = start
        self._decoder = _open_decoder()
        self._encoder = _open_encoder()
        self._to_pcm = av.AudioResampler(format="s16", layout="stereo", rate=AUDIO_TIMESCALE)
        self._to_planes = av.AudioResampler(format="fltp", layout="stereo", rate=AUDIO_TIMESCALE)
        self._pcm = bytearray()
        self._encoded = start
        self.end = start
        """Where the last AAC frame that came out ends."""

    @property
    def config(self) -> bytes:
        """AudioSpecificConfig (ISO/IEC 14496-3) for the init segment."""
        return bytes(self._encoder.extradata or b"")

    @property
    def position(self) -> int:
        """Up to where sound has been taken in, real or silent."""
        return self._encoded + len(self._pcm) // _BYTES

    def push(self, opus: bytes, at: int) -> list[Sample]:
        """One Opus packet that belongs at `at`; a hole before it becomes silence, an overlap is cut off."""
        pcm = self._decode(opus)
        behind = self.position - at
        if behind < -TOLERANCE:
            self._pcm += bytes(-behind * _BYTES)
        elif behind > TOLERANCE:
            pcm = pcm[behind * _BYTES :]
        self._pcm += pcm
        return self._encode_whole_frames()

    def fill_until(self, at: int) -> list[Sample]:
        """Silence up to `at`, if sound has not come that far."""
        missing = at - self.position
        if missing <= 0:
            return []
        self._pcm += bytes(missing * _BYTES)
        return self._encode_whole_frames()

    def flush_until(self, at: int) -> list[Sample]:
        """Everything up to `at`, pushed through the encoder by silence after it."""
        samples = self.fill_until(at)
        while self.end < at:
            samples += self.fill_until(self.position + AAC_FRAME)
        return samples

    def _decode(self, opus: bytes) -> bytes:
        try:
            frames = self._decoder.decode(av.Packet(opus))
        except (FFmpegError, ValueError):
            return b""  # a damaged packet is a lost packet: the next one finds a hole and fills it
        pcm = bytearray()
        for frame in frames:
            for plain in self._to_pcm.resample(frame):
                pcm += bytes(plain.planes[0])[: plain.samples * _BYTES]
        return bytes(pcm)

    def _encode_whole_frames(self) -> list[Sample]:
        size = AAC_FRAME * _BYTES
        samples: list[Sample] = []
        whole = len(self._pcm) // size * size
        for offset in range(0, whole, size):
            samples += self._encode(bytes(self._pcm[offset : offset + size]))
        del self._pcm[:whole]
        return samples

    def _encode(self, pcm: bytes) -> list[Sample]:
        frame = av.AudioFrame(format="s16", layout="stereo", samples=AAC_FRAME)
        frame.sample_rate = AUDIO_TIMESCALE
        frame.time_base = _TIME_BASE
        frame.pts = self._encoded - self._start
        frame.planes[0].update(pcm)
        self._encoded += AAC_FRAME
        samples = []
        for planar in self._to_planes.resample(frame):
            for packet in self._encoder.encode(planar):
                at = self._start + (packet.pts or 0)
                if at >= self._start:  # the first packet is the encoder's run-in
                    samples.append(Sample(at, AAC_FRAME, True, bytes(packet)))
                    self.end = at + AAC_FRAME
        return samples


def _open_decoder() -> AudioCodecContext:
    decoder = av.CodecContext.create("libopus", "r")
    assert isinstance(decoder, AudioCodecContext)
    decoder.sample_rate = AUDIO_TIMESCALE
    decoder.layout = "stereo"
    return decoder


def _open_encoder() -> AudioCodecContext:
    encoder = av.CodecContext.create("aac", "w")
    assert isinstance(encoder, AudioCodecContext)
    encoder.sample_rate = AUDIO_TIMESCALE
    encoder.layout = "stereo"
    encoder.format = "fltp"
    encoder.bit_rate = BIT_RATE
    encoder.open()
    return encoder
