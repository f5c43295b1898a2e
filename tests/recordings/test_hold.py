"""One recording, one writer: who holds the folder, who held it last, and who may go on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from recordings.hold import FolderHold, RecordingHeld, holder_of
from recordings.recorder import RoomRecorder
from recordings.timeline import read_marks, read_timeline
from tests.recordings.media import EPOCH_MS, track, video

ROOT = Path(__file__).parents[2]
HOLD = "import sys; from pathlib import Path; from recordings.hold import FolderHold; "
HOLD += "kept = FolderHold(Path(sys.argv[1]), 'other'); print('held', flush=True); sys.stdin.read()"


async def test_two_recorders_never_write_one_recording(tmp_path: Path) -> None:
    """The second is refused and changes nothing; once the first lets go, it goes on in the same timeline."""
    folder = tmp_path / "room"
    first = RoomRecorder(folder, pytest.fail, holder="0")
    first.open_track(track("c"))
    first.start(EPOCH_MS)
    marks = read_marks(folder)
    for make in (RoomRecorder, RoomRecorder.recover):
        with pytest.raises(RecordingHeld):
            make(folder, pytest.fail, holder="1")
    late = RoomRecorder(tmp_path / "other", pytest.fail, holder="1")
    late.start(EPOCH_MS)
    for frame in video("h264", 25):
        first.write("c", frame)
    await first.close()
    await late.close()
    assert [m.name for m in read_marks(folder)][: len(marks)] == [m.name for m in marks]
    assert holder_of(folder) == "0"
    second = RoomRecorder.recover(folder, pytest.fail, holder="1")
    assert second.state == "recording" and holder_of(folder) == "1"
    second.stop(EPOCH_MS + 9000)
    await second.close()
    assert read_timeline(folder).state == "off" and holder_of(folder) == ""


async def test_a_folder_taken_before_the_start_is_refused(tmp_path: Path) -> None:
    """Of two recorders for a meeting that has no folder yet only one can be made, before either has started."""
    one = RoomRecorder(tmp_path / "room", pytest.fail, holder="0")
    with pytest.raises(RecordingHeld):
        RoomRecorder(tmp_path / "room", pytest.fail, holder="1")
    one.start(EPOCH_MS)
    one.stop(EPOCH_MS + 1000)
    await one.close()
    other = RoomRecorder(tmp_path / "room", pytest.fail, holder="1")
    other.start(EPOCH_MS + 5000)
    assert other.epoch_ms == EPOCH_MS
    await other.close()


def test_a_lock_goes_with_its_process(tmp_path: Path) -> None:
    """While another process holds the folder it is refused; when that is killed it is free, its name still known."""
    folder = tmp_path / "room"
    command = [sys.executable, "-c", HOLD, str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        with pytest.raises(RecordingHeld):
            FolderHold(folder, "ours")
        child.kill()
    assert holder_of(folder) == "other"
    hold = FolderHold(folder, "ours")
    assert holder_of(folder) == "ours"
    hold.release(finished=True)
    hold.release(finished=True)
    assert holder_of(folder) == ""
