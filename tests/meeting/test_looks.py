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


LINKS_LOOKED_FOR = (
    "main :is(h2, h3, tbody th, .what b, .what small) > a:not([class])",
    'main a[href^="tel:"]',
    "a.alone",
)


def test_links_that_one_looks_for_first_are_as_high_as_a_finger() -> None:
    """Titles of one's matters, telephone numbers, links alone on their line; and what drags the replay."""
    height = re.search(r":where\(([^{]*)\) \{\s*padding-block: calc\(\(var\(--target-s\) - 1\.15em\) / 2\);", STYLES)
    assert height and all(selector in height[1] for selector in LINKS_LOOKED_FOR)
    assert rule_of("input.bar")["height"] == "var(--target-s)"


def test_notices_and_one_s_own_picture_do_not_meet_in_the_room() -> None:
    """On phones notices come from the top, so one's own picture stands at the bottom."""
    own, notices = rule_of(".room .self"), rule_of(".room-notices")
    assert "top" in notices and "bottom" not in notices
    assert "bottom" in own and "top" not in own


@pytest.mark.parametrize(
    ("selector", "name", "value"),
    [
        (".player-bar-live .at", "flex", "1 0 calc(100% - 3 * var(--target-s) - 16px)"),  # 全屏 alone on a line
        (".box > ul:not([class])", "padding-inline-start", "1.3em"),  # bullets outside of the box
        (".stack-s > ul:not([class])", "padding-inline-start", "1.3em"),  # bullets cut at the screen's edge
        (".board .at small", "white-space", "normal"),  # the day of a hearing ran into who chairs it
        (".sign-row:has(.sign-who) .sign-name span", "white-space", "normal"),  # the English name ran under the bell
        (".lobby .btn", "width", "100%"),  # "Let in" lay over the day
        ("#preview + .plate b", "white-space", "normal"),  # "nobody else sees it …"
        (".league td", "overflow-wrap", "normal"),  # "Satisfie|d"
        (".slip-top.slip-long > div", "grid-template-columns", "1fr"),  # long texts in half of the width
    ],
)
def test_words_are_neither_cut_nor_covered_on_phones(selector: str, name: str, value: str) -> None:
    """Rules without which words of some page were cut or lay over each other at 390 px, often only in English."""
    assert rule_of(selector)[name] == value


def test_no_title_of_a_page_shows_markup() -> None:
    """A title is text: what words in another language are wrapped in stood in the browser's tab, as `<span lang=…`."""
    titles = {
        path.name: match[1]
        for path in TEMPLATES
        if (match := re.search(r"{% block title %}(.*?){% endblock %}", path.read_text(encoding="utf-8"), re.DOTALL))
    }
    assert len(titles) > 30
    marked = [name for name, title in titles.items() if re.search(r"(said|title_of)\([^)]*\)(?!\|striptags)", title)]
    assert marked == []


def test_no_key_of_a_player_is_shown_that_does_nothing_without_a_script() -> None:
    """The replay has the browser's own keys until the script comes, which shows ours in their place."""
    read = {path.name: " ".join(path.read_text(encoding="utf-8").split()) for path in TEMPLATES}
    assert re.search(r'<video id="video"[^>]* controls ', read["replay.html"])
    assert re.search(r'class="player-bar[^>]* hidden>', read["_bar.html"])
    scrubs = {
        name: found[0] for name, text in read.items() if (found := re.search(r'<input[^>]*id="scrub"[^>]*>', text))
    }
    assert len(scrubs) == 3
    assert [name for name, scrub in scrubs.items() if " hidden " not in scrub] == []


def test_what_is_late_has_one_word_on_all_pages() -> None:
    """超期, as in the glossary: a second word for it would be taken for a second thing."""
    assert [path.name for path in TEMPLATES if "逾期" in path.read_text(encoding="utf-8")] == []


def test_a_working_day_of_the_calendar_is_written_no_smaller_than_the_page() -> None:
    """On telephones in English it was 13 pixels."""
    sizes = re.findall(r"\.days > li[^{]*\{[^}]*font-size: ([^;]+);", STYLES)
    assert sizes and set(sizes) == {"var(--text-s)"}


@pytest.mark.parametrize("selector", [".tag", ".penalty", "time", ".nowrap"])
def test_english_days_and_states_break_on_telephones(selector: str) -> None:
    """In large type they are longer than the line, and stuck out of the page or were cut off."""
    broken = re.search(r":root:lang\(en\) :is\(([^)]*)\) \{\s*white-space: normal;", STYLES)
    assert broken and selector in broken[1].split(", ")


def test_no_stop_of_the_navigation_is_broken_inside_of_its_word() -> None:
    """English words in large type were broken anywhere, as the page allows for addresses and the like."""
    assert rule_of(":root:lang(en) .sign-nav a")["overflow-wrap"] == "normal"
    assert rule_of(':root:lang(en)[data-mode="elder"] .sign-nav ul')["flex-wrap"] == "wrap"
