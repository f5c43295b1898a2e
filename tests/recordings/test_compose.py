"""Composing real tracks into one video: the right pictures, sound and length, whatever happened to the files."""

from __future__ import annotations

import math
import os
import resource
import subprocess
import sys
from array import array
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest

from recordings.compose import NothingRecordedError, compose, frame_times
from recordings.mixing import mix
from recordings.recorder import RoomRecorder
from recordings.tiles import Tile
from recordings.timeline import Mark, Timeline, read_timeline
from tests.recordings.media import BLUE, EPOCH_MS, GREEN, RED, decode, feed, record, sound, track, video

T = EPOCH_MS
ROOT = Path(__file__).parents[2]


def picture_at(path: Path, second: float) -> Any:
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            if frame.time is not None and frame.time >= second - 0.001:
                return frame
    raise AssertionError(f"no picture at {second}")


def chroma_at(frame: Any, x: int, y: int) -> tuple[int, int]:
    """Cb and Cr at a pixel."""
    at = y // 2 * frame.planes[1].line_size + x // 2
    return bytes(frame.planes[1])[at], bytes(frame.planes[2])[at]


def is_colour(frame: Any, x: int, y: int, colour: tuple[int, int, int]) -> bool:
    return all(abs(a - b) < 12 for a, b in zip(chroma_at(frame, x, y), colour[1:], strict=True))


def samples_of(path: Path, side: int = 0) -> array[float]:
    """The sound of a file on one side (0 left, 1 right), 48 kHz."""
    samples = array("f")
    for frame in decode(path, "audio"):
        samples.frombytes(bytes(frame.planes[side])[: 4 * frame.samples])
    return samples


def loudness(samples: array[float], start_s: float, stop_s: float) -> float:
    part = samples[int(start_s * 48000) : int(stop_s * 48000)]
    return math.sqrt(sum(value * value for value in part) / len(part))


def duration_s(path: Path) -> dict[str, float]:
    with av.open(str(path)) as container:
        return {s.type: float(s.duration * s.time_base) for s in container.streams}  # type: ignore[operator]


def run_composer(
    room: Path, output: Path, most_bytes: int = resource.RLIM_INFINITY
) -> subprocess.CompletedProcess[str]:
    """In a process that may make files of that size."""
    command = [sys.executable, "-m", "recordings", "compose", str(room), str(output)]
    limit = (most_bytes, resource.RLIM_INFINITY)
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit),
    )  # fmt: skip


async def test_two_people_a_screen_and_a_pause(tmp_path: Path) -> None:
    """Each moment shows who was there, the pause is cut out, and sound stands where it was spoken."""
    room = tmp_path / "room"
    second = ("p2", "王芳")
    await record(
        room,
        feed(track("a"), video("h264", 200, colour=RED, size=(640, 360))),
        feed(track("b", "camera", "vp8", *second), video("vp8", 150, at_ms=T + 2000, colour=GREEN)),
        feed(track("s", "screen", "h264", *second), video("h264", 50, at_ms=T + 6000, colour=BLUE)),
        feed(track("m", "microphone", "opus", *second), sound(1, at_ms=T + 6500)),
        (T + 4000, lambda r: r.pause(T + 4000)),
        (T + 5000, lambda r: r.resume(T + 5000)),
        stop_ms=T + 8000,
    )
    timeline = read_timeline(room)
    output, parts = tmp_path / "out.mp4", list[float]()
    info = compose(room, output, parts.append)
    assert timeline.duration_s == 7 and info.duration_s == pytest.approx(7, abs=0.2)
    assert all(value == pytest.approx(7, abs=0.2) for value in duration_s(output).values())
    assert parts[0] == 0 and parts[-1] == 1 and all(one <= other for one, other in pairwise(parts))
    assert info.damaged == () and info.people == 2

    alone = picture_at(output, 1)
    assert is_colour(alone, 300, 360, RED) and not is_colour(alone, 960, 360, GREEN)
    both = picture_at(output, 3)
    assert is_colour(both, 300, 360, RED) and is_colour(both, 960, 360, GREEN)
    shared = picture_at(output, 6)  # 7 s after the start
    assert is_colour(shared, 500, 360, BLUE)
    assert is_colour(shared, 1160, 290, RED) and is_colour(shared, 1160, 430, GREEN)
    heard = samples_of(output)
    assert loudness(heard, 5.6, 6.4) > 0.05 > 0.005 > loudness(heard, 0.5, 5.4)


