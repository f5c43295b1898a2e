"""Stylesheets are many files for who reads them and one for who loads them, with the same cascade."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from station.base.stylesheets import inline_imports, stylesheet_handler
from station.base.templates import WEB


@pytest.mark.parametrize("name", ["components", "stage"])
def test_sheet_holds_all_files_of_its_folder_in_order(name: str) -> None:
    """What is served names no other file; each file of the folder stands in it once, in the order of the imports."""
    sheet = WEB / "css" / f"{name}.css"
    served = inline_imports(sheet)
    imported = [line.split('"')[1] for line in sheet.read_text("utf-8").splitlines() if line.startswith("@import")]
    assert "@import" not in served
    assert sorted(imported) == sorted(str(path.relative_to(WEB / "css")) for path in (WEB / "css" / name).glob("*.css"))
    places = [served.index((WEB / "css" / path).read_text("utf-8")) for path in imported]
    assert places == sorted(places)


def test_import_inside_an_import_is_inlined_too(tmp_path: Path) -> None:
    """A file that imports another gets it in its place; everything else stays as it was written."""
    (tmp_path / "a.css").write_text('/* a */\n@import url("parts/b.css");\nmain { color: red }\n', encoding="utf-8")
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "b.css").write_text('@import url("c.css");\n', encoding="utf-8")
    (tmp_path / "parts" / "c.css").write_text("p { margin: 0 }\n", encoding="utf-8")
    assert inline_imports(tmp_path / "a.css") == "/* a */\np { margin: 0 }\nmain { color: red }\n"


async def test_who_has_the_sheet_is_told_so(tmp_path: Path) -> None:
    """The answer carries an ETag (RFC 9110 §8.8.3); asked with it, or with a list that holds it, the answer is 304."""
    (tmp_path / "a.css").write_text("p { margin: 0 }\n", encoding="utf-8")
    app = web.Application()
    app.router.add_get("/a.css", stylesheet_handler(tmp_path / "a.css"))
    async with TestClient(TestServer(app)) as client:
        first = await client.get("/a.css")
        assert first.content_type == "text/css"
        tag = first.headers["ETag"]
        for known in (tag, f'"other", {tag}'):
            again = await client.get("/a.css", headers={"If-None-Match": known})
            assert (again.status, await again.text()) == (304, "")
        assert (await client.get("/a.css", headers={"If-None-Match": '"other"'})).status == 200


def _tokens(theme: str, *, elder: bool) -> dict[str, str]:
    """The tokens of a page of that theme: rules of one attribute or `:root` are equal, so that the last one decides."""
    wanted = {":root", f'[data-theme="{theme}"]'} | ({'[data-mode="elder"]'} if elder else set())
    sheet = re.sub(r"/\*.*?\*/", "", (WEB / "css" / "tokens.css").read_text("utf-8"), flags=re.DOTALL)
    rules = re.findall(r"([^{}]+)\{([^{}]*)\}", sheet)
    found = "".join(body for selector, body in rules if selector.strip() in wanted)
    return dict(re.findall(r"(--[\w-]+):\s*([^;]+);", found))


def _luminance(colour: str) -> float:
    """WCAG 2.2's relative luminance."""
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark", "stage"])
@pytest.mark.parametrize("elder", [False, True])
def test_every_ink_can_be_read_on_every_ground(theme: str, elder: bool) -> None:
    """4.5:1 (WCAG 2.2, 1.4.3), in large type too, where second texts are to stand out more and not less."""
    tokens = _tokens(theme, elder=elder)
    faint = {
        (ink, ground): round(ratio, 1)
        for ink in ("--ink", "--ink-2", "--ink-3", "--link")
        for ground in ("--paper", "--surface", "--sunken")
        if (ratio := _contrast(tokens[ink], tokens[ground])) < 4.5
    }
    assert faint == {}


def test_large_type_is_large_in_rooms_and_players() -> None:
    """Their sizes are tokens, none under 20 px in large type; but for what stands in one's own small picture."""
    tokens = _tokens("stage", elder=True)
    assert all(int(size.removesuffix("px")) >= 20 for name, size in tokens.items() if name.startswith("--stage-"))
    for name in ("meet.css", "stage/room.css", "stage/player.css"):
        sizes = set(re.findall(r"font-size: (\d+)px", (WEB / "css" / name).read_text("utf-8")))
        assert sizes <= {"14"}, name


def test_an_english_day_breaks_on_phones() -> None:
    """`Wednesday 2 December` in a heading is wider than a phone; a Chinese day is not, and stays in one piece."""
    sheet = " ".join((WEB / "css" / "utilities.css").read_text("utf-8").split())
    everywhere, narrow = sheet.split("@media (max-width: 39.99em) {", 1)
    assert ".nowrap { white-space: nowrap; }" in everywhere
    assert narrow.startswith(" :root:lang(en) :is(.nowrap, time, .tag, .penalty) { white-space: normal; } }")


# Words within a drawing keep to its scale; on one's own small picture there is no room for more.
DRAWN = {".chart text", ".tile .badge.tag"}


def test_what_is_small_in_pixels_is_larger_in_large_type() -> None:
    """Nothing is under 20 px for who chose large type: a size that does not grow with the page's says its other one."""
    small: set[str] = set()
    large: set[str] = set()
    for path in [*(WEB / "css").glob("*.css"), *(WEB / "css/components").glob("*.css")]:  # the stage is no paper
        for selector, rules in re.findall(r"([^{}/;]+)\{([^{}]*)\}", path.read_text("utf-8")):
            size = re.search(r"font-size:\s*([^;]+)", rules)
            name = selector.strip()
            if size and name.startswith('[data-mode="elder"] '):
                large.add(name.removeprefix('[data-mode="elder"] '))
            elif size and size[1].endswith("px") and float(size[1][:-2]) < 20:
                small.add(name)
    assert {".slot small", ".penalty i", ".news .new"} <= small, "found where they are"
    assert small - large == DRAWN
