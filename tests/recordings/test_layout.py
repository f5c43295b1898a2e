"""The composed picture's geometry."""

import pytest

from recordings.layout import HEIGHT, MOST_CUT, WIDTH, Rect, beside_screen, letter_size, people, place


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


@pytest.mark.parametrize("size", [(320, 240), (1280, 720), (720, 1280), (1920, 800), (1, 4000), (4000, 1), (642, 361)])
@pytest.mark.parametrize("count", range(1, 10))
def test_a_camera_is_cut_at_its_sides_only_and_not_much(size: tuple[int, int], count: int) -> None:
    """A camera's picture lies within its place, keeps its shape and loses at most a third of its width."""
    for rect in people(count):
        placed = place(rect, *size)
        seen = placed.rect
        assert rect.x <= seen.x and seen.x + seen.width <= rect.x + rect.width
        assert rect.y <= seen.y and seen.y + seen.height <= rect.y + rect.height
        assert seen.height == placed.height
        assert 0 <= placed.left <= placed.width - seen.width
        assert seen.width >= placed.width * (1 - MOST_CUT) - 4
        assert all(value % 2 == 0 for value in (seen.x, seen.y, seen.width, seen.height, placed.left))


def test_two_people_leave_little_black() -> None:
    """Two usual cameras side by side cover at least seven tenths of the picture's height, edge to edge."""
    for rect in people(2):
        seen = place(rect, 1280, 720).rect
        assert seen.height >= HEIGHT * 0.7
        assert seen.width == rect.width


@pytest.mark.parametrize("count", range(1, 10))
def test_names_can_be_read_on_a_telephone(count: int) -> None:
    """Shown 390 points wide, a name is still at least 7 points high, and 12 where one or two are in the picture."""
    sizes = [letter_size(place(rect, 1280, 720).rect.width) * 390 / WIDTH for rect in people(count)]
    assert min(sizes) >= (12 if count <= 2 else 7)
