"""Which of our modules imports which, read from the source without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROGRAMS = ("station", "recordings")

Graph = dict[str, frozenset[str]]


def module_name(path: Path) -> str:
    """`station.base.ids` for station/base/ids.py; a package is named without `__init__`."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def sources() -> dict[str, ast.Module]:
    """Every module of ours, parsed. Migrations stand apart: they are run by name, in their own order."""
    paths = [path for program in PROGRAMS for path in sorted((ROOT / program).rglob("*.py"))]
    kept = [path for path in paths if "migrations" not in path.parts]
    return {module_name(path): ast.parse(path.read_text(encoding="utf-8"), str(path)) for path in kept}


def imported_names(tree: ast.Module) -> set[str]:
    """Full names in all import statements, those inside functions too; those for the type checker only do not count."""
    names: set[str] = set()
    for node in _run_nodes(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in line {node.lineno}"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _run_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            continue
        yield node
        yield from _run_nodes(node)


def _resolve(name: str, known: dict[str, ast.Module]) -> str | None:
    # `from a.b import c` means the module a.b.c if there is one, else something defined in a.b.
    for candidate in (name, name.rpartition(".")[0]):
        if candidate in known:
            return candidate
    return None


@cache
def import_graph() -> Graph:
    """module → our modules that it imports."""
    known = sources()
    return {
        module: frozenset(
            target for name in imported_names(tree) if (target := _resolve(name, known)) and target != module
        )
        for module, tree in known.items()
    }


def reached_from(module: str, graph: Graph) -> set[str]:
    """All modules that importing this one brings in, packages on the way included."""
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in seen or name not in graph:
            continue
        seen.add(name)
        waiting += graph[name]
        waiting.append(name.rpartition(".")[0])
    return seen
