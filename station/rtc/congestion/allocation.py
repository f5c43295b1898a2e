"""Which layer of which video one subscriber gets within what its downlink carries. Pure: plain data in and out.

Everyone shown gets the lowest layer before anybody gets a higher one; then the larger videos come first, of equal
ones the screen, then who speaks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import inf, log2

PAUSED = -1  # shown, but the downlink does not carry it
HIDDEN = -2  # not shown: not sent
HEADROOM = 1.15  # what an upgrade must leave, so that it lasts
_LEAST_BPS = 30_000
_ENOUGH_HEIGHT = 0.8  # a layer this tall, of what is shown, does not look worse


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer as the publisher sends it now. `height` is 0 when it is not known."""

    bps: int
    height: int = 0
    active: bool = True


@dataclass(frozen=True, slots=True)
class SubscribedVideo:
    """One subscribed video track. `layers` begins with the lowest; `wanted_height` is 0 when it is not shown, None when
    nobody said; `current` is a layer's index, PAUSED or HIDDEN."""

    track: str
    layers: tuple[Layer, ...]
    wanted_height: int | None = None
    is_screen: bool = False
    is_speaking: bool = False
    current: int = HIDDEN


@dataclass(frozen=True, slots=True)
class Allocation:
    """Per track a layer's index, PAUSED or HIDDEN; what they need together; what the next upgrade needs in all,
    its headroom included (0 when there is none)."""

    layers: dict[str, int]
    used_bps: int
    next_step_bps: int


class _Choice:
    """One shown video while it is being decided."""

    __slots__ = ("chosen", "steps", "video")

    def __init__(self, video: SubscribedVideo) -> None:
        self.video = video
        self.steps = _useful_layers(video)
        self.chosen = -1  # an index into `steps`

    @property
    def layer(self) -> int:
        return self.steps[self.chosen] if self.chosen >= 0 else PAUSED

    def cost_of(self, step: int) -> int:
        return max(self.video.layers[self.steps[step]].bps, _LEAST_BPS) if step >= 0 else 0

    def step_cost(self) -> int:
        return self.cost_of(self.chosen + 1) - self.cost_of(self.chosen)

    @property
    def can_rise(self) -> bool:
        return self.chosen + 1 < len(self.steps)

    def headroom(self) -> float:
        """Of the next step: none for what is sent already."""
        return HEADROOM if self.steps[self.chosen + 1] > self.video.current else 1.0


def allocate(videos: Sequence[SubscribedVideo], budget_bps: int, recent_peak_bps: int = 0) -> Allocation:
    """Decides anew from what is measured; keeps a layer that still fits, takes a higher one only with headroom.

    A video is paused only when its lowest layer does not fit `recent_peak_bps` either, the budget of the last
    seconds: to begin again costs a keyframe.
    """
    shown = [_Choice(video) for video in videos if video.wanted_height != 0]
    shown.sort(key=lambda choice: _priority(choice.video))
    used = 0
    for choice in shown:
        is_sent = choice.video.current >= 0
        used += _rise(choice, used, max(budget_bps, recent_peak_bps) if is_sent else budget_bps) or 0
    for _, equals in groupby(shown, key=lambda choice: _priority(choice.video)):
        rising = [choice for choice in equals if choice.chosen >= 0]
        rose = True
        while rose:  # among equals one step each, so that nobody gets all
            rose = False
            for choice in rising:
                cost = _rise(choice, used, budget_bps)
                if cost is not None:
                    used, rose = used + cost, True
    layers = {video.track: HIDDEN for video in videos}
    layers |= {choice.video.track: choice.layer for choice in shown}
    return Allocation(layers, used, _next_step_bps(shown, used))


def _rise(choice: _Choice, used: int, budget_bps: int) -> int | None:
    """Takes the next step if it fits; returns what it costs, which may be nothing, or None."""
    if not choice.can_rise:
        return None
    cost = choice.step_cost()
    if (used + cost) * choice.headroom() > budget_bps:
        return None
    choice.chosen += 1
    return cost


def _next_step_bps(shown: list[_Choice], used: int) -> int:
    paused = [choice for choice in shown if choice.can_rise and choice.chosen < 0]
    rising = paused or [choice for choice in shown if choice.can_rise]
    return int((used + rising[0].step_cost()) * HEADROOM) + 1 if rising else 0


def _useful_layers(video: SubscribedVideo) -> list[int]:
    """Indices of the layers that are sent, up to the first that is tall enough for where it is shown."""
    useful = []
    for index, layer in enumerate(video.layers):
        if not layer.active:
            continue
        useful.append(index)
        if video.wanted_height is not None and layer.height >= _ENOUGH_HEIGHT * video.wanted_height:
            break
    return useful


def _priority(video: SubscribedVideo) -> tuple[float, bool, bool]:
    """Sorts the most important first. Sizes that differ by less than half are equal."""
    height = video.wanted_height
    size = inf if height is None else round(2 * log2(max(height, 1)))
    return -size, not video.is_screen, not video.is_speaking