async def test_sound_in_stereo_stays_so_and_a_voice_is_on_both_sides(tmp_path: Path) -> None:
    """What comes from the left is heard on the left only; who speaks in mono is as loud on both sides."""
    room = tmp_path / "room"
    await record(
        room,
        feed(track("h", "microphone", "opus"), sound(1, only_left=True)),
        feed(track("m", "microphone", "opus", "p2", "王芳"), sound(1, at_ms=T + 1500)),
        stop_ms=T + 3000,
    )
    compose(room, tmp_path / "out.mp4", lambda _: None)
    left, right = (samples_of(tmp_path / "out.mp4", side) for side in (0, 1))
    assert loudness(left, 0.2, 0.8) > 0.05 > 0.01 > loudness(right, 0.2, 0.8)
    assert loudness(left, 1.7, 2.3) > 0.05
    assert loudness(left, 1.7, 2.3) == pytest.approx(loudness(right, 1.7, 2.3), rel=0.1)


async def test_a_muted_camera_is_a_plate(tmp_path: Path) -> None:
    """A muted camera, and one that sends nothing for three seconds, give way to a plate with the name."""
    room = tmp_path / "room"
    await record(
        room,
        feed(track("a"), video("h264", 100, colour=RED), close=False),
        (T + 1000, lambda r: r.mark(T + 1000, "muted", track="a")),
        (T + 2000, lambda r: r.mark(T + 2000, "unmuted", track="a")),
        stop_ms=T + 9000,
    )
    compose(room, tmp_path / "out.mp4", lambda _: None)
    shown = [is_colour(picture_at(tmp_path / "out.mp4", at), 640, 100, RED) for at in (0.5, 1.5, 3, 6.5, 8)]
    assert shown == [True, False, True, True, False]
    plate = picture_at(tmp_path / "out.mp4", 8)
    middle = bytes(plate.planes[0])[360 * plate.planes[0].line_size :][:1280]
    assert max(middle) > 180  # letters


