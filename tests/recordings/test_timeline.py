"""The timeline: intervals, recorded time, and reading what a crash tore."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings.folder import append_mark
from recordings.timeline import Mark, Timeline, TrackInfo, dump_mark, read_marks, read_timeline, track_fields

NAMES = ("started", "paused", "resumed", "stopped", "interrupted", "alarm", "muted", "track_opened")
marks_lists = st.lists(
    st.builds(Mark, st.floats(1e12, 1e12 + 1e8).map(lambda at: round(at, 3)), st.sampled_from(NAMES)), max_size=30
)


def folded(*marks: tuple[float, str]) -> Timeline:
    return Timeline.from_marks([Mark(at, name) for at, name in marks])


def test_pauses_are_left_out() -> None:
    """Recorded time counts what lies between start and pause, resume and stop."""
    timeline = folded((1000, "started"), (4000, "paused"), (9000, "resumed"), (11000, "stopped"))
    assert timeline.intervals == ((1000, 4000), (9000, 11000))
    assert timeline.duration_s == 5
    assert [timeline.offset_s(at) for at in (0, 1000, 2500, 4000, 8000, 9000, 10000, 99999)] == [
        0, 0, 1.5, 3, 3, 3, 4, 5,
    ]  # fmt: skip
    assert [timeline.wall_ms(s) for s in (-1, 0, 1, 3, 4, 99)] == [1000, 1000, 2000, 9000, 10000, 11000]
    assert timeline.state == "off" and timeline.epoch_ms == 1000


def test_start_after_stop_goes_on() -> None:
    """A second start continues recorded time on the first one's epoch."""
    timeline = folded((1000, "started"), (2000, "stopped"), (5000, "started"), (6000, "stopped"))
    assert timeline.duration_s == 2 and timeline.epoch_ms == 1000 and timeline.offset_s(5500) == 1.5


@pytest.mark.parametrize(("last", "state"), [("paused", "paused"), ("interrupted", "recording"), ("alarm", "off")])
def test_each_ending_closes_the_interval(last: str, state: str) -> None:
    """A pause, a crash and an alarm end recorded time; only after a crash is it still to go on."""
    timeline = folded((1000, "started"), (3000, last), (9000, "muted"))
    assert timeline.duration_s == 2 and timeline.state == state
    assert timeline.interrupted == (last == "interrupted")


def test_open_interval_lasts_until_now() -> None:
    """A recording still going on lasts until the moment given, or its last mark."""
    marks = [Mark(1000, "started"), Mark(2000, "muted")]
    assert Timeline.from_marks(marks).duration_s == 1
    assert Timeline.from_marks(marks, until_ms=5000).duration_s == 4


def test_nothing_recorded() -> None:
    """Without a start there is no recorded time, and no moment for a second of it."""
    timeline = folded((5, "muted"), (9, "stopped"))
    assert timeline.duration_s == 0 and timeline.offset_s(7) == 0 and timeline.epoch_ms is None
    with pytest.raises(ValueError, match="nothing was recorded"):
        timeline.wall_ms(0)


def test_tracks_outside_the_folder_are_ignored() -> None:
    """A track's file lies in the recording's folder, whatever a line says."""
    info = TrackInfo("t", "p", "n", "camera", "video", "h264")
    for file in ("../1-camera.mkv", "/etc/passwd", "..", "a/1-camera.mkv", "1-camera.mkv"):
        timeline = Timeline.from_marks([Mark(1, "track_opened", {"track": track_fields(info, file)})])
        assert [track.file for track in timeline.tracks] == (["1-camera.mkv"] if file == "1-camera.mkv" else [])


@given(marks_lists)
def test_intervals_are_ascending_and_apart(marks: list[Mark]) -> None:
    """Whatever the marks, no moment counts twice."""
    ends = [moment for interval in Timeline.from_marks(marks).intervals for moment in interval]
    assert ends == sorted(ends)


@given(marks_lists, st.floats(0, 1), st.floats(0, 1))
def test_offset_and_wall_are_inverse(marks: list[Mark], part: float, other: float) -> None:
    """Every second of recorded time leads to its moment and back, and later moments to later seconds."""
    timeline = Timeline.from_marks(marks)
    if not timeline.intervals:
        return
    offset = part * timeline.duration_s
    assert timeline.offset_s(timeline.wall_ms(offset)) == pytest.approx(offset, abs=1e-3)
    low, high = sorted((part, other))
    assert timeline.wall_ms(low * timeline.duration_s) <= timeline.wall_ms(high * timeline.duration_s)
    assert 0 <= timeline.offset_s(1e12 + part * 1e8) <= timeline.duration_s


@given(st.lists(st.text(max_size=10), min_size=1, max_size=5), st.data())
def test_torn_last_line(tmp_path_factory: pytest.TempPathFactory, names: list[str], data: st.DataObject) -> None:
    """A timeline cut at any byte keeps every whole line, and takes further ones."""
    folder = tmp_path_factory.mktemp("cut")
    marks = [Mark(float(index), "chat", {"text": name}) for index, name in enumerate(names)]
    whole = b"".join(dump_mark(mark) for mark in marks)
    cut = data.draw(st.integers(0, len(whole)))
    (folder / "timeline.jsonl").write_bytes(whole[:cut])
    kept = whole[:cut].count(b"\n")
    found = read_marks(folder)
    assert list(found[:kept]) == marks[:kept] and len(found) <= kept + 1
    append_mark(folder, Mark(9.0, "stopped"))
    assert read_marks(folder)[-1] == Mark(9.0, "stopped")
    assert list(read_marks(folder)[:kept]) == marks[:kept]


@pytest.mark.parametrize(
    "line",
    [b"", b"[]", b'{"at_ms":1}', b'{"mark":"started"}', b'{"at_ms":true,"mark":"x"}', b'{"at_ms":NaN,"mark":"x"}',
     b'{"at_ms":-1,"mark":"x"}', b'{"at_ms":1e300,"mark":"x"}', b"\xff\xfe", b'{"at_ms":"1","mark":"x"}'],
)  # fmt: skip
def test_lines_that_are_no_marks(tmp_path: Path, line: bytes) -> None:
    """What is no mark is passed over, and the marks around it count."""
    good = [dump_mark(Mark(1000, "started")), dump_mark(Mark(2000, "stopped"))]
    (tmp_path / "timeline.jsonl").write_bytes(good[0] + line + b"\n" + good[1])
    assert read_timeline(tmp_path).duration_s == 1


def test_a_mark_cannot_hide_its_time() -> None:
    """A field called like the mark's own is refused."""
    with pytest.raises(ValueError, match="at_ms"):
        dump_mark(Mark(1, "muted", {"at_ms": 5}))
