"""Whose station this is: the district's names, telephone, mark, colour and texts, as pages and messages show them.

Each process holds one value (`Station.identity`), so that no page asks the database for it; `setup/service.py` loads it
at the start and again when it has changed. Until a district has set itself up, the settings speak.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

ACCENT = "#0b5351"  # the colour of web/css/tokens.css
LANGUAGES_OFFERED = ("zh", "en")
IDENTITY_TOPIC = "identity"  # on the bus: it has changed


@dataclass(frozen=True, slots=True)
class Mark:
    """The district's sign, checked and written anew by `setup/mark.py`; `kind` is "svg" or "png"."""

    kind: str
    body: bytes
    digest: str


@dataclass(frozen=True, slots=True)
class Paragraphs:
    """A part of a text: its heading, "" where it has none, and its paragraphs."""

    heading: str
    lines: tuple[str, ...]


def parts_of(text: str) -> list[Paragraphs]:
    """A text as it is shown: parts are set apart by empty lines; of several lines the first one is the heading."""
    blocks = [[line.strip() for line in block.splitlines()] for block in re.split(r"\n\s*\n", text.strip())]
    return [
        Paragraphs(lines[0], tuple(lines[1:])) if len(lines) > 1 else Paragraphs("", tuple(lines))
        for lines in blocks
        if any(lines)
    ]


@dataclass(frozen=True, slots=True)
class Wording:
    """A text that people agree to or are told, in the version that is in force; version 0: the built-in one."""

    version: int = 0
    chinese: str = ""
    english: str = ""

    def in_language(self, language: str) -> str:
        """The English text where there is one and it is asked for, else the Chinese one."""
        return self.english if language == "en" and self.english else self.chinese


@dataclass(frozen=True, slots=True)
class Identity:
    """What a district says of itself. `version` counts its changes; 0: nobody has set it up yet."""

    version: int = 0
    district: str = ""
    higher_unit: str = ""
    help_phone: str = ""
    help_hours: str = ""
    sms_signature: str = ""
    accent: str = ACCENT
    languages: tuple[str, ...] = LANGUAGES_OFFERED
    mark: Mark | None = None
    notice: Wording = Wording()
    consent: Wording = Wording()
    look: str = ""  # changes with colour and mark: makes addresses of what browsers keep

    @property
    def has_own_colour(self) -> bool:
        """Whether pages need a stylesheet more than the one that all stations have."""
        return self.accent != ACCENT

    @property
    def mark_address(self) -> str:
        """Where browsers fetch the mark; "" where there is none."""
        return f"/mark.{self.mark.kind}?v={self.mark.digest[:12]}" if self.mark else ""


class IdentityHolder:
    """The value of this process; None until the database holds one."""

    __slots__ = ("stored",)

    def __init__(self) -> None:
        self.stored: Identity | None = None