@pytest.mark.parametrize("damage", ["cut", "rubbish", "missing", "empty", "flipped"])
async def test_damaged_tracks_are_borne(tmp_path: Path, damage: str) -> None:
    """Whatever became of one track, the video has its whole length and shows the other."""
    room = tmp_path / "room"
    await record(
        room,
        feed(track("a"), video("h264", 75, colour=RED)),
        feed(track("m", "microphone", "opus"), sound(3)),
        feed(track("b", person="p2", name="王芳"), video("h264", 75, colour=GREEN)),
        stop_ms=T + 3000,
    )
    for path in (room / "1-camera.mkv", room / "2-microphone.mkv"):
        data = bytearray(path.read_bytes())
        if damage == "missing":
            path.unlink()
        elif damage == "flipped":
            for at in range(400, len(data), 97):
                data[at] ^= 0x55
            path.write_bytes(data)
        else:
            left = {"cut": bytes(data)[: len(data) // 2], "empty": b"", "rubbish": os.urandom(5000)}
            path.write_bytes(left[damage])
    info = compose(room, tmp_path / "out.mp4", lambda _: None)
    assert info.duration_s == pytest.approx(3, abs=0.2)
    assert is_colour(picture_at(tmp_path / "out.mp4", 2), 960, 360, GREEN)
    if damage in ("rubbish", "missing", "empty"):
        assert info.damaged == ("1-camera.mkv", "2-microphone.mkv")


async def test_a_crash_in_the_middle(tmp_path: Path) -> None:
    """What a crash interrupted is composed with what followed, without the time between."""
    room = tmp_path / "room"
    recorder = RoomRecorder(room, pytest.fail)
    recorder.open_track(track("a"))
    recorder.start(T)
    for frame in video("h264", 50, colour=RED):
        recorder.write("a", frame)
    await recorder.close()
    again = RoomRecorder.recover(room, pytest.fail)
    again.open_track(track("a2"))
    for frame in video("h264", 50, at_ms=T + 600_000, colour=GREEN):
        again.write("a2", frame)
    again.stop(T + 602_000)
    await again.close()
    info = compose(room, tmp_path / "out.mp4", lambda _: None)
    assert info.duration_s == pytest.approx(read_timeline(room).duration_s, abs=0.05) == pytest.approx(3.96, abs=0.1)
    assert is_colour(picture_at(tmp_path / "out.mp4", 1), 640, 100, RED)
    assert is_colour(picture_at(tmp_path / "out.mp4", 3), 640, 100, GREEN)


async def test_the_command_line_tells_its_progress(tmp_path: Path) -> None:
    """`python -m recordings compose` prints progress lines up to 1 and the duration."""
    room = tmp_path / "room"
    await record(room, feed(track("m", "microphone", "opus"), sound(2)), stop_ms=T + 2000)
    done = run_composer(room, tmp_path / "out.mp4")
    assert done.returncode == 0
    lines = done.stdout.split("\n")
    assert lines[0] == "progress 0.000" and "progress 1.000" in lines and "duration 2.000" in lines
    with (tmp_path / "out.mp4").open("rb") as file:
        head = file.read(4096)
    assert head.index(b"moov") < head.index(b"mdat") if b"mdat" in head else b"moov" in head


async def test_a_disk_that_takes_no_more(tmp_path: Path) -> None:
    """What cannot be written ends composing with 1 and a reason, and nothing is left of it."""
    room = tmp_path / "room"
    await record(room, feed(track("a"), video("h264", 100, noise=True)), stop_ms=T + 4000)

    done = run_composer(room, tmp_path / "out.mp4", most_bytes=100_000)
    assert done.returncode == 1 and "cannot compose" in done.stderr and "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["room"]


async def test_nothing_to_compose(tmp_path: Path) -> None:
    """Without recorded time there is no file, and the command line says so with 3."""
    room = tmp_path / "room"
    await record(room, stop_ms=T)
    with pytest.raises(NothingRecordedError):
        compose(room, tmp_path / "out.mp4", lambda _: None)
    assert run_composer(room, tmp_path / "out.mp4").returncode == 3
    assert [path.name for path in tmp_path.iterdir()] == ["room"]


def test_frames_stand_evenly_in_recorded_time() -> None:
    """Over pauses of odd lengths, frame n shows recorded second n / 25."""
    marks = [
        (0, "started"),
        (1013, "paused"),
        (5000, "resumed"),
        (5007, "paused"),
        (9000, "resumed"),
        (10001, "stopped"),
    ]
    timeline = Timeline.from_marks([Mark(at, name) for at, name in marks])
    times = list(frame_times(timeline, round(timeline.duration_s * 25)))
    assert len(times) == round(2.021 * 25)
    assert all(timeline.offset_s(at) == pytest.approx(index / 25) for index, at in enumerate(times))


def test_loud_sounds_are_clipped() -> None:
    """Sounds are added up, and what is too loud is clipped instead of turning over."""
    loud, quiet = array("h", [30000, -30000]).tobytes(), array("h", [100, -100]).tobytes()
    assert array("h", mix([loud, quiet])).tolist() == [30100, -30100]
    assert array("h", mix([loud, loud, quiet])).tolist() == [32767, -32768]


async def test_a_picture_that_cannot_be_shown_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its person is shown by name, the track is named as damaged, and everybody else is composed as ever."""
    shown = Tile.picture

    def picture(tile: Tile, frame: Any, name: str, *, whole: bool) -> Any:
        if frame.width == 320:
            raise NotImplementedError
        return shown(tile, frame, name, whole=whole)

    monkeypatch.setattr(Tile, "picture", picture)
    room = tmp_path / "room"
    await record(
        room,
        feed(track("a"), video("h264", 50, colour=RED, size=(640, 360))),
        feed(track("b", "camera", "vp8", "p2", "王芳"), video("vp8", 50, colour=GREEN, size=(320, 180))),
        stop_ms=T + 2000,
    )
    info = compose(room, tmp_path / "out.mp4", lambda _share: None)
    both = picture_at(tmp_path / "out.mp4", 1)
    assert is_colour(both, 300, 360, RED) and not is_colour(both, 960, 360, GREEN)
    assert len(info.damaged) == 1 and info.duration_s == pytest.approx(2, abs=0.2)
