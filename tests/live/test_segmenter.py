from __future__ import annotations

import itertools

from station.live.formats.cmaf import Sample
from station.live.packaging.segmenter import PART_TICKS, Part, Segmenter

SECOND = 90_000


def run(frames: list[tuple[float, bool]], seconds: float) -> list[Part]:
    """Parts of frames (time in seconds, keyframe) with sound beside them, up to the end."""
    segmenter = Segmenter(0, 0)
    parts: list[Part] = []
    heard = 0
    for at, keyframe in frames:
        parts += segmenter.push_video(round(at * SECOND), keyframe, b"frame")
        sound = []
        while heard < at * 48_000:
            sound.append(Sample(heard, 1024, True, b"aac"))
            heard += 1024
        parts += segmenter.push_audio(sound)
    rest = range(heard, round(seconds * 48_000), 1024)
    parts += segmenter.push_audio([Sample(at, 1024, True, b"aac") for at in rest])
    return parts + segmenter.finish(round(seconds * SECOND))


def every(step_s: float, seconds: float, keyframes: set[float]) -> list[tuple[float, bool]]:
    times = [round(index * step_s, 6) for index in range(round(seconds / step_s))]
    return [(at, at in keyframes) for at in times]


def test_parts_are_a_third_of_a_second_and_segments_start_at_keyframes() -> None:
    """At 25 frames a second each segment of 2 s has six parts; only its first is independent."""
    parts = run(every(0.04, 6, {0.0, 2.0, 4.0}), 6)
    assert [(part.segment, part.index) for part in parts] == [(s, k) for s in range(3) for k in range(6)]
    assert {part.end - part.start for part in parts} == {PART_TICKS}
    assert [part.independent for part in parts] == [True, False, False, False, False, False] * 3
    assert [part.last for part in parts] == [False, False, False, False, False, True] * 3


def test_a_keyframe_off_the_grid_makes_a_shorter_last_part() -> None:
    """A keyframe at 1.8 s closes the segment there, and the next part begins with it."""
    parts = run(every(0.04, 4, {0.0, 1.8}), 4)
    last = next(part for part in parts if part.last)
    assert last.end == round(1.8 * SECOND)
    following = parts[parts.index(last) + 1]
    assert (following.segment, following.index, following.independent) == (1, 0, True)


def test_frequent_keyframes_do_not_make_short_segments() -> None:
    """Keyframes each half second still give segments of at least 1.5 s."""
    parts = run(every(0.04, 6, {n / 2 for n in range(12)}), 6)
    starts = [part.start for part in parts if part.index == 0]
    assert all(after - before >= 1.5 * SECOND for before, after in itertools.pairwise(starts))


def test_a_sliver_without_frames_is_no_part() -> None:
    """A keyframe a hair after a part's end closes the segment without an empty part; no time is lost."""
    parts = run([(0, True), *((n / 30, n == 60) for n in range(1, 60)), (2.0003, True), (2.1, False)], 2.4)
    assert [part for part in parts if not part.data and not part.last] == []
    assert [after.start for after in parts[1:]] == [before.end for before in parts[:-1]]
    assert parts[-1].end == round(2.4 * SECOND)


def test_one_frame_a_second_still_gives_regular_parts() -> None:
    """A shared screen that stands still has parts of the usual length; most of them hold sound alone."""
    parts = run(every(1, 6, {0.0, 2.0, 4.0}), 6)
    assert {part.end - part.start for part in parts} == {PART_TICKS}
    assert all(part.data for part in parts)


def test_without_keyframes_a_segment_ends_after_ten_seconds() -> None:
    """A sender that never answers requests for keyframes cannot grow one segment for ever."""
    parts = run(every(0.04, 24, {0.0}), 24)
    assert [round(part.end / SECOND) for part in parts if part.last] == [10, 20, 24]


def test_frames_that_run_backwards_are_put_in_order() -> None:
    """Equal or falling times never give a negative duration."""
    parts = run([(0, True), (0.04, False), (0.04, False), (0.02, False), (0.5, False)], 0.6)
    assert parts[-1].end == round(0.6 * SECOND)
