"""After kill -9 and on a really full disk: little is lost, and recording goes on."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from recordings import timeline
from recordings.folder import append_mark
from recordings.recorder import RoomRecorder, find_unfinished
from recordings.timeline import (
    TIMELINE_FILE,
    Mark,
    dump_mark,
    load_mark,
    read_last_state,
    read_marks,
    read_timeline,
)
from tests.recordings.media import EPOCH_MS, decode, feed, record, sound, times_ms, track, video

T = EPOCH_MS
ROOT = Path(__file__).parents[2]


@contextmanager
def recording_child(folder: Path, seconds: float, *limit: str) -> Iterator[subprocess.Popen[str]]:
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.recordings.child", str(folder), str(seconds), *limit],
        stdout=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    try:
        yield child
    finally:
        child.kill()
        child.wait()
        assert child.stdout is not None
        child.stdout.close()


def lines_until(child: subprocess.Popen[str], found: Callable[[list[str]], bool]) -> list[list[str]]:
    assert child.stdout is not None
    lines: list[list[str]] = []
    for line in child.stdout:
        lines.append(line.split())
        if found(lines[-1]):
            break
    return lines


async def test_kill_9_loses_less_than_a_second(tmp_path: Path) -> None:
    """A killed recorder's files play as they are, but for the last moment, and another goes on in its place."""
    folder = tmp_path / "room"
    with recording_child(folder, 60) as child:
        first: list[float] = []

        def is_late(line: list[str]) -> bool:
            first.append(float(line[1]))
            return first[-1] - first[0] > 2300

        last_ms = float(lines_until(child, is_late)[-1][1])
        child.send_signal(signal.SIGKILL)
        child.wait()
    before = read_timeline(folder)
    epoch_ms = before.epoch_ms
    assert epoch_ms is not None and before.state == "recording"
    for item in before.tracks:
        lost_ms = last_ms - (epoch_ms + times_ms(folder / item.file, item.info.kind)[-1])
        assert lost_ms < 1000, item.file
    assert find_unfinished(tmp_path) == [folder]

    recorder = RoomRecorder.recover(folder, pytest.fail)
    assert recorder.state == "recording" and recorder.epoch_ms == epoch_ms
    recorder.open_track(track("c"))
    again_ms = epoch_ms + 60_000
    for frame in video("h264", 25, at_ms=again_ms):
        recorder.write("c", frame)
    recorder.stop(again_ms + 1000)
    await recorder.close()
    after = read_timeline(folder)
    (begin, end), resumed = after.intervals
    assert begin == epoch_ms and 0 <= last_ms - end < 1000 and resumed == (again_ms, again_ms + 1000)
    assert times_ms(folder / "3-camera.mkv")[0] == 60_000
    assert all(item.closed_ms is not None for item in after.tracks) and find_unfinished(tmp_path) == []


def test_a_full_disk_alarms_and_the_files_play(tmp_path: Path) -> None:
    """When the system takes no more bytes, recording stops with disk_full and the process goes on."""
    folder = tmp_path / "room"
    with recording_child(folder, 60, str(300_000)) as child:
        lines_until(child, lambda line: line[0] == "alarm" or float(line[1]) < 0)
        tail = lines_until(child, lambda line: line[0] == "frame" and line[2] == "off")
        assert tail[-1][2] == "off"
    timeline = read_timeline(folder)
    assert timeline.state == "off" and timeline.marks[-1].fields == {"code": "disk_full"}
    for item in timeline.tracks:
        assert decode(folder / item.file, item.info.kind)


