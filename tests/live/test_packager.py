from __future__ import annotations

import pytest

from recordings.frames import EncodedFrame
from station.live.packaging.packager import Packager
from tests.live.media import FPS, encoded_tone, encoded_video, interleaved, shifted
from tests.live.reading import begun_of, joined, package, parts_of, read


def test_every_frame_arrives_at_its_time() -> None:
    """A decoder finds all pictures of the source, each at the millisecond it had there."""
    events = package(interleaved(encoded_video(4), encoded_tone(4)))
    found = read(joined(events))
    assert len(found.pictures) == 4 * FPS
    assert found.pictures == pytest.approx([index / FPS for index in range(4 * FPS)], abs=0.0005)
    assert found.sizes == {(320, 180)}


def test_sound_and_picture_stay_together() -> None:
    """Beeps at each whole second are heard within 40 ms of the picture of that second."""
    found = read(joined(package(interleaved(encoded_video(6), encoded_tone(6, beep_every_s=1)))))
    assert found.onsets() == pytest.approx([0, 1, 2, 3, 4, 5], abs=0.04)


def test_a_hole_in_the_sound_becomes_silence_and_shifts_nothing() -> None:
    """A second of lost packets leaves the beeps after it where they belong."""
    tone = [f for f in encoded_tone(6, beep_every_s=1) if not 1900 <= f.at_ms < 3300]
    found = read(joined(package(interleaved(encoded_video(6), tone))))
    assert found.onsets() == pytest.approx([0, 1, 4, 5], abs=0.04)


def test_late_sound_is_waited_for() -> None:
    """Sound that arrives 120 ms after its picture is still in place, once it has been heard at all."""
    arrival = [(f.at_ms, f) for f in encoded_video(6)]
    arrival += [(f.at_ms + 120, f) for f in encoded_tone(6, beep_every_s=1)]
    frames = [frame for _, frame in sorted(arrival, key=lambda item: item[0])]
    assert read(joined(package(frames))).onsets()[1:] == pytest.approx([1, 2, 3, 4, 5], abs=0.04)


def test_a_small_step_of_the_senders_clock_is_no_click() -> None:
    """15 ms of jitter in the times neither inserts nor drops samples."""
    tone = [
        EncodedFrame(f.codec, f.at_ms + (15 if index % 2 else 0), False, f.data)
        for index, f in enumerate(encoded_tone(4))
    ]
    found = read(joined(package(interleaved(encoded_video(4), tone))))
    assert found.onsets() == pytest.approx([0], abs=0.04)


def test_a_picture_without_sound_plays_with_silence() -> None:
    """Video alone still has a sound track, so that sound may begin later without a new init segment."""
    events = package(list(encoded_video(4)))
    found = read(joined(events))
    assert len(found.pictures) == 4 * FPS
    assert len(found.sound) / 48_000 == pytest.approx(4, abs=0.1)
    assert max(map(abs, found.sound)) < 50


def test_sound_without_a_picture_is_a_broadcast_too() -> None:
    """After 1.5 s without a picture the sound goes on air alone; every part can be started at."""
    events = package(list(encoded_tone(6)))
    (begun,) = begun_of(events)
    assert begun.codecs.names == "mp4a.40.2"
    assert all(part.independent for part in parts_of(events) if part.data)
    assert len(read(joined(events)).sound) / 48_000 == pytest.approx(6, abs=0.1)


def test_a_picture_that_comes_later_begins_anew() -> None:
    """Sound alone, then a camera: a second init segment, and times go on without a hole."""
    events = package([*encoded_tone(4), *interleaved(shifted(encoded_video(4), 4000), shifted(encoded_tone(4), 4000))])
    assert [begun.codecs.names for begun in begun_of(events)] == ["mp4a.40.2", "avc1.42C00C,mp4a.40.2"]
    parts = parts_of(events)
    assert [after.start for after in parts[1:]] == [before.end for before in parts[:-1]]


