"""Stylesheets are many files for who reads them and one for who loads them, with the same cascade."""

from __future__ import annotations

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
