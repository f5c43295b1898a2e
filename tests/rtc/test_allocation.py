"""Which layer of which video a subscriber gets."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from station.rtc.congestion.allocation import HEADROOM, HIDDEN, PAUSED, Layer, SubscribedVideo, allocate

LAYERS = (Layer(150_000, 180), Layer(500_000, 360), Layer(1_500_000, 720))


def _video(
    name: str, wanted: int | None = 720, current: int = 0, screen: bool = False, speaks: bool = False
) -> SubscribedVideo:
    return SubscribedVideo(name, LAYERS, wanted, screen, speaks, current)


def test_everyone_gets_something_before_anybody_gets_more() -> None:
    """Six videos over 1 Mbit/s: all get their lowest layer, nobody a higher one."""
    videos = [_video(str(n)) for n in range(6)]
    assert set(allocate(videos, 1_000_000).layers.values()) == {0}


def test_the_larger_picture_comes_first_then_the_screen_then_who_speaks() -> None:
    """What is left after the lowest layers goes to the largest, of equal ones to the screen, then to the speaker."""
    large = [_video("tile", 180, speaks=True), _video("stage", 720)]
    assert allocate(large, 2_000_000).layers == {"tile": 0, "stage": 2}
    equal = [_video("a", 360), _video("screen", 360, screen=True), _video("speaker", 360, speaks=True)]
    assert allocate(equal, 950_000).layers == {"a": 0, "screen": 1, "speaker": 0}
    assert allocate(equal, 1_400_000).layers == {"a": 0, "screen": 1, "speaker": 1}


def test_no_more_than_is_shown() -> None:
    """A tile of 180 lines gets the layer of 180, one of 240 that of 360; what is not shown gets nothing."""
    videos = [_video("small", 180), _video("middle", 240), _video("hidden", 0), _video("unknown", None)]
    decided = allocate(videos, 9_000_000)
    assert decided.layers == {"small": 0, "middle": 1, "hidden": HIDDEN, "unknown": 2}
    assert decided.used_bps == 2_150_000
    assert decided.next_step_bps == 0


def test_what_does_not_fit_is_paused() -> None:
    """Of three videos two fit: the least important is paused, and the next step is its return."""
    videos = [_video("a"), _video("b"), _video("c", 180)]
    decided = allocate(videos, 320_000)
    assert decided.layers == {"a": 0, "b": 0, "c": PAUSED}
    assert decided.next_step_bps == int(450_000 * HEADROOM) + 1


def test_an_upgrade_needs_headroom_and_a_downgrade_does_not() -> None:
    """At the same budget a higher layer that is sent stays and one that is not is not begun."""
    assert allocate([_video("a", current=1)], 510_000).layers == {"a": 1}
    assert allocate([_video("a", current=0)], 510_000).layers == {"a": 0}
    assert allocate([_video("a", current=0)], 576_000).layers == {"a": 1}
    assert allocate([_video("a", current=2)], 1_499_999).layers == {"a": 1}


def test_a_picture_is_not_paused_for_a_moments_sake() -> None:
    """The lowest layer stays while the budget of the last seconds carried it; it does not begin on that."""
    assert allocate([_video("a", current=0)], 60_000, recent_peak_bps=200_000).layers == {"a": 0}
    assert allocate([_video("a", current=PAUSED)], 60_000, recent_peak_bps=200_000).layers == {"a": PAUSED}
    assert allocate([_video("a", current=1)], 60_000, recent_peak_bps=900_000).layers == {"a": 0}


def test_layers_that_are_not_sent_are_passed_over() -> None:
    """The next layer up is taken instead; without any the video is paused, and no step is worth probing for."""
    resting = replace(LAYERS[1], active=False)
    video = SubscribedVideo("a", (LAYERS[0], resting, LAYERS[2]), 360, current=0)
    assert allocate([video], 5_000_000).layers == {"a": 2}
    none = SubscribedVideo("a", tuple(replace(layer, active=False) for layer in LAYERS), 360)
    decided = allocate([none], 5_000_000)
    assert (decided.layers, decided.next_step_bps) == ({"a": PAUSED}, 0)


def test_a_step_that_costs_nothing_is_not_the_last() -> None:
    """Layers that a publisher has just begun to send are measured as nothing: the one above is still reached."""
    fresh = SubscribedVideo("a", (Layer(0, 90), Layer(0, 180), Layer(400_000, 360)), 360, current=0)
    decided = allocate([fresh], 5_000_000)
    assert (decided.layers, decided.next_step_bps) == ({"a": 2}, 0)


PICTURES = st.lists(
    st.builds(
        SubscribedVideo,
        st.uuids().map(str),
        st.lists(st.builds(Layer, st.integers(0, 3_000_000), st.integers(0, 1080), st.booleans()), max_size=4).map(
            lambda layers: tuple(sorted(layers, key=lambda layer: layer.bps))
        ),
        st.none() | st.integers(0, 1080),
        st.booleans(),
        st.booleans(),
        st.integers(-2, 3),
    ),
    max_size=8,
)


@given(PICTURES, st.integers(-1_000_000, 10_000_000))
def test_the_budget_is_kept_and_the_next_step_is_honest(videos: list[SubscribedVideo], budget: int) -> None:
    """Never more than the budget; layers chosen are sent; with the next step as budget something gets better."""
    decided = allocate(videos, budget)
    assert decided.used_bps <= max(budget, 0)
    for video in videos:
        chosen = decided.layers[video.track]
        assert (chosen == HIDDEN) == (video.wanted_height == 0)
        assert chosen < 0 or video.layers[chosen].active
    now = [replace(video, current=decided.layers[video.track]) for video in videos]
    assert allocate(now, budget).layers == decided.layers or decided.next_step_bps <= budget
    if decided.next_step_bps > max(budget, 0):
        better = allocate(now, decided.next_step_bps)
        assert better.used_bps > decided.used_bps or better.layers != decided.layers
