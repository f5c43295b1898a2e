"""The sound of a recording: all audio tracks, mixed."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import av
import av.filter

from recordings.scene import ended_ms
from recordings.sources import SAMPLE_BYTES, SAMPLE_RATE, AudioTrack
from recordings.timeline import RecordedTrack, Timeline

_GRACE_MS = 500


class MixingDesk:
    """Mixes all audio tracks, a block of so many samples at a time."""

    def __init__(self, folder: Path, timeline: Timeline, samples: int) -> None:
        self._folder = folder
        self._samples = samples
        self._epoch_ms = timeline.epoch_ms or 0.0
        audio = (track for track in timeline.tracks if track.info.kind == "audio")
        self._waiting = sorted(audio, key=lambda track: track.opened_ms, reverse=True)
        self._open: list[tuple[RecordedTrack, AudioTrack]] = []
        self.damaged: set[str] = set()

    def block_at(self, at_ms: float) -> bytes:
        """The sound from a moment (Unix ms) on. Times must not go back."""
        while self._waiting and self._waiting[-1].opened_ms <= at_ms + _GRACE_MS:
            track = self._waiting.pop()
            self._open.append((track, AudioTrack(self._folder / track.file)))
        for entry in [entry for entry in self._open if ended_ms(entry[0]) + _GRACE_MS < at_ms]:
            self._drop(entry)
        blocks = (source.read(at_ms - self._epoch_ms, self._samples) for _, source in self._open)
        return mix([block for block in blocks if block is not None]) or bytes(SAMPLE_BYTES * self._samples)

    def close(self) -> None:
        """Let go of all decoders."""
        for entry in list(self._open):
            self._drop(entry)

    def _drop(self, entry: tuple[RecordedTrack, AudioTrack]) -> None:
        self._open.remove(entry)
        track, source = entry
        if source.damaged:
            self.damaged.add(track.file)
        source.close()


def mix(blocks: list[bytes]) -> bytes:
    """Adds 16-bit stereo sound of one length up, in this machine's byte order as FFmpeg has it, clipping what is too
    loud. Of no blocks: nothing."""
    if len(blocks) < 2:
        return b"".join(blocks)
    return _adder(len(blocks)).add(blocks)


def audio_frame(block: bytes) -> Any:
    """16-bit stereo sound as libav's frame."""
    frame: Any = av.AudioFrame(format="s16", layout="stereo", samples=len(block) // SAMPLE_BYTES)
    frame.sample_rate = SAMPLE_RATE
    frame.planes[0].update(block)
    return frame


class _Adder:
    """libavfilter's `amix` for so many inputs. It adds in floating point, where sums of 16-bit sound are exact."""

    def __init__(self, inputs: int) -> None:
        self._graph: Any = av.filter.Graph()
        self._graph.threads = 1
        self._samples = 0
        sum_of = self._graph.add("amix", inputs=str(inputs), normalize="0")
        self._sources = [
            self._graph.add_abuffer(format="s16", sample_rate=SAMPLE_RATE, layout="stereo") for _ in range(inputs)
        ]
        for number, source in enumerate(self._sources):
            source.link_to(sum_of, 0, number)
        self._sink: Any = self._graph.add("abuffersink")
        self._graph.link_nodes(sum_of, self._graph.add("aformat", sample_fmts="s16"), self._sink).configure()

    def add(self, blocks: list[bytes]) -> bytes:
        for source, block in zip(self._sources, blocks, strict=True):
            frame = audio_frame(block)
            frame.pts = self._samples
            source.push(frame)
        self._samples += len(blocks[0]) // SAMPLE_BYTES
        return bytes(self._sink.pull().planes[0])[: len(blocks[0])]


@functools.cache
def _adder(inputs: int) -> _Adder:
    return _Adder(inputs)
