"""Tiles, and the picture that is put together of them. libavfilter moves the pixels, one graph for each.

A tile is a yuv420p frame of its place's size. It is made anew only when what it shows is another picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import av.error
import av.filter

from recordings import layout, picture
from recordings.layout import HEIGHT, WIDTH, Placement, Rect

_TICK = Fraction(1, 25)  # of a graph's own count of frames, which tells it which belong together
_UNSPECIFIED = 2, 0  # AVCOL_SPC_UNSPECIFIED, AVCOL_RANGE_UNSPECIFIED
# Matrix coefficients that libswscale converts (H.273 table 4). A publisher writes what it likes into its stream: others
# are shown as if it had said nothing.
_CONVERTED = frozenset({0, 1, 2, 4, 5, 6, 7, 9})


UNSHOWN = (av.error.FFmpegError, NotImplementedError, ValueError)


class Tile:
    """What one place shows: a picture with a name in its corner, or a plate with the name."""

    def __init__(self, rect: Rect) -> None:
        self._rect = rect
        self._shown: tuple[Any, str] = (None, "")
        self._frame: Any = None
        self._kind: tuple[Any, ...] = ()
        self._fitter: _Fitter | None = None

    def plate(self, name: str) -> Any:
        """The tile of somebody who cannot be seen."""
        if not self._shows(None, name):
            fitted = self._rect.fit(16, 9)
            whole = Placement(fitted, fitted.width, fitted.height, 0)
            plain = picture.plate(name, fitted.width, fitted.height)
            self._frame = _Fitter(self._rect, whole, plain, None).fit(plain)
        return self._frame

    def picture(self, frame: Any, name: str, *, whole: bool) -> Any:
        """The tile of somebody's picture: `whole`, or cut at its sides to be larger.

        Raises one of UNSHOWN for a picture that cannot be shown here.
        """
        if not self._shows(frame, name):
            if frame.colorspace not in _CONVERTED:
                frame.colorspace = _UNSPECIFIED[0]
            kind = (frame.width, frame.height, frame.format.name, frame.colorspace, frame.color_range, name, whole)
            if self._fitter is None or self._kind != kind:
                placed = _placed(self._rect, frame, whole)
                self._fitter, self._kind = _Fitter(self._rect, placed, frame, _corner(placed, name)), kind
            self._frame = None  # until there is one: what fails now is not shown as if it were made
            self._frame = self._fitter.fit(frame)
        return self._frame

    def _shows(self, frame: Any, name: str) -> bool:
        before, self._shown = self._shown, (frame, name)
        return self._frame is not None and before[0] is frame and before[1] == name


class Mosaic:
    """The whole picture: tiles in their places, the ground colour between them."""

    def __init__(self, rects: Sequence[Rect]) -> None:
        self._count = 0
        self._tiles: tuple[Any, ...] = ()
        self._frame: Any = None
        if not rects:
            self._frame = picture.ground(WIDTH, HEIGHT)
            return
        self._graph = _graph()
        self._sources = [_source(self._graph, rect.width, rect.height) for rect in rects]
        joined = self._sources[0]
        if len(rects) > 1:
            places = "|".join(f"{rect.x}_{rect.y}" for rect in rects)
            joined = self._graph.add("xstack", inputs=str(len(rects)), layout=places, fill=picture.GROUND_HEX)
            for number, source in enumerate(self._sources):
                source.link_to(joined, 0, number)
        self._sink = self._graph.add("buffersink")
        self._graph.link_nodes(joined, _pad(self._graph, WIDTH, HEIGHT, 0, 0), self._sink).configure()

    def put(self, tiles: Sequence[Any]) -> Any:
        """The picture of these tiles, one a place; the same frame again while they are the same."""
        if self._frame is None or any(new is not old for new, old in zip(tiles, self._tiles, strict=True)):
            self._tiles = tuple(tiles)
            self._count += 1
            for tile, source in zip(tiles, self._sources, strict=True):
                _push(source, tile, self._count)
            self._frame = self._sink.pull()
        return self._frame


class _Fitter:
    """Makes tiles of frames of one kind: cuts them, scales them, fills up what is left of the place, adds the name."""

    def __init__(self, rect: Rect, placed: Placement, like: Any, corner: Any) -> None:
        self._count = 0
        self._graph = graph = _graph()
        self._source = _source(graph, like.width, like.height, like)
        chain = [self._source]
        seen = placed.rect
        # Before it is scaled: what nobody sees costs nothing. A single line of pixels cannot be cut.
        if placed.left and like.height > 1:
            width = max(2, like.width * seen.width // placed.width // 2 * 2)
            left = (like.width - width) // 4 * 2
            chain.append(graph.add("crop", w=str(width), h=str(like.height), x=str(left), y="0"))
        chain.append(graph.add("scale", w=str(seen.width), h=str(seen.height), flags="bilinear", out_range="limited"))
        chain.append(graph.add("format", pix_fmts="yuv420p"))
        if (seen.width, seen.height) != (rect.width, rect.height):
            chain.append(_pad(graph, rect.width, rect.height, seen.x - rect.x, seen.y - rect.y))
        if corner is not None:
            x, y = seen.x - rect.x, seen.y - rect.y + seen.height - corner.height
            over = graph.add("overlay", x=str(x), y=str(y), format="yuv420", eval="init")
            name = _source(graph, corner.width, corner.height)
            name.link_to(over, 0, 1)
            chain.append(over)
        self._sink = graph.add("buffersink")
        chain.append(self._sink)
        graph.link_nodes(*chain).configure()
        if corner is not None:
            _push(name, corner, 0)
            name.push(None)  # it stays

    def fit(self, frame: Any) -> Any:
        self._count += 1
        _push(self._source, frame, self._count)
        tile = self._sink.pull()
        tile.colorspace, tile.color_range = _UNSPECIFIED
        return tile


def _placed(rect: Rect, frame: Any, whole: bool) -> Placement:
    if whole:
        fitted = rect.fit(frame.width, frame.height)
        return Placement(fitted, fitted.width, fitted.height, 0)
    return layout.place(rect, frame.width, frame.height)


def _corner(placed: Placement, name: str) -> Any:
    """The name for the corner; None where the picture is too small for one."""
    corner, seen = picture.label(name, placed.rect.width), placed.rect
    return corner if corner.width <= seen.width and corner.height <= seen.height else None


def _graph() -> Any:
    graph: Any = av.filter.Graph()
    graph.threads = 1  # many small graphs: tracks, tiles and the encoder share the cores already
    return graph


def _source(graph: Any, width: int, height: int, like: Any = None) -> Any:
    kind = like.format.name if like is not None else "yuv420p"
    space, span = (like.colorspace, like.color_range) if like is not None else _UNSPECIFIED
    options = {"video_size": f"{width}x{height}", "pix_fmt": kind, "time_base": str(_TICK), "pixel_aspect": "1/1"}
    return graph.add("buffer", **options, colorspace=str(space), range=str(span))


def _pad(graph: Any, width: int, height: int, x: int, y: int) -> Any:
    return graph.add("pad", w=str(width), h=str(height), x=str(x), y=str(y), color=picture.GROUND_HEX)


def _push(source: Any, frame: Any, count: int) -> None:
    frame.pts, frame.time_base = count, _TICK
    source.push(frame)
