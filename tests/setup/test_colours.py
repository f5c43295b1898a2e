"""The accent colour, as WCAG measures it."""

from __future__ import annotations

import pytest

from station.base.identity import ACCENT
from station.setup.colours import can_be_read, contrast, nearest_readable, read_colour, stylesheet_of, to_rgb


@pytest.mark.parametrize(
    ("typed", "read"),
    [("#3F9C93", "#3f9c93"), (" 1f4e79 ", "#1f4e79"), ("#abc", "#aabbcc"), ("red", None), ("#12345", None), ("", None)],
)
def test_a_colour_code_is_read_in_its_spellings(typed: str, read: str | None) -> None:
    """With and without #, long and short; nothing else is a colour, so nothing else reaches a stylesheet."""
    assert read_colour(typed) == read


def test_contrast_is_wcags() -> None:
    """Black on white is 21, a colour on itself 1, and the known ratio of #767676 on white is 4.54."""
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((9, 9, 9), (9, 9, 9)) == 1
    assert contrast(to_rgb("#767676"), (255, 255, 255)) == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("colour", ["#3f9c93", "#ffffff", "#ffb648", "#ff0000", "#00ff00", "#777777", "#1f4e79"])
def test_the_nearest_colour_passes_and_is_the_same_where_it_passed(colour: str) -> None:
    """What is offered can be saved; a colour that can be read is offered as it is."""
    offered = nearest_readable(colour)
    assert can_be_read(offered)
    assert offered == colour or not can_be_read(colour)


def test_only_another_colour_than_the_built_in_needs_a_stylesheet() -> None:
    """It names the tokens in light and dark; the built-in colour has them in tokens.css."""
    assert stylesheet_of(ACCENT) == ""
    css = stylesheet_of("#1f4e79")
    assert "--teal: #1f4e79" in css and "prefers-color-scheme: dark" in css and "--on-teal" in css
