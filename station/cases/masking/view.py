"""A text in one spelling, sign for sign: what is found in it can be taken out of the original."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field

from station.base.text import fold
from station.base.traditional import simplify

_WORDS = str.maketrans("〇零一二三四五六七八九壹贰叁肆伍陆柒捌玖幺两叄", "00123456789123456789123")
TAKEN = "\ufffc"  # stands where something was found, so that it is not found twice


@dataclass(slots=True)
class View:
    """`plain` has full-width forms, traditional characters and digits of any script folded, and nothing invisible.

    `digits` is the same with Chinese digit words as digits. Both have one sign for each entry of `origin`, the place in
    the original that it came from.
    """

    original: str
    plain: str
    digits: str
    origin: list[int]
    found: list[tuple[int, int, str]] = field(default_factory=list)

    def take(self, start: int, end: int, sign: str) -> None:
        """Put `sign` in the place of plain[start:end]."""
        while start < end and self.plain[end - 1].isspace():
            end -= 1
        while start < end and self.plain[start].isspace():
            start += 1
        if start >= end or TAKEN in self.plain[start:end]:
            return
        blank = TAKEN * (end - start)
        self.plain = self.plain[:start] + blank + self.plain[end:]
        self.digits = self.digits[:start] + blank + self.digits[end:]
        self.found.append((self.origin[start], self.origin[end - 1] + 1, sign))

    def result(self) -> str:
        """The original with the signs in it."""
        text = self.original
        for start, end, sign in sorted(self.found, reverse=True):
            text = text[:start] + sign + text[end:]
        return text


def view_of(text: str) -> View:
    """The view of a text, nothing taken out yet."""
    signs: list[str] = []
    origin: list[int] = []
    for place, sign in enumerate(text):
        for folded in _folded(sign):
            signs.append(folded)
            origin.append(place)
    plain = simplify("".join(signs))
    return View(text, plain, plain.translate(_WORDS), origin)


def _folded(sign: str) -> str:
    if sign.isspace():
        return "\n" if sign in "\n\r" else " "
    if unicodedata.category(sign) in ("Mn", "Me"):  # the ring of a keycap emoji, an accent set apart
        return ""
    digit = unicodedata.digit(sign, None)
    return str(digit) if digit is not None else fold(sign)
