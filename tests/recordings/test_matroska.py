"""Track files: they play, whole or cut at any byte, and say what is in them."""

import functools
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recordings.codecs import packer
from recordings.frames import EncodedFrame
from recordings.matroska import TrackWriter
from recordings.repair import TrackFileError, last_block_ms, repair
from tests.recordings.media import EPOCH_MS, decode, sound, times_ms, video


def write_track(path: Path, frames: list[EncodedFrame], *, finish: bool = True) -> None:
    pack = packer(frames[0].codec)
    description = pack.describe(frames[0])
    assert description is not None
    with path.open("wb", buffering=0) as file:
        writer = TrackWriter(file, description, "李明 camera", 7, EPOCH_MS)
        for frame in frames:
            writer.write(round(frame.at_ms - EPOCH_MS), frame.keyframe, pack.pack(frame))
            writer.flush()
        if finish:
            writer.finish()


def probe(path: Path) -> dict[str, Any]:
    done = subprocess.run(
        ["ffprobe", "-v", "warning", "-of", "json", "-show_format", "-show_streams", "-count_frames", str(path)],
        capture_output=True, check=True,
    )  # fmt: skip
    assert done.stderr == b""
    return json.loads(done.stdout)  # type: ignore[no-any-return]


@functools.cache
def frames_of(codec: str) -> tuple[EncodedFrame, ...]:
    return tuple(sound(3) if codec == "opus" else video(codec, 75))


@pytest.mark.parametrize("codec", ["h264", "vp8", "opus"])
def test_whole_file(tmp_path: Path, codec: str) -> None:
    """A finished file has its duration, its name and each frame at its own time, without a warning."""
    path = tmp_path / "1-track.mkv"
    frames = frames_of(codec)
    write_track(path, list(frames))
    found = probe(path)
    assert float(found["format"]["duration"]) == pytest.approx(3.0, abs=0.05)
    stream = found["streams"][0]
    assert stream["codec_name"] == codec and stream["tags"]["title"] == "李明 camera"
    assert int(stream["nb_read_frames"]) == len(frames)
    kind = "audio" if codec == "opus" else "video"
    assert times_ms(path, kind) == [round(frame.at_ms - EPOCH_MS) for frame in frames]


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_seeking_uses_the_index(tmp_path: Path, codec: str) -> None:
    """A player lands on the keyframe in front of the time it wants."""
    import av

    path = tmp_path / "1-camera.mkv"
    write_track(path, video(codec, 250))
    with av.open(str(path)) as container:
        container.seek(5_500_000)
        frame = next(container.decode(video=0))
    assert frame.pts is not None and frame.time_base is not None
    assert float(frame.pts * frame.time_base) == pytest.approx(5.0)


def test_unfinished_file_plays(tmp_path: Path) -> None:
    """A file that nobody finished has every frame that was flushed."""
    path = tmp_path / "1-camera.mkv"
    write_track(path, list(frames_of("h264")), finish=False)
    assert len(decode(path)) == 75


def test_resolution_changes(tmp_path: Path) -> None:
    """A browser that changes its resolution in mid-stream, and back, is decoded in each."""
    path = tmp_path / "1-camera.mkv"
    small = video("h264", 25, at_ms=EPOCH_MS + 1000, size=(160, 120))
    back = video("h264", 25, at_ms=EPOCH_MS + 2000)
    write_track(path, video("h264", 25) + small + back)
    sizes = [(frame.width, frame.height) for frame in decode(path)]
    assert sizes == [(320, 240)] * 25 + [(160, 120)] * 25 + [(320, 240)] * 25


def test_a_clock_set_back(tmp_path: Path) -> None:
    """Timestamps never go back in a file."""
    path = tmp_path / "1-track.mkv"
    write_track(path, sound(1) + sound(1, at_ms=EPOCH_MS + 500))
    times = times_ms(path, "audio")
    assert times == sorted(times) and len(times) == 100


def test_a_gap_of_hours(tmp_path: Path) -> None:
    """A pause of hours is a gap in the timestamps, not a failure."""
    path = tmp_path / "1-camera.mkv"
    write_track(path, video("vp8", 25) + video("vp8", 25, at_ms=EPOCH_MS + 10_800_000))
    assert times_ms(path)[24:26] == [960, 10_800_000]


@functools.cache
def file_of(codec: str, finish: bool) -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "track.mkv"
        write_track(path, list(frames_of(codec)), finish=finish)
        return path.read_bytes()


@settings(max_examples=150, deadline=None)
@given(codec=st.sampled_from(["h264", "vp8", "opus"]), finish=st.booleans(), part=st.floats(0, 1))
def test_cut_at_any_byte(tmp_path_factory: pytest.TempPathFactory, codec: str, finish: bool, part: float) -> None:
    """Cut anywhere, a file keeps every block in front of the cut, plays as it is, and can be finished."""
    whole = file_of(codec, finish)
    kind = "audio" if codec == "opus" else "video"
    path = tmp_path_factory.mktemp("cut") / "track.mkv"
    path.write_bytes(whole[: int(part * len(whole))])
    last_ms = last_block_ms(path)
    if last_ms is None:
        with pytest.raises(TrackFileError):
            repair(path)
        assert part < 0.2
        return
    expected = [round(frame.at_ms - EPOCH_MS) for frame in frames_of(codec) if frame.at_ms - EPOCH_MS <= last_ms]
    assert [at for at in times_ms(path, kind) if at <= last_ms][: len(expected)] == expected
    repair(path)
    assert times_ms(path, kind) == expected
    assert float(probe(path)["format"]["duration"]) == pytest.approx((last_ms + 20) / 1000, abs=0.05)
    assert repair(path) is False


@settings(max_examples=200)
@given(data=st.binary(max_size=400), at=st.integers(0, 3000))
def test_rubbish_is_no_track(tmp_path_factory: pytest.TempPathFactory, data: bytes, at: int) -> None:
    """Whatever bytes lie in a file, reading it says how far it is good, or that it is none."""
    path = tmp_path_factory.mktemp("rubbish") / "track.mkv"
    whole = file_of("vp8", True)
    path.write_bytes(whole[:at] + data + whole[at + len(data) :])
    found = [last_block_ms(path)]
    path.write_bytes(data)
    found.append(last_block_ms(path))
    assert all(last_ms is None or isinstance(last_ms, int) for last_ms in found)
