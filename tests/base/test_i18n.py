"""The language of the page follows the visitor's choice, then the browser's weighted wishes."""

from __future__ import annotations

import re

import pytest
from babel.messages.pofile import read_po

from station.base.i18n import LOCALE_FOLDER, choose_language


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("en; q=0.5, zh-CN; q=0.9", "zh"), ("zh; q=0.1, en;q=0.9", "en"), ("ENG", "zh"), ("english", "zh"),
        ("en-GB,en;q=0.8", "en"), ("EN-us", "en"), ("zh-Hant-TW, en;q=0.3", "zh"), ("fr, en;q=0.5", "en"), ("*", "zh"),
        ("en;q=0, zh", "zh"), ("en;q=0", "zh"), ("en;q=2, zh;q=0.1", "zh"), ("zh_CN, en;q=0.5", "zh"),
        (";;,q=1,", "zh"),
        ("en\udcff, zh;q=0.1", "zh"), ("en;level=1;q=0.9, zh;q=0.5", "en"), (None, "zh"), ("", "zh"),
    ],
)  # fmt: skip
def test_weights_decide(accept: str | None, language: str) -> None:
    """Spaces, weights, regions, refusals and rubbish in Accept-Language are read as RFC 9110 says."""
    assert choose_language(None, accept) == language


def test_the_visitors_choice_comes_first() -> None:
    """The cookie counts if it names a language that there is."""
    assert choose_language("en", "zh") == "en"
    assert choose_language("fr", "en") == "en"


def test_english_words_stand_apart_from_what_follows_them() -> None:
    """Chinese writes on after a colon and English leaves a space; nor has English one word for one and for many."""
    messages = {}
    for path in LOCALE_FOLDER.glob("en/*.po"):
        with path.open("rb") as file:
            messages.update({str(m.id): str(m.string) for m in read_po(file) if m.id})
    assert [text for chinese, text in messages.items() if chinese.endswith("位：") and not text.endswith(": ")] == []
    assert messages["现在播出的是："].endswith(": ")
    assert messages[" 里看。"] == "."
    counted = re.compile(r"%\((?:n|count|days)\)s (?:meetings|things?|days?)\b(?!\(s\))")
    assert [text for text in messages.values() if re.match(counted, text) or text.startswith("In %(days)s")] == []
