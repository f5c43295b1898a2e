"""The recorder: what it writes, leaves out, and does when the disk is slow."""

import asyncio
import errno
import os
import threading
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from recordings.folder import RESERVE_FILE
from recordings.matroska import RawFile
from recordings.recorder import MAX_QUEUED_BYTES, RoomRecorder, find_unfinished
from recordings.timeline import read_marks, read_timeline
from tests.recordings.media import EPOCH_MS, FPS, decode, feed, record, sound, times_ms, track, video

T = EPOCH_MS


def mark_names(folder: Path) -> list[str]:
    return [mark.name for mark in read_marks(folder)]


async def test_each_track_has_its_file_on_one_clock(tmp_path: Path) -> None:
    """Tracks published at different times have timestamps from the one epoch."""
    camera, microphone = track("c"), track("m", "microphone", "opus")
    late = track("v", "camera", "vp8", "p2", "王芳")
    alarms = await record(
        tmp_path / "room",
        feed(camera, video("h264", 50)),
        feed(microphone, sound(2)),
        feed(late, video("vp8", 25, at_ms=T + 1000)),
        stop_ms=T + 2000,
    )
    timeline = read_timeline(tmp_path / "room")
    files = {item.info: item.file for item in timeline.tracks}
    assert alarms == [] and timeline.duration_s == 2 and timeline.state == "off"
    assert files == {camera: "1-camera.mkv", microphone: "2-microphone.mkv", late: "3-camera.mkv"}
    assert times_ms(tmp_path / "room" / "1-camera.mkv") == [40 * n for n in range(50)]
    assert times_ms(tmp_path / "room" / "2-microphone.mkv", "audio")[0] == 0
    assert times_ms(tmp_path / "room" / "3-camera.mkv") == [1000 + 40 * n for n in range(25)]
    assert not (tmp_path / "room" / RESERVE_FILE).exists()


async def test_nothing_is_written_in_a_pause(tmp_path: Path) -> None:
    """Between pause and resume nothing is kept, not even frames that come late; video goes on at a keyframe."""
    recorder = RoomRecorder(tmp_path, pytest.fail)
    recorder.open_track(track("c"))
    frames = video("h264", 100)
    recorder.start(T)
    for frame in frames[:10]:
        recorder.write("c", frame)
    recorder.pause(T + 400)
    assert recorder.state == "paused"
    for frame in frames[10:30]:
        recorder.write("c", frame)
    recorder.resume(T + 1600)
    for frame in frames[30:]:  # the first of these are from before the resume
        recorder.write("c", frame)
    recorder.stop(T + 4000)
    await recorder.close()
    assert times_ms(tmp_path / "1-camera.mkv") == [*range(0, 400, 40), *range(2000, 4000, 40)]
    assert read_timeline(tmp_path).intervals == ((T, T + 400), (T + 1600, T + 4000))


async def test_orders_are_idempotent(tmp_path: Path) -> None:
    """Saying the same twice, or what does not fit the state, changes nothing."""
    recorder = RoomRecorder(tmp_path, pytest.fail)
    for order in (recorder.stop, recorder.pause, recorder.resume):
        order(T)
    assert (recorder.state, recorder.epoch_ms) == ("off", None)
    orders = [recorder.start, recorder.start, recorder.resume, recorder.pause, recorder.pause]
    for order, at_ms in zip(orders, (T, T + 1, T + 2, T + 10, T + 11), strict=True):
        order(at_ms)
    recorder.start(T + 20)
    assert (recorder.state, recorder.epoch_ms) == ("recording", T)
    for at_ms in (T + 30, T + 31):
        recorder.stop(at_ms)
    await recorder.close()
    await recorder.close()
    assert mark_names(tmp_path) == ["started", "paused", "resumed", "stopped"]


