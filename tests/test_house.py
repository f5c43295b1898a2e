"""The house's own rules: retired words stay away, lines fit a screen, files and functions stay small."""

from __future__ import annotations

import ast
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
WIDTH = 120
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
MAX_POSITIONAL = 5
FOR_TESTS_AND_BENCHMARKS = {
    "binding_request",
    "rebuild_words",
}  # peers, rows put in by hand
FEW = 20  # files that one looks through within two minutes
# What the field calls otherwise (docs/glossary.md says how); whole words, in code and comments.
RETIRED = (
    "Watched", "send_repeat", "carry_twice", "Voices", "Steering", "is_content", "look_again", "passes_over",
    "lasting_bps", "Ground", "goes_on_with", "go_by", "levelled", "Allowance", "Tally", "Tallies", "Reported",
    "_shut_out", "Shelf", "_sentences", "_Gate", "_Order", "_Question", "_obey", "come_to_door", "leave_door",
    "must_be_asked", "_twin", "take_step", "keep_in_step", "forget_stray_files", "goOn", "lookAgain", "_Wish", "_Told",
    "Taken", "read_layout", "_ground", "feed_for", "repeats_bps", "_unwatch",
)  # fmt: skip
GENERATED = "station/base/migrations/versions/"  # Alembic's lists of tables


@cache
def tracked(*patterns: str) -> list[Path]:
    """Files under version control, and new ones that are not ignored."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    return [ROOT / name for name in names if (ROOT / name).is_file() and not name.startswith(GENERATED)]


def test_retired_words_stay_away() -> None:
    """Who searches for the field's word finds the code, and nobody finds the old one."""
    pattern = re.compile(r"(?<![\w.-])(" + "|".join(map(re.escape, RETIRED)) + r")(?!\w)")
    found = []
    for path in tracked("station/*.py", "recordings/*.py", "web/js/*.js"):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if pattern.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number} {line.strip()}")
    assert found == []


@cache
def parsed(path: Path) -> ast.Module:
    """A module's tree, read once for all of these rules."""
    return ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("pattern", ["web/css/*.css", "web/templates/*.html", "web/js/*.js", "web/js/*.ts"])
def test_lines_fit_a_screen(pattern: str) -> None:
    """A reviewer sees a whole line: at most 120 characters in styles, templates and scripts (Python: ruff)."""
    wide = [
        f"{path.relative_to(ROOT)}:{number} {len(line)}"
        for path in tracked(pattern)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if len(line) > WIDTH
    ]
    assert wide == []


def test_stylesheets_stay_small() -> None:
    """No stylesheet passes 400 lines: each has one subject."""
    large = [path.name for path in tracked("web/css/*.css") if path.read_text("utf-8").count("\n") > MAX_FILE_LINES]
    assert large == []


def test_every_custom_property_is_set_somewhere() -> None:
    """`var(--x)` names a token that a stylesheet, a template or a script sets: a browser drops the rule otherwise."""
    sources = [
        path.read_text(encoding="utf-8") for path in tracked("web/css/*.css", "web/templates/*.html", "web/js/*.js")
    ]
    used = {name for source in sources for name in re.findall(r"var\((--[\w-]+)", source)}
    made = {name for source in sources for name in re.findall(r"(--[\w-]+)\s*:", source)}
    assert used
    assert used - made == set()


def test_files_and_functions_stay_small() -> None:
    """No module passes 400 lines, no function 60."""
    large = []
    for path in tracked("station/*.py", "recordings/*.py"):
        source = path.read_text(encoding="utf-8")
        name = path.relative_to(ROOT)
        if source.count("\n") > MAX_FILE_LINES:
            large.append(f"{name}: {source.count(chr(10))} lines")
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > MAX_FUNCTION_LINES:
                    large.append(f"{name}:{node.lineno} {node.name}: {lines} lines")
    assert large == []


def test_public_names_say_what_they_are() -> None:
    """Every public class, function and method has a docstring; an error with a message for people says it by that."""
    silent = []
    for path in tracked("station/*.py", "recordings/*.py"):
        tree = parsed(path)
        silent += [f"{path.relative_to(ROOT)}:{node.lineno} {node.name}" for node in _silent_in(tree)]
    assert silent == []


