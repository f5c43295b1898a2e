"""The benchmark of composing, in small."""

from __future__ import annotations

from pathlib import Path

import av

from bench.composing import Camera, encode_clip, ffmpeg_command, make_recording, measure, rows, run
from recordings.compose import compose


def test_both_ways_are_measured() -> None:
    """Ours and ffmpeg's command line make a video each, and the table tells what the one costs by the other."""
    costs = measure(people=2, seconds=1, tries=1)
    assert set(costs) == {"ours", "ffmpeg"}
    assert all(cost.seconds > 0 < cost.cpu_s and cost.size > 0 for cost in costs.values())
    ours, peer = rows(2, 1, costs)
    assert ours.startswith("| 2 | ours |") and peer.endswith("| 1.00 | 1.00 |")


def test_both_show_the_same(tmp_path: Path) -> None:
    """The two are comparable: pictures of one size that differ little, names left aside."""
    make_recording(tmp_path / "room", 2, 1)
    compose(tmp_path / "room", tmp_path / "ours.mp4", lambda _: None)
    run(ffmpeg_command(tmp_path / "room", tmp_path / "peer.mp4", 1), tmp_path / "peer.mp4")
    rows_of = []
    for name in ("ours.mp4", "peer.mp4"):
        with av.open(str(tmp_path / name)) as container:
            frames = list(container.decode(video=0))
            assert (len(frames), frames[0].width, frames[0].height) == (25, 1280, 720)
            plane = frames[12].planes[0]
            rows_of.append(bytes(plane)[300 * plane.line_size :][:1280])
    assert sum(abs(one - other) for one, other in zip(*rows_of, strict=True)) / 1280 < 8


def test_a_clip_begins_with_a_keyframe_and_has_its_rate() -> None:
    """Its frames stand evenly, so that it can be sent again and again."""
    clip = encode_clip(Camera("h264", 160, 90, 30, 100_000), 1)
    assert len(clip) == 30 and clip[0].keyframe and not any(frame.keyframe for frame in clip[1:])
    assert [round(frame.at_ms) for frame in clip[:4]] == [0, 33, 67, 100]