def test_a_camera_that_goes_silent_does_not_stop_the_sound() -> None:
    """The last keyframe is repeated while only sound comes, and the camera's own frames follow from a keyframe."""
    video = [f for f in encoded_video(10) if not 2500 <= f.at_ms < 7000]
    found = read(joined(package(interleaved(video, encoded_tone(10, beep_every_s=1)))))
    gaps = [after - before for before, after in zip(found.pictures, found.pictures[1:], strict=False)]
    assert max(gaps) < 0.5
    assert 8.0 in [round(at, 2) for at in found.keyframes]
    assert found.onsets() == pytest.approx(list(range(10)), abs=0.04)


def test_a_pause_of_the_source_leaves_no_hole() -> None:
    """Frames that go on a minute later continue right after the last, as a new source with the wall clock's time."""
    clip = interleaved(encoded_video(4), encoded_tone(4))
    events = package([*clip, *shifted(tuple(clip), 60_000)])
    first, second = begun_of(events)
    assert second.codecs == first.codecs
    assert second.at_ms == 60_000
    assert second.at / 90_000 == pytest.approx(4, abs=0.1)
    assert parts_of(events)[-1].end / 90_000 == pytest.approx(8, abs=0.2)


def test_a_new_picture_size_brings_a_new_init_segment() -> None:
    """Changed parameter sets begin anew at their keyframe."""
    events = package([*encoded_video(2), *shifted(encoded_video(2, width=640, height=360), 2000)])
    assert [begun.codecs.size for begun in begun_of(events)] == [(320, 180), (640, 360)]


def test_a_change_of_codec_in_the_middle_leaves_no_hole() -> None:
    """H.264, then VP8 because somebody lacks H.264, then H.264 again: the broadcast goes on without a break."""
    video = [
        *encoded_video(2),
        *shifted(encoded_video(2, "vp8"), 2000),
        *shifted(encoded_video(2), 4000),
    ]
    events = package(interleaved(video, encoded_tone(6, beep_every_s=1)))
    parts = parts_of(events)
    assert [after.start for after in parts[1:]] == [before.end for before in parts[:-1]]
    assert parts[-1].end / 90_000 == pytest.approx(6, abs=0.2)
    assert [round(begun.at / 90_000) for begun in begun_of(events)] == [0, 2, 4]


def test_vp8_is_turned_into_h264() -> None:
    """A VP8 source comes out as H.264 with a keyframe each two seconds, frame by frame."""
    events = package(interleaved(encoded_video(5, "vp8"), encoded_tone(5)))
    found = read(joined(events))
    assert len(found.pictures) == 5 * FPS
    assert found.keyframes == pytest.approx([0, 2, 4], abs=0.01)
    assert begun_of(events)[0].codecs.size == (320, 180)


@pytest.mark.parametrize("codec", ["h264", "vp8", "opus"])
def test_rubbish_is_left_out(codec: str) -> None:
    """Damaged frames neither raise nor end the broadcast."""
    frames = interleaved(encoded_video(4), encoded_tone(4))
    rubbish = [EncodedFrame(codec, 500.0 + n, n % 2 == 0, bytes([n]) * n) for n in range(40)]
    rubbish.append(EncodedFrame(codec, 540, True, b"\0\0\1\x67\x42\0\0\1\x68\x01\0\0\1"))
    found = read(joined(package(interleaved(frames, rubbish))))
    assert len(found.pictures) >= 4 * FPS


def test_a_restarted_packager_goes_on_where_the_files_end() -> None:
    """Given the next number and the end of what is on disk, times and numbers continue."""
    before = parts_of(package(interleaved(encoded_video(4), encoded_tone(4))))[-1]
    after = parts_of(package(list(encoded_video(4)), Packager(before.segment + 1, before.end)))
    assert (after[0].segment, after[0].index, after[0].start) == (before.segment + 1, 0, before.end)
