"""The accent colour: whether it can be read (WCAG 2.2, 1.4.3 and 1.4.11), the nearest that can, what follows."""

from __future__ import annotations

import colorsys
import re
from dataclasses import dataclass

from station.base.identity import ACCENT

TEXT_CONTRAST = 4.5
SHAPE_CONTRAST = 3.0
SHOWN_IN_THE_DARK = 8.0
WHITE, PAPER, BLACK = (255, 255, 255), (245, 244, 239), (0, 0, 0)
DARK_PAPER, DARK_SURFACE = (18, 24, 22), (27, 36, 34)
_HEX = re.compile(r"#?([0-9a-f]{6}|[0-9a-f]{3})")

Rgb = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Measure:
    """One place where the colour is used: what it is there, its contrast, and how much is needed."""

    place: str
    ratio: float
    needed: float

    @property
    def is_enough(self) -> bool:
        """Whether it can be read there."""
        return self.ratio >= self.needed


def read_colour(typed: str) -> str | None:
    """`#rrggbb` from what was typed; None where it is no colour code."""
    found = _HEX.fullmatch(typed.strip().lower())
    if found is None:
        return None
    digits = found[1] if len(found[1]) == 6 else "".join(digit * 2 for digit in found[1])
    return f"#{digits}"


def contrast(one: Rgb, other: Rgb) -> float:
    """The contrast ratio of two colours, 1 to 21 (WCAG 2.2, definition of "contrast ratio")."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def measure(colour: str) -> list[Measure]:
    """The places that decide whether a colour can be taken."""
    rgb = to_rgb(colour)
    return [
        Measure("button", contrast(rgb, WHITE), TEXT_CONTRAST),
        Measure("link", contrast(rgb, PAPER), TEXT_CONTRAST),
        Measure("line", contrast(rgb, WHITE), SHAPE_CONTRAST),
        Measure("dark", contrast(_in_the_dark(rgb), DARK_SURFACE), TEXT_CONTRAST),
    ]


def can_be_read(colour: str) -> bool:
    """Whether white can be read on it, and it on paper."""
    return all(each.is_enough for each in measure(colour))


def nearest_readable(colour: str) -> str:
    """The same hue, only as much darker as it must be."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*(part / 255 for part in to_rgb(colour)))
    while not can_be_read(colour):
        lightness -= 0.005
        red, green, blue = colorsys.hls_to_rgb(hue, max(lightness, 0.0), saturation)
        colour = to_hex((round(red * 255), round(green * 255), round(blue * 255)))
    return colour


def stylesheet_of(colour: str) -> str:
    """The tokens of web/css/tokens.css that the accent changes, by theme; empty for the colour that stands there."""
    if colour == ACCENT:
        return ""
    rgb = to_rgb(colour)
    light, lit = _tokens_by_day(rgb), _in_the_dark(rgb)
    dark = _tokens_in_the_dark(rgb, lit, DARK_PAPER)
    return (
        "@layer tokens {\n"
        f"  :root, [data-theme=light] {{ {light} }}\n"
        f"  :root {{ --teal-sign: {colour} }}\n"
        f"  [data-theme=dark], [data-theme=stage] {{ {dark} }}\n"
        f"  @media (prefers-color-scheme: dark) {{ :root:not([data-theme]) {{ {dark} }} }}\n"
        "}\n"
    )


def to_rgb(colour: str) -> Rgb:
    """Red, green and blue of `#rrggbb`, 0 to 255."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def to_hex(rgb: Rgb) -> str:
    """`#rrggbb`."""
    return "#{:02x}{:02x}{:02x}".format(*rgb)


def _tokens_by_day(rgb: Rgb) -> str:
    tokens = {
        "teal": rgb,
        "teal-deep": _mix(rgb, BLACK, 0.28),
        "teal-soft": _mix(rgb, WHITE, 0.88),
        "teal-line": _mix(rgb, WHITE, 0.6),
        "link": rgb,
    }
    return _declared(tokens)


def _tokens_in_the_dark(rgb: Rgb, lit: Rgb, paper: Rgb) -> str:
    tokens = {
        "teal": lit,
        "teal-deep": _mix(lit, WHITE, 0.3),
        "teal-soft": _mix(lit, paper, 0.82),
        "teal-line": _mix(lit, paper, 0.6),
        "on-teal": _mix(rgb, BLACK, 0.75),
        "link": lit,
    }
    return _declared(tokens)


def _declared(tokens: dict[str, Rgb]) -> str:
    return "; ".join(f"--{name}: {to_hex(rgb)}" for name, rgb in tokens.items())


def _in_the_dark(rgb: Rgb) -> Rgb:
    """The colour as much lighter as it must be on a dark ground."""
    share = 0.0
    lit = rgb
    while contrast(lit, DARK_SURFACE) < SHOWN_IN_THE_DARK:
        share += 0.02
        lit = _mix(rgb, WHITE, share)
    return lit


def _mix(one: Rgb, other: Rgb, share: float) -> Rgb:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _luminance(rgb: Rgb) -> float:
    red, green, blue = (_linear(part / 255) for part in rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
