from __future__ import annotations

import errno
import itertools
import os
import stat
from pathlib import Path

import pytest

from station.live.packaging.playlist import PARTS_FOR_SEGMENTS
from station.live.packaging.programme import PARTS_KEPT_FOR, OpenSegment, Programme, ProgrammeFolder, StoredSegment
from station.live.packaging.writer import ProgrammeWriter, SegmentClosed
from station.live.web.export import to_mp4
from tests.live.media import encoded_tone, encoded_video, interleaved, shifted


def stored(n: int) -> StoredSegment:
    return StoredSegment(n, 0.0, 2.0, 0, False, (n + 1) * 180_000, 3)


def test_the_grant_is_kept_where_nobody_else_can_read_it(tmp_path: Path) -> None:
    """programme.json survives as written, and only its owner may open it."""
    folder = ProgrammeFolder(tmp_path / "b1")
    programme = Programme("b1", "r1", "p1", grant="secret")
    folder.save(programme)
    assert folder.load() == programme
    assert stat.S_IMODE((tmp_path / "b1" / "programme.json").stat().st_mode) == 0o600


def test_after_a_crash_the_open_segment_is_saved_from_its_parts(tmp_path: Path) -> None:
    """Parts of a segment that never closed become a segment of their length; a torn line is dropped."""
    folder = ProgrammeFolder(tmp_path)
    folder.close_segment(stored(0), [b"abc"])
    folder.open_segment(OpenSegment(1, 2000.0, 0, False))
    for index in range(3):
        folder.write_part(1, index, b"part%d" % index, 30_000)
    (tmp_path / "s1.p2.mp4").unlink()
    with (tmp_path / "segments.jsonl").open("ab") as file:
        file.write(b'{"n":1,"at_m')
    segments = folder.recover()
    assert [segment.n for segment in segments] == [0, 1]
    assert segments[1].duration_s == 60_000 / 90_000
    assert segments[1].end == 180_000 + 60_000
    assert (tmp_path / "s1.mp4").read_bytes() == b"part0part1"
    assert folder.segments() == segments
    assert not list(tmp_path.glob("s*.p*.mp4"))


def test_parts_are_kept_only_while_they_are_fresh(tmp_path: Path) -> None:
    """Old parts go, a few more segments than the playlist lists stay."""
    folder = ProgrammeFolder(tmp_path)
    for number in range(10):
        folder.open_segment(OpenSegment(number, 0.0, 0, False))
        folder.write_part(number, 0, b"abc", 180_000)
        folder.close_segment(stored(number), [b"abc"])
    left = sorted(int(path.name[1 : path.name.index(".")]) for path in tmp_path.glob("s*.p0.mp4"))
    assert left == list(range(10 - PARTS_KEPT_FOR, 10))
    assert PARTS_KEPT_FOR > PARTS_FOR_SEGMENTS


class FullFolder(ProgrammeFolder):
    """A folder on a disk that can be full."""

    full = False

    def _write(self, name: str, data: bytes) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        super()._write(name, data)


def test_a_full_disk_raises_the_alarm_and_the_broadcast_goes_on(tmp_path: Path) -> None:
    """What cannot be written is marked lost, numbers have no hole, and the alarm ends when there is room again."""
    folder = FullFolder(tmp_path)
    programme = Programme("b1", "r1", "p1")
    folder.save(programme)
    writer = ProgrammeWriter(folder, programme, [])
    clip = tuple(interleaved(encoded_video(4), encoded_tone(4)))
    closed, alarms = [], []
    for turn in range(3):
        folder.full = turn == 1
        updates = writer.push(shifted(clip, turn * 4000.0))
        closed += [update.stored for update in updates if isinstance(update, SegmentClosed)]
        alarms.append(writer.alarm)
    assert alarms == [None, "disk_full", None]
    assert [segment.n for segment in closed] == list(range(len(closed)))
    lost = [segment.n for segment in closed if segment.lost]
    assert lost and lost != [segment.n for segment in closed]
    assert folder.segments() == closed


def test_an_init_that_found_no_room_is_written_with_the_first_segment_that_does(tmp_path: Path) -> None:
    """The disk is full when a source begins: once there is room its init is kept too, else nobody could play it."""
    folder = FullFolder(tmp_path)
    programme = Programme("b1", "r1", "p1")
    folder.save(programme)
    writer = ProgrammeWriter(folder, programme, [])
    clip = tuple(interleaved(encoded_video(4), encoded_tone(4)))
    folder.full = True
    writer.push(list(clip))
    assert not (tmp_path / "init.mp4").exists()
    folder.full = False
    writer.push(shifted(clip, 4000.0))
    writer.interrupt()
    stored = folder.load()
    assert stored is not None and len(stored.inits) == 1
    assert to_mp4(tmp_path, tmp_path / "b1.mp4") == pytest.approx(4, abs=2.1)


def test_a_line_cut_off_by_a_full_disk_takes_no_other_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list of segments goes on whole after the disk took half a line, also where a crash left half of one."""
    folder, write = ProgrammeFolder(tmp_path), os.write
    folder.append(stored(0))
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda handle, data: write(handle, data[:20]))
        with pytest.raises(OSError, match="No space"):
            folder.append(stored(1))
    folder.append(stored(1))
    with (tmp_path / "segments.jsonl").open("ab") as file:
        file.write(b'{"n":2,"at_m')
    folder.append(stored(2))
    assert [segment.n for segment in folder.segments()] == [0, 1, 2]


def test_no_date_lies_ahead_of_the_clock(tmp_path: Path) -> None:
    """An encoder that begins with a burst, and one that runs fast: no segment is dated after its frames' arrival,

    and dates follow from the lengths, so that a player finds one clock.
    """
    writer = ProgrammeWriter(ProgrammeFolder(tmp_path), Programme("b1", "r1", "p1"), [], lambda: clock_ms)
    clip = interleaved(encoded_video(8), encoded_tone(8))
    burst = [frame for frame in clip if frame.at_ms < 1200]
    clock_ms, dates, opened_at = 0.0, [], []
    updates = writer.push(burst)
    for frame in clip[len(burst) :]:
        clock_ms = frame.at_ms - 1200
        updates += writer.push([frame])
        opened_at += [clock_ms for update in updates if isinstance(update, SegmentClosed)]
        dates += [update.stored for update in updates if isinstance(update, SegmentClosed)]
        updates = []
    assert len(dates) >= 3
    for segment, closed_ms in zip(dates, opened_at, strict=True):
        assert segment.at_ms + segment.duration_s * 1000 <= closed_ms + 1
    for before, after in itertools.pairwise(dates):
        assert abs(before.at_ms + before.duration_s * 1000 - after.at_ms) < 1
