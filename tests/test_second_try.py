"""The second try of `make test`: for few failures only, and never in silence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SECOND_TRY = Path(__file__).parent.parent / "tools" / "second_try.py"
# Each passes from its second run on, but the one that always fails.
PROJECT = """
import pathlib

import pytest

pytestmark = pytest.mark.xdist_group("{lane}")

@pytest.mark.parametrize("n", range({chances}))
def test_chance(n):
    seen = pathlib.Path(f"seen{{n}}")
    was_seen = seen.exists()
    seen.touch()
    assert was_seen

def test_fault():
    assert {holds}
"""


@pytest.mark.parametrize(
    ("chances", "holds", "code", "named"), [(0, True, 1, 0), (2, True, 0, 2), (1, False, 1, 0), (9, True, 1, 0)]
)
def test_few_failures_get_one_more_try_and_are_named(
    tmp_path: Path, chances: int, holds: bool, code: int, named: int
) -> None:
    """A passing second try is said aloud; what fails again, or fails in numbers, stays failed."""
    project = PROJECT.format(chances=chances, holds=holds, lane="meetings" if chances % 2 else "tests/rtc/test_it.py")
    (tmp_path / "test_it.py").write_text(project, encoding="utf-8")
    first = [sys.executable, "-m", "pytest", "-n", "1", "--dist", "loadgroup"]
    subprocess.run(first, cwd=tmp_path, check=False, capture_output=True)
    again = subprocess.run([sys.executable, SECOND_TRY], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert (again.returncode, again.stdout.count("PASSED ONLY AT THE SECOND TRY")) == (code, named), again.stdout
