"""What templates and styles must not fall back into: vague names, empty choices, a pressed button that looks dead."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

WEB = Path(__file__).parent.parent.parent / "web"
TEMPLATES = sorted(WEB.glob("templates/**/*.html"))
STYLES = "\n".join(path.read_text(encoding="utf-8") for path in sorted(WEB.glob("css/**/*.css")))
VAGUE = ("就这样，进去", "办这场", "先不开", "改情况", "改帮忙", "点“声音”")


def rule_of(selector: str) -> dict[str, str]:
    """The declarations of the one rule whose list of selectors names this one."""
    found = [
        body
        for names, body in re.findall(r"([^{}]+)\{([^{}]*)\}", re.sub(r"/\*.*?\*/", "", STYLES, flags=re.DOTALL))
        if selector in {name.strip() for name in names.split(",")}
    ]
    assert found, selector
    declarations = (line.partition(":") for line in "".join(found).split(";") if ":" in line)
    return {name.strip(): value.strip() for name, _, value in declarations}


def test_a_pressed_button_is_not_taken_for_a_dead_one() -> None:
    """Pressed means chosen: full colour; only what cannot be pressed is dashed and empty."""
    pressed, dead = rule_of('.btn[aria-pressed="true"]'), rule_of(".btn:disabled")
    assert pressed["background"] == rule_of(".btn-main")["background"] != dead["background"]
    assert pressed["color"] not in ("", dead["color"])
    assert "dashed" in dead["border"] and "dashed" not in pressed.get("border", "")


@pytest.mark.parametrize("words", VAGUE)
def test_no_link_or_button_has_a_name_that_says_nothing(words: str) -> None:
    """Names that people asked back about do not return to any page."""
    assert len(TEMPLATES) > 40
    assert [path.name for path in TEMPLATES if words in path.read_text(encoding="utf-8")] == []


def test_each_choice_that_is_open_says_what_to_do() -> None:
    """The first line of a list to choose from is words, never an empty line."""
    options = [
        (path.name, text.strip())
        for path in TEMPLATES
        for text in re.findall(r"<option\s+value=\"\">(.*?)</option>", path.read_text(encoding="utf-8"), re.DOTALL)
    ]
    assert len(options) >= 3
    assert [name for name, text in options if not text] == []