async def test_start_after_stop_goes_on_in_the_folder(tmp_path: Path) -> None:
    """A second start makes new files with the first one's epoch, also by another recorder."""
    await record(tmp_path, feed(track("c"), video("h264", 25), close=False), stop_ms=T + 1000)
    recorder = RoomRecorder(tmp_path, pytest.fail)
    assert recorder.epoch_ms == T
    recorder.open_track(track("c"))
    recorder.start(T + 60_000)
    for frame in video("h264", 25, at_ms=T + 60_000):
        recorder.write("c", frame)
    recorder.stop(T + 61_000)
    await recorder.close()
    assert times_ms(tmp_path / "2-camera.mkv")[0] == 60_000
    assert len(decode(tmp_path / "1-camera.mkv")) == len(decode(tmp_path / "2-camera.mkv")) == 25
    assert read_timeline(tmp_path).duration_s == 2


async def test_muted_before_the_start_is_noted(tmp_path: Path) -> None:
    """Whoever was muted when recording began is muted on the timeline."""
    recorder = RoomRecorder(tmp_path, pytest.fail)
    recorder.open_track(track("c"))
    recorder.mark(T - 500, "muted", track="c")
    recorder.start(T)
    recorder.stop(T + 100)
    await recorder.close()
    assert mark_names(tmp_path) == ["started", "muted", "stopped"]


async def test_a_codec_may_change(tmp_path: Path) -> None:
    """A track renegotiated to another codec goes on in another file."""
    frames = video("vp8", 25) + video("h264", 25, at_ms=T + 1000)
    await record(tmp_path, feed(track("c", codec="vp8"), frames), stop_ms=T + 2000)
    assert times_ms(tmp_path / "1-camera.mkv")[-1] == 960
    assert times_ms(tmp_path / "2-camera.mkv")[0] == 1000


async def test_rubbish_frames_are_left_out(tmp_path: Path) -> None:
    """Frames that are not what they say make no file and stop nothing."""
    bad = [replace(frame, data=b"\x00\x00\x01\x67" + bytes(range(20))) for frame in video("h264", 25)]
    unknown = [replace(bad[0], codec="av1")]
    good = video("h264", 25, at_ms=T + 1000)
    alarms = await record(tmp_path, feed(track("c"), bad + good), feed(track("x"), unknown), stop_ms=T + 2000)
    assert alarms == [] and times_ms(tmp_path / "1-camera.mkv")[0] == 1000


class SlowFile:
    """A file on a disk that takes nothing until it is let go on."""

    def __init__(self, path: Path, go_on: threading.Event) -> None:
        self._file = path.open("xb", buffering=0)
        self._go_on = go_on

    def write(self, data: bytes, /) -> int | None:
        self._go_on.wait(30)
        return self._file.write(data)

    def __getattr__(self, name: str) -> object:
        return getattr(self._file, name)


