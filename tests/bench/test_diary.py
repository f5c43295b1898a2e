"""What is reckoned from a page's diary is what a person would have seen and heard."""

from __future__ import annotations

import pytest

from bench.browser.diary import (
    Frame,
    concealed_share,
    frames_of,
    frames_per_s,
    freezes_ms,
    gaps_ms,
    lower_after_s,
    recovered_after_s,
)


def steady(from_ms: float, to_ms: float, height: int = 720, every_ms: float = 40) -> list[Frame]:
    return [Frame(from_ms + n * every_ms, height) for n in range(int((to_ms - from_ms) / every_ms))]


def test_a_steady_picture() -> None:
    """25 frames a second, none missing, no freeze."""
    frames = steady(0, 10_000)
    assert frames_per_s(frames, 1000, 9000) == pytest.approx(25)
    assert freezes_ms(frames, 1000, 9000) == []
    assert max(gaps_ms(frames, 1000, 9000)) == 40


def test_frames_that_were_shown_without_a_note_count() -> None:
    """A busy page notes only every second frame; the count says how many there were."""
    frames = [Frame(n * 80, 720, 2) for n in range(100)]
    assert frames_per_s(frames, 0, 7920) == pytest.approx(25)


def test_a_freeze_is_a_gap_that_is_seen() -> None:
    """A gap of 150 ms is none, one of 810 ms is one, also where the span begins or ends within it."""
    frames = [*steady(0, 2000), *steady(2110, 4000), *steady(4760, 6000)]
    assert freezes_ms(frames, 1000, 6000) == [810]
    assert freezes_ms(frames, 4200, 6000) == [810]
    assert freezes_ms(frames, 1000, 4700) == [pytest.approx(740, abs=40)]


def test_nothing_shown_is_one_freeze() -> None:
    """Without any frame the whole span is frozen."""
    assert freezes_ms([], 0, 5000) == [5000]
    assert frames_per_s([], 0, 5000) == 0


def test_recovery_needs_a_whole_good_second() -> None:
    """A few frames, or frames of less height, are no recovery."""
    frames = [*steady(0, 1000), *steady(3000, 3200), *steady(4000, 6000, height=180), *steady(6000, 8000)]
    assert recovered_after_s(frames, 1000, 20) == pytest.approx(3.0)
    assert recovered_after_s(frames, 1000, 20, height=720) == pytest.approx(5.0)
    assert recovered_after_s(frames, 7500, 20) is None


def test_a_lower_layer_is_noticed_once_it_is_shown() -> None:
    """The first frame of less height than before counts."""
    frames = [*steady(0, 2000), *steady(2000, 4000, height=180)]
    assert lower_after_s(frames, 1000) == pytest.approx(1.0)
    assert lower_after_s(frames, 3000) is None


def sound(name: str, total: int, concealed: int) -> dict[str, object]:
    entry = {"type": "inbound-rtp", "kind": "audio"}
    return {**entry, "id": name, "totalSamplesReceived": total, "concealedSamples": concealed}


def test_sound_is_followed_over_connections() -> None:
    """What was made up counts, and so does what was not played at all between two connections."""
    samples = [
        {"ms": 1000, "stats": [sound("0/a", 48_000, 0)]},
        {"ms": 2000, "stats": [sound("0/a", 96_000, 4_800)]},
        {"ms": 3000, "stats": []},
        {"ms": 4000, "stats": [sound("1/a", 48_000, 0)]},
    ]
    assert concealed_share(samples[:2], 1000, 2000) == pytest.approx(0.1)
    assert concealed_share(samples, 2000, 4000) == pytest.approx(0.5)


def test_frames_of_several_players_are_one_picture() -> None:
    """Lists are put in the order of time."""
    assert frames_of([[5.0, 720, 1], [1.0, 360, 2]]) == [Frame(1.0, 360, 2), Frame(5.0, 720, 1)]
