"""What `recordings` may depend on."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "recordings"


def test_recordings_never_imports_station() -> None:
    """An auditor can use the package without the station."""
    for path in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names.append(node.module or "")
            assert not any(name.split(".")[0] == "station" for name in names), path.name
