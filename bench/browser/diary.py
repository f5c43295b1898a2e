"""What a page saw, reckoned from its diary (page.js): frames a second, freezes, concealed sound, recovery. Pure."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

SAMPLES_PER_S = 48_000
_RECENT_GAPS = 30
_FIRST_GAP_MS = 40.0


@dataclass(frozen=True, slots=True)
class Frame:
    """When a frame came to the screen (Unix ms), how high it is, and how many were shown since the one before."""

    at_ms: float
    height: int
    count: int = 1


def frames_of(shown: list[list[float]]) -> list[Frame]:
    """The diary's list in the order of time."""
    return sorted((Frame(at, int(height), int(count)) for at, height, count in shown), key=lambda frame: frame.at_ms)


def frames_per_s(frames: list[Frame], from_ms: float, to_ms: float) -> float:
    """How many were shown, by time."""
    return sum(frame.count for frame in frames if from_ms < frame.at_ms <= to_ms) * 1000 / (to_ms - from_ms)


def gaps_ms(frames: list[Frame], from_ms: float, to_ms: float) -> list[float]:
    """Times between frames that touch the span; without any frame the whole span is one."""
    times = [frame.at_ms for frame in frames if frame.at_ms <= to_ms]
    before = [at for at in times if at <= from_ms][-1:] or [from_ms]
    inside = [at for at in times if at > from_ms]
    return [late - early for early, late in pairwise([*before, *inside, to_ms])]


def freezes_ms(frames: list[Frame], from_ms: float, to_ms: float) -> list[float]:
    """Gaps that a person notices: longer than three usual ones, and than a usual one and 150 ms (webrtc-stats)."""
    recent: deque[float] = deque([_FIRST_GAP_MS], _RECENT_GAPS)
    found = []
    for gap in gaps_ms(frames, from_ms, to_ms):
        usual = sum(recent) / len(recent)
        if gap > max(3 * usual, usual + 150):
            found.append(gap)
        else:
            recent.append(gap)
    return found


def recovered_after_s(frames: list[Frame], since_ms: float, rate: float, height: int = 0) -> float | None:
    """How long until a whole second at this rate and height began; None when it did not."""
    good = [frame for frame in frames if frame.at_ms >= since_ms and frame.height >= height]
    for first in good:
        second = sum(frame.count for frame in good if 0 <= frame.at_ms - first.at_ms < 1000)
        if second >= rate:
            return (first.at_ms - since_ms) / 1000
    return None


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which that share lies; not a number if there are none."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else math.nan


def lower_after_s(frames: list[Frame], since_ms: float) -> float | None:
    """How long until the first frame of less height than the one shown at that time; None when there was none."""
    before = [frame.height for frame in frames if frame.at_ms <= since_ms][-1:] or [0]
    lower = (frame.at_ms for frame in frames if frame.at_ms > since_ms and frame.height < before[0])
    first = next(lower, None)
    return None if first is None else (first - since_ms) / 1000


def concealed_share(samples: list[dict[str, Any]], from_ms: float, to_ms: float) -> float:
    """The part of the sound that was made up or not played at all, from the counters of every connection."""
    heard, first_ms, last_ms = 0.0, from_ms, to_ms
    before: dict[str, float] = {}
    for sample in sorted(samples, key=lambda sample: sample["ms"]):
        whole = {entry["id"]: _whole(entry) for entry in sample["stats"] if _is_sound(entry)}
        if sample["ms"] <= from_ms:
            first_ms = sample["ms"]
        elif sample["ms"] <= to_ms + 1000:
            heard += sum(count - before.get(name, 0.0) for name, count in whole.items())
            last_ms = sample["ms"]
        before |= whole
    expected = (last_ms - first_ms) * SAMPLES_PER_S / 1000
    return max(0.0, 1 - heard / expected)


def _is_sound(entry: dict[str, Any]) -> bool:
    return (entry["type"], entry.get("kind")) == ("inbound-rtp", "audio")


def _whole(entry: dict[str, Any]) -> float:
    return float(entry.get("totalSamplesReceived", 0) - entry.get("concealedSamples", 0))
