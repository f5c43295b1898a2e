"""Tiles and the picture made of them: the right pixels in the right place, and nothing made twice."""

from __future__ import annotations

from typing import Any

import av
import pytest

from recordings.layout import HEIGHT, WIDTH, Rect, beside_screen, people
from recordings.tiles import Mosaic, Tile
from tests.recordings.media import BLUE, GREEN, RED

GROUND = (36, 131, 124)  # of the picture's ground, and of a name's


def plain(width: int, height: int, colour: tuple[int, int, int]) -> Any:
    """A picture of one colour."""
    frame = av.VideoFrame(width, height, "yuv420p")
    for plane, value in zip(frame.planes, colour, strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    return frame


def colour_at(frame: Any, x: int, y: int) -> tuple[int, ...]:
    """Y, Cb and Cr at a pixel."""
    return tuple(
        memoryview(plane)[y // by * plane.line_size + x // by]
        for plane, by in zip(frame.planes, (1, 2, 2), strict=True)
    )


def near(found: tuple[int, ...], colour: tuple[int, int, int]) -> bool:
    return all(abs(one - other) <= 3 for one, other in zip(found, colour, strict=True))


def stripes(width: int, height: int) -> Any:
    """Green, with a sixth of the width in red at the left and one in blue at the right."""
    frame = plain(width, height, GREEN)
    for plane, by, red, blue in zip(frame.planes, (1, 2, 2), RED, BLUE, strict=True):
        edge = width // by // 6
        data = bytearray(bytes(plane))
        for y in range(height // by):
            at = y * plane.line_size
            data[at : at + edge] = bytes([red]) * edge
            data[at + width // by - edge : at + width // by] = bytes([blue]) * edge
        plane.update(bytes(data))
    return frame


def test_a_tile_is_made_once_for_a_picture() -> None:
    """The same picture gives the same tile; another picture, another name and a plate give others."""
    tile, first, second = Tile(Rect(8, 8, 416, 234)), plain(640, 360, RED), plain(640, 360, BLUE)
    shown = tile.picture(first, "李明", whole=False)
    assert tile.picture(first, "李明", whole=False) is shown
    other = tile.picture(second, "李明", whole=False)
    assert other is not shown and near(colour_at(other, 200, 100), BLUE) and near(colour_at(shown, 200, 100), RED)
    plate = tile.plate("李明")
    assert tile.plate("李明") is plate and tile.plate("王芳") is not plate
    assert near(colour_at(tile.picture(second, "李明", whole=False), 200, 100), BLUE)


@pytest.mark.parametrize("size", [(320, 180), (1280, 720), (360, 640), (642, 362), (2, 2), (321, 241)])
@pytest.mark.parametrize("rect", [*people(2), people(9)[4], beside_screen(3)[0], people(1)[0]])
def test_a_tile_has_the_size_of_its_place(size: tuple[int, int], rect: Rect) -> None:
    """Whatever size pictures have, and when it changes, the tile fills its place and its middle shows them."""
    tile = Tile(rect)
    for frame, whole in ((plain(640, 360, BLUE), False), (plain(*size, RED), False),
                         (plain(*size, GREEN), True)):  # fmt: skip
        shown = tile.picture(frame, "李", whole=whole)
        assert (shown.width, shown.height, shown.format.name) == (rect.width, rect.height, "yuv420p")
    assert near(colour_at(shown, rect.width // 2, rect.height // 3), GREEN)


def test_a_camera_is_cut_at_both_sides_and_a_screen_is_not() -> None:
    """A wide picture in a high place loses its edges, the same on either side; shared whole, it keeps them."""
    rect, frame = people(2)[0], stripes(1280, 720)
    cut = Tile(rect).picture(frame, "", whole=False)
    assert near(colour_at(cut, 40, 300), GREEN) and near(colour_at(cut, rect.width - 40, 300), GREEN)
    whole = Tile(rect).picture(frame, "", whole=True)
    assert near(colour_at(whole, 40, 350), RED) and near(colour_at(whole, rect.width - 40, 350), BLUE)
    assert near(colour_at(whole, 300, 10), GROUND)


def test_a_name_is_written_on_the_tile_and_never_on_the_picture() -> None:
    """A picture that needs no scaling is the decoder's own, which it goes on to decode from."""
    frame = plain(WIDTH, HEIGHT, GREEN)
    before = [bytes(plane) for plane in frame.planes]
    shown = Tile(people(1)[0]).picture(frame, "李明", whole=False)
    assert near(colour_at(shown, 4, HEIGHT - 4), GROUND) and near(colour_at(shown, 4, 4), GREEN)
    assert [bytes(plane) for plane in frame.planes] == before


def test_a_picture_of_full_range_becomes_one_of_limited_range() -> None:
    """White that some telephones send as 255 is 235 in the video."""
    frame = plain(320, 180, (255, 128, 128))
    frame.color_range = 2
    shown = Tile(people(9)[0]).picture(frame, "", whole=False)
    assert abs(colour_at(shown, 200, 100)[0] - 235) <= 2


@pytest.mark.parametrize("count", [0, 1, 2, 5, 9])
def test_tiles_stand_in_their_places(count: int) -> None:
    """Each lies where it belongs, the ground colour between, and what has not changed is the same picture."""
    rects, colours = people(count), [RED, GREEN, BLUE]
    mosaic = Mosaic(rects)
    tiles = [plain(rect.width, rect.height, colours[n % 3]) for n, rect in enumerate(rects)]
    shown = mosaic.put(tiles)
    assert (shown.width, shown.height, shown.format.name) == (WIDTH, HEIGHT, "yuv420p")
    for number, rect in enumerate(rects):
        for x, y in ((4, 10), (rect.width - 4, rect.height - 4)):
            assert near(colour_at(shown, rect.x + x, rect.y + y), colours[number % 3])
    if count != 1:
        assert near(colour_at(shown, 2, 2), GROUND) and near(colour_at(shown, WIDTH - 2, HEIGHT - 2), GROUND)
    assert mosaic.put(tiles) is shown
    if count:
        again = mosaic.put([plain(rects[0].width, rects[0].height, GREEN), *tiles[1:]])
        assert near(colour_at(again, rects[0].x + 40, rects[0].y + 40), GREEN)
        assert near(colour_at(shown, rects[0].x + 40, rects[0].y + 40), RED)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("space", range(18))
def test_whatever_colours_a_stream_claims_to_have_it_is_shown(space: int, whole: bool) -> None:
    """A publisher writes any matrix coefficients into its stream (H.273 table 4); nobody's stops the whole picture."""
    frame = plain(640, 360, RED)
    frame.colorspace = space
    tile = Tile(Rect(8, 8, 416, 234)).picture(frame, "李明", whole=whole)
    assert (tile.width, tile.height, tile.format.name) == (416, 234, "yuv420p")


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("size", [(400, 1), (2, 400), (1, 1), (4096, 2), (3, 3)])
def test_the_oddest_sizes_are_shown(size: tuple[int, int], whole: bool) -> None:
    """A line of pixels, a column, a single one: each gives a tile of its place's size."""
    tile = Tile(Rect(8, 8, 416, 234)).picture(plain(*size, GREEN), "李明", whole=whole)
    assert (tile.width, tile.height) == (416, 234)
