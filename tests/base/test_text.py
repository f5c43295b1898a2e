"""Folding at the edge: blank is empty, another spelling is the same, and what people wrote stays as they wrote it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.base.text import clean_text, digits_of, fold, same_secret

BLANK = [
    "", " ", "\u3000", "\u00a0\t\n", "\u200b", "\u3164", "\ufeff", "\ufeff\u200d\u200c", "\u2800\u2800", "\u115f\u1160",
    "\uffa0", "\u00ad", "\u202e\u202c", "\u2060\u2063", "\u034f", "\ufe0f", "\U000e0020", "\u0301",
    "\x00\x07", "\ufffc",
    "\u180e", "\u17b4", "\ud800",
]  # fmt: skip


@pytest.mark.parametrize("blank", BLANK)
def test_what_nobody_can_see_is_empty(blank: str) -> None:
    """A sign without ink, alone or between spaces, is no text."""
    assert clean_text(f" {blank} {blank}") == ""
    assert digits_of(blank) == ""


@pytest.mark.parametrize(
    "written",
    ["路灯坏了，请修！（３号楼）", "❤️", "👨‍👩‍👧", "葛󠄀城", "ئۇيغۇر‌چە", "第一行\n第二行", "\u2014\u2014谢谢", "１２３"],
)
def test_what_people_wrote_stays(written: str) -> None:
    """Full-width signs, emoji with joiners, variants of a character, other scripts and lines are kept."""
    assert clean_text(written) == written


def test_hidden_signs_and_line_ends_are_put_right() -> None:
    """What cannot be seen goes, a tab parts words, and lines end in one way."""
    assert clean_text("路\u200b灯\u202e坏\x00了\t\ufeff3\u00a0天\r\n谢谢\r") == "路灯坏了 3 天\n谢谢"


@pytest.mark.parametrize(
    ("typed", "folded"),
    [
        ("１２３　４５６", "123 456"), ("\u202d138\u202c", "138"), ("ｕｎｉｔ", "unit"), ("٣٤", "34"),
        ("林\u200b秀兰", "林秀兰"),
        ("  a \t b  ", "a b"), ("㎏", "kg"), ("①", "1"), ("\u3164", ""),
    ],
)  # fmt: skip
def test_spellings_meet(typed: str, folded: str) -> None:
    """What looks the same compares the same."""
    assert fold(typed) == folded


@given(st.text())
def test_cleaning_twice_changes_nothing(text: str) -> None:
    """Both are idempotent on any text, and leave nothing that a database or a header refuses."""
    for function in (clean_text, fold):
        once = function(text)
        assert function(once) == once
        assert once == once.strip()
        once.encode()
        assert "\x00" not in once


@given(st.text(), st.text())
def test_secrets_of_any_signs_compare(one: str, other: str) -> None:
    """No sign makes the comparison fail: it is equal or it is not."""
    assert same_secret(one, one)
    assert same_secret(one, other) == (one == other)
