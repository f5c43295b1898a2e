"""Documents held to the code: the trees in the READMEs, the help of settings, the English of every text."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import station
from station.base.errors import StationError
from station.base.i18n import LANGUAGES, LOCALE_FOLDER, Translator
from station.base.settings import Settings
from station.routes import ROUTES

ROOT = Path(__file__).parent.parent
CHINESE = re.compile(r"[\u4e00-\u9fff]")
PLACEHOLDER = re.compile(r"%\((\w+)\)")
MARKS = {"_": None, "N_": None, "gettext": None, "translate": (2,), "ngettext": (1, 2)}


# --- README ----------------------------------------------------------------------------------------------------------


def tree_in(readme: Path) -> set[str]:
    """The folders in the tree of a README: `name/` by two spaces of indentation a level, inside a code block."""
    folders: list[str] = []
    above: dict[int, str] = {}
    blocks = re.findall(r"^```[^\n]*\n(.*?)^```", readme.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    block = next((b for b in blocks if re.search(r"^station/", b, re.MULTILINE)), "")
    for indent, name in re.findall(r"^( *)([\w.-]+)/(?=\s|$)", block, re.MULTILINE):
        level = len(indent) // 2
        above[level] = f"{above[level - 1]}/{name}" if level else name
        folders.append(above[level])
    assert len(folders) == len(set(folders)), "a folder is listed twice"
    return set(folders)


def tracked_folders() -> set[str]:
    """Top-level folders under version control, and the packages of station/."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    paths = [Path(name).parts for name in listed]
    top = {parts[0] for parts in paths if len(parts) > 1 and not parts[0].startswith(".")}
    packages = {f"station/{parts[1]}" for parts in paths if parts[0] == "station" and len(parts) > 2}
    return top | packages


def test_the_tree_is_the_folders() -> None:
    """Every folder of the README's tree exists, and every top-level folder and every package stands in it."""
    listed = tree_in(ROOT / "README.md")
    assert [folder for folder in listed if not (ROOT / folder).is_dir()] == []
    assert tracked_folders() - listed == set()


@pytest.mark.parametrize("path", sorted(p.relative_to(ROOT) for p in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]))
def test_links_lead_somewhere(path: Path) -> None:
    """A relative link or picture in a document names a file that is there."""
    text = (ROOT / path).read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", text)
    assert [t for t in targets if not (ROOT / path.parent / t).exists()] == []


def test_every_file_that_a_document_names_exists() -> None:
    """A `name.py` or `path/name.js` in a document's code marks is a file that is there, whoever moved it last."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    missing = []
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "deploy" / "README.md"]:
        for name in re.findall(r"`([\w./-]+\.(?:py|js|sh))`", path.read_text(encoding="utf-8")):
            if not any(f"/{file}".endswith(f"/{name.lstrip('./')}") for file in listed):
                missing.append(f"{path.relative_to(ROOT)}: {name}")
    assert missing == []


def test_every_make_target_in_the_documents_exists() -> None:
    """A `make something` that a document tells to type is in the Makefile."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]:
        named = set(re.findall(r"`make ([a-z]+)", path.read_text(encoding="utf-8")))
        assert named <= targets, path.name


def test_the_manual_names_what_the_pages_say() -> None:
    """Whatever the Chinese manual for users quotes (a button, a page) stands on a page in these words."""
    quoted = re.findall(r"“([^”]+)”", (ROOT / "docs/zh/users.md").read_text(encoding="utf-8"))
    pages = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "web/templates").rglob("*.html"))
    assert quoted
    assert [words for words in quoted if words not in pages] == []


# --- Settings --------------------------------------------------------------------------------------------------------


