"""Figures as shapes of an SVG: positions only; words, colours and classes are the template's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from station.cases.reads.figures import Bar

LEFT, RIGHT, TOP, BOTTOM = 40, 640, 30, 200
BAR_WIDTH = 56


@dataclass(frozen=True, slots=True)
class Piece:
    """A rectangle of a bar; `kind` is the class that colours it."""

    kind: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Column:
    """One month's bar."""

    bar: Bar
    x: float
    middle: float
    top: float
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A bar chart with its grid lines (value, y)."""

    columns: tuple[Column, ...]
    grid: tuple[tuple[int, float], ...]


def bar_chart(bars: Sequence[Bar]) -> Chart:
    """The bars of some months, on a scale that ends at a round number."""
    ceiling = round_up(max((bar.total for bar in bars), default=0))
    scale = (BOTTOM - TOP) / ceiling
    step = (RIGHT - LEFT) / max(1, len(bars))
    columns = tuple(_column(bar, LEFT + step * n + (step - BAR_WIDTH) / 2, scale) for n, bar in enumerate(bars))
    grid = tuple((value, round(BOTTOM - value * scale, 1)) for value in (0, ceiling // 2, ceiling))
    return Chart(columns, grid)


def _column(bar: Bar, x: float, scale: float) -> Column:
    y, pieces = float(BOTTOM), []
    for kind, count in (("bar", bar.in_time), ("soon", bar.soon), ("late", bar.late)):
        if count:
            y -= count * scale
            pieces.append(Piece(kind, round(y, 1), round(count * scale - 1, 1)))
    return Column(bar, round(x, 1), round(x + BAR_WIDTH / 2, 1), round(y - 8, 1), tuple(pieces))


def round_up(value: int) -> int:
    """The next even number of the form 2, 4, 10, 20, 40, 100 … that is not below `value`."""
    ceiling = 2
    while ceiling < value:
        ceiling = ceiling * 5 // 2 if str(ceiling).startswith("4") else ceiling * 2
    return ceiling


def spark_points(trend: Sequence[int | None]) -> list[tuple[float, float]]:
    """Points of a small line of percents in 120 × 30; months without a figure are left out."""
    step = 110 / max(1, len(trend) - 1)
    return [(round(4 + step * n, 1), round(26 - share * 0.22, 1)) for n, share in enumerate(trend) if share is not None]
