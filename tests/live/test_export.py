from __future__ import annotations

from pathlib import Path

import av
import pytest

from station.live.packaging.programme import Programme, ProgrammeFolder
from station.live.packaging.writer import ProgrammeWriter
from station.live.web.export import NothingRecorded, to_mp4
from tests.live.media import FPS, encoded_tone, encoded_video, interleaved, shifted


def record(folder: Path, *clips: object) -> None:
    """Broadcast the frames into the folder."""
    programme = Programme("b1", "r1", "p1")
    files = ProgrammeFolder(folder)
    files.save(programme)
    writer = ProgrammeWriter(files, programme, [])
    for clip in clips:
        writer.push(clip)  # type: ignore[arg-type]
    writer.interrupt()


def test_a_broadcast_becomes_one_playable_file(tmp_path: Path) -> None:
    """All pictures of the broadcast, in order, with the right duration."""
    record(tmp_path / "b1", interleaved(encoded_video(6), encoded_tone(6)))
    assert to_mp4(tmp_path / "b1", tmp_path / "b1.mp4") == pytest.approx(6, abs=0.1)
    with av.open(str(tmp_path / "b1.mp4")) as file:
        assert file.duration is not None
        assert file.duration / 1e6 == pytest.approx(6, abs=0.1)
        assert len(list(file.decode(video=0))) == 6 * FPS
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["b1.mp4"]


def test_pictures_of_two_sizes_fit_into_one_file(tmp_path: Path) -> None:
    """After a change of the source's parameters the file still decodes to its end."""
    small, large = encoded_video(4), encoded_video(4, width=640, height=360)
    record(tmp_path / "b1", list(small), shifted(large, 4000))
    to_mp4(tmp_path / "b1", tmp_path / "b1.mp4")
    with av.open(str(tmp_path / "b1.mp4")) as file:
        sizes = [(frame.width, frame.height) for frame in file.decode(video=0)]
    assert sizes == [(320, 180)] * 100 + [(640, 360)] * 100


def test_nothing_recorded_is_said_so(tmp_path: Path) -> None:
    """An empty broadcast raises instead of leaving a broken file."""
    with pytest.raises(NothingRecorded):
        to_mp4(tmp_path, tmp_path / "b1.mp4")
    assert list(tmp_path.iterdir()) == []


def test_what_lacks_its_init_is_left_out(tmp_path: Path) -> None:
    """An earlier release lost an init to a full disk: the rest is exported, so that the meeting can be sealed."""
    small, large = encoded_video(4), encoded_video(4, width=640, height=360)
    record(tmp_path / "b1", list(small), shifted(large, 4000))
    (tmp_path / "b1" / "init1.mp4").unlink()
    assert to_mp4(tmp_path / "b1", tmp_path / "b1.mp4") == pytest.approx(4, abs=0.1)