def test_every_route_of_the_api_is_described() -> None:
    """docs/api.md lists the calls under /api/v1 that there are, and no others."""
    described = re.findall(r"^\| `(\w+) (/api/v1/[^`?]+)", (ROOT / "docs/api.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(described) == sorted((r.method, r.path) for r in ROUTES if r.path.startswith("/api/v1/"))


def test_every_problem_type_is_described() -> None:
    """docs/api.md lists each status and type that an error of ours can leave with, and no others."""
    for module in pkgutil.walk_packages(station.__path__, "station."):
        if "migrations" not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    rows = re.findall(r"^\| (\d{3}) \| `([\w-]+)` \| \S", (ROOT / "docs/api.md").read_text("utf-8"), re.MULTILINE)
    ours = {error for error in _errors_under(StationError) if error.__module__.startswith("station.")}
    assert sorted(rows) == sorted({(str(error.status), error.code) for error in ours})


def _errors_under(error: type[StationError]) -> Iterator[type[StationError]]:
    yield error
    for narrower in error.__subclasses__():
        yield from _errors_under(narrower)


def test_every_setting_has_help() -> None:
    """Each setting says in a sentence what it is for, and works without being set."""
    for name, setting in Settings.model_fields.items():
        assert setting.description, name
        assert setting.description.rstrip().endswith((".", "。")), name
        assert not setting.is_required(), name


# --- Texts -----------------------------------------------------------------------------------------------------------


def marked_texts() -> Iterator[tuple[str, str]]:
    """(where, message id) of every text marked for translation in templates and code."""
    method_map = [("**.html", "jinja2.ext:babel_extract")]
    options = {"**.html": {"silent": "false", "extensions": "jinja2.ext.i18n,jinja2.ext.do"}}
    found = extract_from_dir(ROOT / "web" / "templates", method_map, options, {**MARKS, "translate": None})
    for file, line, message, _comments, _context in found:
        yield from ((f"web/templates/{file}:{line}", m) for m in _as_ids(message))
    code = extract_from_dir(ROOT / "station", [("**.py", "python")], keywords=MARKS)
    for file, line, message, _comments, _context in code:
        yield from ((f"station/{file}:{line}", m) for m in _as_ids(message))
    for path in sorted((ROOT / "station").rglob("*.py")):
        yield from _raised_texts(path)


def _as_ids(message: str | tuple[str, ...]) -> list[str]:
    return [m for m in (message if isinstance(message, tuple) else (message,)) if m]


def _raised_texts(path: Path) -> Iterator[tuple[str, str]]:
    # Sentences of errors are shown translated, marked or not: a class's `message`, and what is raised with.
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        candidates: list[ast.expr] = []
        if isinstance(node, ast.ClassDef):
            candidates = [
                statement.value
                for statement in node.body
                if isinstance(statement, ast.Assign | ast.AnnAssign)
                and statement.value is not None
                and "message" in ast.unparse(statement).split("=")[0]
            ]
        elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            fields = [k.value for k in node.exc.keywords if k.arg == "fields" and isinstance(k.value, ast.Dict)]
            candidates = [*node.exc.args[:1], *(value for d in fields if isinstance(d, ast.Dict) for value in d.values)]
        for value in candidates:
            if isinstance(value, ast.Constant) and isinstance(value.value, str) and CHINESE.search(value.value):
                yield f"{path.relative_to(ROOT)}:{value.lineno}", value.value


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_every_text_is_translated(language: str) -> None:
    """Each text marked in a template or in code has a translation, so that no page mixes languages."""
    translator = Translator()
    missing = sorted({f"{where}: {m}" for where, m in marked_texts() if not translator.has(language, m)})
    assert not missing, f"{len(missing)} without {language}:\n" + "\n".join(missing)


@pytest.mark.parametrize("path", sorted(LOCALE_FOLDER.glob("*/*.po")), ids=lambda p: f"{p.parent.name}/{p.name}")
def test_translations_keep_their_placeholders(path: Path) -> None:
    """A translation fills in the same names as its original; nothing is fuzzy or left empty."""
    with path.open("rb") as file:
        catalogue = read_po(file, locale=path.parent.name)
    for message in catalogue:
        if not message.id:
            continue
        assert isinstance(message.id, str)
        assert message.string, message.id
        assert not message.fuzzy, message.id
        assert set(PLACEHOLDER.findall(message.id)) == set(PLACEHOLDER.findall(str(message.string))), message.id


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_a_text_is_translated_in_one_file(language: str) -> None:
    """Of two translations of the same text only one is read, and it need not be the one that is looked at."""
    files: dict[str, str] = {}
    for path in sorted((LOCALE_FOLDER / language).glob("*.po")):
        with path.open("rb") as file:
            ids = [str(message.id) for message in read_po(file, locale=language) if message.id]
        assert not [f"{files[text]} {path.name}: {text}" for text in ids if text in files]
        files |= dict.fromkeys(ids, path.name)


def test_the_chinese_is_chinese() -> None:
    """Message ids are the Chinese text itself; an English id would show up on Chinese pages."""
    words = [(where, PLACEHOLDER.sub("", message)) for where, message in marked_texts()]
    assert [f"{where}: {m}" for where, m in words if re.search(r"[A-Za-z]{4}", m) and not CHINESE.search(m)] == []
