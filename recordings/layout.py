"""Where people and a shared screen stand in the composed picture. Pure geometry, in pixels."""

from __future__ import annotations

from dataclasses import dataclass

WIDTH, HEIGHT = 1280, 720
MOST_PEOPLE = 9
MOST_BESIDE_SCREEN = 5
# Of a wide picture in a high place so much of the width may be cut off, half of it on either side: people sit in the
# middle, and the less black there is, the larger they are. The tracks themselves are kept whole.
MOST_CUT = 1 / 3
_GAP = 8
_STRIP_WIDTH = 240
_LARGEST_LETTERS, _SMALLEST_LETTERS = 40, 24


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle on even pixels, as 4:2:0 pictures need it."""

    x: int
    y: int
    width: int
    height: int

    def fit(self, width: int, height: int) -> Rect:
        """The largest rectangle of this shape (width : height) within this one, centred."""
        scale = min(self.width / width, self.height / height)
        fitted_width, fitted_height = max(2, _even(width * scale)), max(2, _even(height * scale))
        x = self.x + _even((self.width - fitted_width) / 2)
        y = self.y + _even((self.height - fitted_height) / 2)
        return Rect(x, y, fitted_width, fitted_height)


@dataclass(frozen=True, slots=True)
class Placement:
    """A picture scaled to `width` × `height`, of which the part that begins at (`left`, 0) lies on `rect`."""

    rect: Rect
    width: int
    height: int
    left: int


def place(rect: Rect, width: int, height: int) -> Placement:
    """A camera's picture (width : height) in its place: as large as MOST_CUT allows."""
    scale = min(rect.height / height, rect.width / width / (1 - MOST_CUT))
    scaled_width, scaled_height = max(2, _even(width * scale)), max(2, _even(height * scale))
    seen = min(scaled_width, rect.width)
    x, y = rect.x + _even((rect.width - seen) / 2), rect.y + _even((rect.height - scaled_height) / 2)
    return Placement(Rect(x, y, seen, scaled_height), scaled_width, scaled_height, _even((scaled_width - seen) / 2))


def letter_size(width: int) -> int:
    """How high a name is written on a picture of that width: on a telephone's screen all is three times smaller."""
    return max(_SMALLEST_LETTERS, min(_LARGEST_LETTERS, width // 12))


def people(count: int) -> tuple[Rect, ...]:
    """One person fills the picture, two sit side by side, more in a grid of up to nine."""
    count = min(count, MOST_PEOPLE)
    if count <= 1:
        return (Rect(0, 0, WIDTH, HEIGHT),) * count
    if count == 2:  # high places: pictures from phones stand upright
        half = WIDTH // 2
        return tuple(Rect(x, _GAP, half - 2 * _GAP, HEIGHT - 2 * _GAP) for x in (_GAP, half + _GAP))
    columns = 2 if count <= 4 else 3
    rows = -(-count // columns)
    width = (WIDTH - _GAP * (columns + 1)) / columns
    height = min(width * 9 / 16, (HEIGHT - _GAP * (rows + 1)) / rows)
    width = height * 16 / 9
    top = (HEIGHT - rows * height - (rows - 1) * _GAP) / 2
    rects = []
    for index in range(count):
        row, column = divmod(index, columns)
        in_row = min(columns, count - row * columns)
        left = (WIDTH - in_row * width - (in_row - 1) * _GAP) / 2
        x, y = left + column * (width + _GAP), top + row * (height + _GAP)
        rects.append(Rect(_even(x), _even(y), _even(width), _even(height)))
    return tuple(rects)


def beside_screen(count: int) -> tuple[Rect, tuple[Rect, ...]]:
    """A shared screen large, and people in a strip beside it."""
    count = min(count, MOST_BESIDE_SCREEN)
    if not count:
        return Rect(0, 0, WIDTH, HEIGHT), ()
    height = _even(_STRIP_WIDTH * 9 / 16)
    screen = Rect(0, 0, WIDTH - _STRIP_WIDTH - _GAP, HEIGHT)
    top = _even((HEIGHT - count * height - (count - 1) * _GAP) / 2)
    left = WIDTH - _STRIP_WIDTH
    return screen, tuple(Rect(left, top + row * (height + _GAP), _STRIP_WIDTH, height) for row in range(count))


def _even(value: float) -> int:
    return int(value) // 2 * 2
