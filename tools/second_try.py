"""Run the few tests that failed once more, by themselves: python tools/second_try.py

Tests with real browsers, real media and real time can fail where a machine stands still for a moment. So few of them
do not stop a change, but they are named as what they are: faults of the test or of the product, to be mended next.
More than a few failures are no chance, and stay failures.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

MOST = 3
LAST_FAILED = Path(".pytest_cache/v/cache/lastfailed")  # pytest keeps it over several runs, until a test passes


def main() -> int:
    """0 when all that failed passes now; what pytest says otherwise."""
    failed = list(json.loads(LAST_FAILED.read_text(encoding="utf-8"))) if LAST_FAILED.exists() else []
    if not 0 < len(failed) <= MOST:
        return 1
    code = subprocess.run([sys.executable, "-m", "pytest", *failed], check=False).returncode  # noqa: S603  names of tests
    if code == 0:
        sys.stdout.write("".join(f"PASSED ONLY AT THE SECOND TRY, mend it: {name}\n" for name in failed))
    return code


if __name__ == "__main__":
    sys.exit(main())