async def test_recover_a_pause(tmp_path: Path) -> None:
    """A recording killed in a pause is paused again, and takes nothing before the resume."""
    folder = tmp_path / "room"
    await record(folder, feed(track("c"), video("h264", 25)), stop_ms=T + 1000)
    whole = read_marks(folder)[:-1]
    (folder / "timeline.jsonl").unlink()
    for mark in (*whole, Mark(T + 1000, "paused")):
        append_mark(folder, mark)
    recorder = RoomRecorder.recover(folder, pytest.fail)
    assert recorder.state == "paused"
    recorder.open_track(track("m", "microphone", "opus"))
    packets = sound(1, at_ms=T + 9000)
    for packet in packets[:25]:
        recorder.write("m", packet)
    recorder.resume(T + 9500)
    for packet in packets[25:]:
        recorder.write("m", packet)
    recorder.stop(T + 10_000)
    await recorder.close()
    assert read_timeline(folder).duration_s == 1.5
    assert times_ms(folder / "2-microphone.mkv", "audio")[0] == 9500


async def test_recover_twice_before_anyone_returns(tmp_path: Path) -> None:
    """A second crash before the first frame adds no recorded time; a stop then ends it."""
    folder = tmp_path / "room"
    recorder = RoomRecorder(folder, pytest.fail)
    recorder.open_track(track("c"))
    recorder.start(T)
    for frame in video("h264", 25):
        recorder.write("c", frame)
    await recorder.close()  # without a stop: as good as a crash
    for _ in range(2):
        assert find_unfinished(tmp_path) == [folder]
        again = RoomRecorder.recover(folder, pytest.fail)
        assert again.state == "recording"
        await again.close()
    last = RoomRecorder.recover(folder, pytest.fail)
    last.stop(T + 99_000)
    await last.close()
    assert read_timeline(folder).duration_s == pytest.approx(0.96)
    assert find_unfinished(tmp_path) == []


async def test_a_file_without_a_block_is_removed(tmp_path: Path) -> None:
    """A track killed before its first block came to the disk leaves no file to trip over."""
    folder = tmp_path / "room"
    recorder = RoomRecorder(folder, pytest.fail)
    recorder.open_track(track("c"))
    recorder.start(T)
    for frame in video("h264", 5):
        recorder.write("c", frame)
    await recorder.close()
    data = (folder / "1-camera.mkv").read_bytes()
    marks = [mark for mark in read_marks(folder) if mark.name != "track_closed"]
    (folder / "timeline.jsonl").unlink()
    for mark in marks:
        append_mark(folder, mark)
    os.truncate(folder / "1-camera.mkv", 200)
    assert len(data) > 200
    await RoomRecorder.recover(folder, pytest.fail).close()
    assert not (folder / "1-camera.mkv").exists()


def test_no_recordings(tmp_path: Path) -> None:
    """Where there is no recording, none is unfinished."""
    assert find_unfinished(tmp_path) == [] and find_unfinished(tmp_path / "none") == []


def test_of_a_long_finished_recording_only_the_end_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start does not wait for years of recordings to be read: their last lines tell that they are finished."""
    for name, last in (("ended", ["stopped", "unmuted"]), ("broken", ["paused"] + ["note"] * 300), ("none", ["note"])):
        (tmp_path / name).mkdir()
        marks = [Mark(T, "note")] * 2000 + [Mark(T + 1, mark) for mark in last]
        (tmp_path / name / TIMELINE_FILE).write_bytes(b"".join(dump_mark(mark) for mark in marks) + b'{"at_ms":17')
    parsed: list[bytes] = []

    def counted(line: bytes) -> Mark | None:
        parsed.append(line)
        return load_mark(line)

    monkeypatch.setattr(timeline, "load_mark", counted)
    assert find_unfinished(tmp_path) == [tmp_path / "broken"]
    parsed.clear()
    assert read_last_state(tmp_path / "ended") == "off" and len(parsed) == 3


def test_a_recording_that_cannot_be_read_keeps_no_other_from_being_found(tmp_path: Path) -> None:
    """One broken folder does not cost the others their going on."""
    (tmp_path / "a" / TIMELINE_FILE).mkdir(parents=True)
    (tmp_path / "b").mkdir()
    append_mark(tmp_path / "b", Mark(T, "started"))
    assert find_unfinished(tmp_path) == [tmp_path / "b"]