async def test_a_slow_disk_drops_whole_tracks_to_a_keyframe(tmp_path: Path) -> None:
    """What a slow disk cannot take is dropped up to a keyframe, with marks; memory stays bounded."""
    go_on = threading.Event()
    recorder = RoomRecorder(tmp_path, pytest.fail, open_file=lambda path: SlowFile(path, go_on))  # type: ignore[arg-type,return-value]
    recorder.open_track(track("c"))
    recorder.start(T)
    frames = video("h264", 60)
    for frame in frames[:30]:  # as if each frame were huge
        padding = b"\x00\x00\x01\x0c" + b"\xff" * (MAX_QUEUED_BYTES // 8)
        recorder.write("c", replace(frame, data=frame.data + padding))
    go_on.set()
    recorder.mark(T + 1200, "drained")
    async with asyncio.timeout(30):
        while "drained" not in mark_names(tmp_path):
            await asyncio.sleep(0.01)
    for frame in frames[30:]:
        recorder.write("c", frame)
    recorder.stop(T + 2400)
    await recorder.close()
    times = times_ms(tmp_path / "1-camera.mkv")
    assert times[0] == 0 and times[-1] == 2360 and len(times) < 60
    after_gaps = [at for before, at in pairwise(times) if at != before + 40]
    assert after_gaps and all(at % 1000 == 0 for at in after_gaps)
    names = mark_names(tmp_path)
    assert names.count("drop_began") == names.count("drop_ended") == len(after_gaps)


class FullFile:
    """A track file whose disk is full after some bytes: writes a part, then fails, as a disk does."""

    def __init__(self, path: Path, room: int, code: int) -> None:
        self._file = path.open("xb", buffering=0)
        self._room, self._code = room, code

    def write(self, data: bytes, /) -> int | None:
        if not self._room:
            raise OSError(self._code, os.strerror(self._code))
        taken = self._file.write(data[: self._room]) or 0
        self._room -= taken
        return taken

    def __getattr__(self, name: str) -> object:
        return getattr(self._file, name)


@pytest.mark.parametrize(("code", "alarm"), [(errno.ENOSPC, "disk_full"), (errno.EIO, "write_failed")])
async def test_a_failing_disk_stops_recording(tmp_path: Path, code: int, alarm: str) -> None:
    """The first failure ends recording with one alarm; what was written plays, and a new start works."""
    alarms: list[str] = []
    broken = True

    def open_file(path: Path) -> RawFile:
        if broken:
            return FullFile(path, 3001, code)  # type: ignore[return-value]
        return path.open("xb", buffering=0)

    recorder = RoomRecorder(tmp_path, alarms.append, open_file=open_file)
    recorder.open_track(track("c"))
    recorder.open_track(track("m", "microphone", "opus"))
    recorder.start(T)
    for frame in video("h264", 50):
        recorder.write("c", frame)
    for frame in sound(2):
        recorder.write("m", frame)
    recorder.pause(T + 2000)
    await recorder.close()
    assert alarms == [alarm] and recorder.state == "off"
    timeline = read_timeline(tmp_path)
    assert timeline.state == "off" and timeline.marks[-1].fields == {"code": alarm}
    assert find_unfinished(tmp_path.parent) == []
    for item in timeline.tracks:
        path = tmp_path / item.file
        assert not path.exists() or decode(path, item.info.kind)
    broken = False
    recorder.start(T + 5000)
    for frame in video("h264", FPS, at_ms=T + 5000):
        recorder.write("c", frame)
    recorder.stop(T + 6000)
    await recorder.close()
    assert alarms == [alarm] and len(decode(tmp_path / f"{len(timeline.tracks) + 1}-camera.mkv")) == FPS


async def test_written_means_on_the_disk(tmp_path: Path) -> None:
    """Who has waited for it finds the marks and frames in the folder, while recording goes on."""
    recorder = RoomRecorder(tmp_path / "room", pytest.fail)
    await recorder.written()  # nothing was asked for
    recorder.open_track(track("c"))
    recorder.start(T)
    await recorder.written()
    assert read_timeline(tmp_path / "room").state == "recording"
    for frame in video("h264", FPS):
        recorder.write("c", frame)
    await recorder.written()
    assert len(decode(tmp_path / "room" / "1-camera.mkv")) == FPS
    await recorder.close()
    await recorder.written()


async def test_written_does_not_wait_for_a_full_disk(tmp_path: Path) -> None:
    """What could not be written is answered too, after the alarm."""
    alarms: list[str] = []
    recorder = RoomRecorder(tmp_path, alarms.append, open_file=lambda path: FullFile(path, 10, errno.ENOSPC))  # type: ignore[arg-type,return-value]
    recorder.open_track(track("c"))
    recorder.start(T)
    for frame in video("h264", FPS):
        recorder.write("c", frame)
    await recorder.written()
    assert alarms == ["disk_full"] and recorder.state == "off"
    await recorder.close()


async def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """Where no folder can be made there is no recorder: whoever makes it learns why."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NotADirectoryError):
        RoomRecorder(tmp_path / "file" / "room", pytest.fail)


async def test_a_broken_listener_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """An alarm whose listener fails leaves the recorder usable."""

    def fail(code: str) -> None:
        raise RuntimeError(code)

    recorder = RoomRecorder(tmp_path, fail, open_file=lambda path: FullFile(path, 10, errno.ENOSPC))  # type: ignore[arg-type,return-value]
    recorder.open_track(track("c"))
    recorder.start(T)
    recorder.write("c", video("h264", 1)[0])
    await recorder.close()
    assert recorder.state == "off" and "listener" in caplog.text
