"""The composed picture's geometry."""

import pytest

from recordings.layout import HEIGHT, WIDTH, Rect, beside_screen, people


def overlap(one: Rect, other: Rect) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


@pytest.mark.parametrize("count", range(13))
@pytest.mark.parametrize("with_screen", [False, True])
def test_places_lie_apart_within_the_picture(count: int, with_screen: bool) -> None:
    """Up to nine people, or five beside a screen, each have a place on even pixels, and none covers another."""
    if with_screen:
        screen, small = beside_screen(count)
        rects = [screen, *small]
        assert len(small) == min(count, 5)
    else:
        rects = list(people(count))
        assert len(rects) == min(count, 9)
    for index, rect in enumerate(rects):
        assert all(value % 2 == 0 for value in (rect.x, rect.y, rect.width, rect.height))
        assert rect.x >= 0 <= rect.y and rect.x + rect.width <= WIDTH and rect.y + rect.height <= HEIGHT
        assert not any(overlap(rect, other) for other in rects[index + 1 :])


def test_one_person_fills_the_picture() -> None:
    """Alone, a person has the whole picture."""
    assert people(1) == (Rect(0, 0, WIDTH, HEIGHT),)


@pytest.mark.parametrize("size", [(320, 240), (1280, 720), (720, 1280), (1, 4000), (4000, 1)])
def test_fitting_keeps_the_shape(size: tuple[int, int]) -> None:
    """A picture of any shape lies wholly within its place, at least two pixels either way."""
    rect = Rect(8, 16, 616, 704)
    fitted = rect.fit(*size)
    assert fitted.width >= 2 <= fitted.height
    assert rect.x <= fitted.x and fitted.x + fitted.width <= rect.x + rect.width
    assert rect.y <= fitted.y and fitted.y + fitted.height <= rect.y + rect.height