def _silent_in(scope: ast.Module | ast.ClassDef) -> Iterator[Definition]:
    """Public definitions without a docstring; what stands inside a function or a private class is private too."""
    for node in scope.body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            if ast.get_docstring(node) is None and not _is_told_error(node):
                yield node
            if isinstance(node, ast.ClassDef):
                yield from _silent_in(node)


def _is_told_error(node: ast.AST) -> bool:
    assigned = [line for line in getattr(node, "body", ()) if isinstance(line, ast.Assign)]
    names = {getattr(target, "id", "") for line in assigned for target in line.targets}
    return isinstance(node, ast.ClassDef) and bool(names & {"message", "code"})


def test_long_records_are_made_by_keyword() -> None:
    """A record of our own with more than five values names each of them: two swapped texts would pass the types.

    Left out are the demo's tables, one row a line, and what is made for each packet.
    """
    trees = {path: parsed(path) for path in tracked("station/*.py", "recordings/*.py")}
    classes = [node for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    records = {node.name for node in classes if _is_record(node)}
    positional = [
        f"{path.relative_to(ROOT)}:{call.lineno} {call.func.id}"
        for path, tree in trees.items()
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in records
        if len(call.args) > MAX_POSITIONAL and not {"demo", "send_log.py"} & set(path.parts)
    ]
    assert positional == []


def _is_record(node: ast.ClassDef) -> bool:
    above = {ast.unparse(base) for base in node.bases}
    return bool(above & {"NamedTuple", "msgspec.Struct"}) or any(
        "dataclass" in ast.unparse(d) for d in node.decorator_list
    )


def test_only_tables_are_laid_out_by_hand() -> None:
    """`# fmt: skip` ends a table of a module or of the demo, and nothing inside a function."""
    inside = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in tracked("station/*.py", "recordings/*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if line.endswith("# fmt: skip") and line.startswith(" ") and "demo" not in path.parts
    ]
    assert inside == []


def test_nothing_stands_unused() -> None:
    """Each function, class and constant of a module is named somewhere else in the program, not in its tests alone.

    What a decorator registers (commands) is not asked.
    """
    paths = tracked("station/*.py", "recordings/*.py")
    named = Counter(re.findall(r"\w+", "\n".join(path.read_text(encoding="utf-8") for path in paths)))
    unused = [
        f"{path.relative_to(ROOT)} {name}"
        for path in paths
        for name in _defined_in(parsed(path))
        if named[name] == 1 and name not in FOR_TESTS_AND_BENCHMARKS
    ]
    assert unused == []


def _defined_in(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.ClassDef) or (isinstance(node, Definition) and not node.decorator_list):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


@pytest.mark.parametrize(
    ("question", "words", "answer"),
    [
        ("where is a NACK answered", ("NACK", "retransmi"), "station/rtc/forwarding/subscription.py"),
        ("who deletes personal data", ("delete", "personal data"), "station/people/expiry.py"),
        ("where is a recording paused", ("pause", "recording"), "station/meeting/recording.py"),
        ("where is an SMS sent", ("SMS", "send"), "station/notices/channels.py"),
    ],
)
def test_two_minute_questions_are_answered_by_search(question: str, words: tuple[str, ...], answer: str) -> None:
    """A search for the words of the question leads to the file that answers it, among few."""
    hits = [
        path.relative_to(ROOT)
        for path in tracked("station/*.py", "recordings/*.py")
        if all(word.lower() in path.read_text(encoding="utf-8").lower() for word in words)
    ]
    assert answer in map(str, hits), question
    assert len(hits) <= FEW, hits


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("answer_nack", "station/rtc/forwarding/downstream.py"),
        ("delete_personal", "station/work.py"),
        ("pause_recording", "station/meeting/consent.py"),
        ("send_sms", "station/notices/carriers/http.py"),
    ],
)
def test_the_word_one_would_type_is_the_name(word: str, answer: str) -> None:
    """Who types the act as a name finds it defined, and at once."""
    hits = [
        str(path.relative_to(ROOT))
        for path in tracked("station/*.py", "recordings/*.py")
        if word in path.read_text(encoding="utf-8").lower()
    ]
    assert answer in hits and len(hits) <= FEW // 5
