"""Texts of a page are in its language, and what fills their gaps is escaped."""

from __future__ import annotations

import pytest

from station.base.errors import Phrase
from station.base.templates import environments

EVIL = "<b>&"
ESCAPED = "&lt;b&gt;&amp;"


@pytest.mark.parametrize(
    ("source", "zh", "en"),
    [
        ("{{ _('登录') }}", "登录", "Sign in"),
        ("{% set word = _('登录') %}{{ word }}{{ word|length }}", "登录2", "Sign in7"),
        ("{% for i in [1, 2] %}{{ _('登录') if i > 1 }}{% endfor %}", "登录", "Sign in"),
        ("{{ _(known) }}", "登录", "Sign in"),
        ("{{ _('共 %(n)s 件', n=evil) }}", f"共 {ESCAPED} 件", f"{ESCAPED} cases in all"),
        ("{{ _('共 %(n)s 件', n=3) }}", "共 3 件", "3 cases in all"),
        ("{{ _('没有译文的 100%%') }}", "没有译文的 100%", "没有译文的 100%"),
        ("{{ evil }}{{ _('登录')|upper }}", f"{ESCAPED}登录", f"{ESCAPED}SIGN IN"),
        ("{% macro m(a, b='x') %}{{ a }}{{ b }}{% endmacro %}{{ m(evil, b=evil) }}", ESCAPED * 2, ESCAPED * 2),
        ("{% macro m() %}[{{ caller() }}]{% endmacro %}{% call m() %}{{ evil }}{% endcall %}",) + (f"[{ESCAPED}]",) * 2,
    ],
)
def test_texts_are_translated_and_gaps_escaped(source: str, zh: str, en: str) -> None:
    """A text alone, in a variable, known at run time only, with gaps; and macros called in every way."""
    for language, expected in (("zh", zh), ("en", en)):
        template = environments()[language].from_string(source)
        assert template.render(evil=EVIL, known="登录") == expected


def test_a_phrase_is_filled_once() -> None:
    """A sentence that brings its own parameters is not filled a second time."""
    shown = environments()["zh"].from_string("{{ _(phrase) }}").render(phrase=Phrase("最多 %(n)s 个字", n="100%"))
    assert shown == "最多 100% 个字"
